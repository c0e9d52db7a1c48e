package keyring_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	system "github.com/zalando/go-keyring"

	"github.com/contentstack/csoauth/tokens"
	"github.com/contentstack/csoauth/tokens/keyring"
)

// A directory of tokens, sealed with a key from the system's keyring.
func ExampleKey() {
	system.MockInit() // in place of your keyring
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	key, err := keyring.Key(ctx, "mytool", "default")
	if err != nil {
		fmt.Println(err) // keyring.ErrUnavailable, keyring.ErrTimeout
		return
	}
	store, err := tokens.Sealed(tokens.Dir("tokens"), key)
	fmt.Println(len(key) == keyring.KeySize, store != nil, err)

	fmt.Println(keyring.Delete(ctx, "mytool", "default"))
	_, err = keyring.Find(ctx, "mytool", "default")
	fmt.Println("no key any more:", errors.Is(err, keyring.ErrNotFound))
	// Output:
	// true true <nil>
	// <nil>
	// no key any more: true
}
