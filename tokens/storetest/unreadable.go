package storetest

import (
	"bytes"
	"errors"
	"testing"

	"github.com/contentstack/csoauth/tokens"
)

// testUnreadable checks that a value which cannot be read can be replaced and deleted: a store must
// compare the bytes that it has, and never what it takes them for.
func testUnreadable(t *testing.T, s suite) {
	h, ctx := s.one(t), t.Context()
	seal := func(fill byte) tokens.Store {
		sealed, err := tokens.Sealed(h.Store, bytes.Repeat([]byte{fill}, 32))
		if err != nil {
			t.Fatal(err)
		}
		return sealed
	}
	lost, now := seal(1), seal(2)
	for name, replacement := range map[string][]byte{"replaced": []byte("new"), "deleted": nil} {
		key := "unreadable, " + name
		if err := lost.CompareAndSwap(ctx, key, nil, []byte("old")); err != nil {
			t.Fatal(err)
		}
		shown, err := now.Load(ctx, key)
		if !errors.Is(err, tokens.ErrUnreadable) || errors.Is(err, tokens.ErrNotFound) {
			t.Fatalf("Load of a value that was sealed with another key: %v, want tokens.ErrUnreadable", err)
		}
		if err := now.CompareAndSwap(ctx, key, []byte("old"), replacement); !errors.Is(err, tokens.ErrConflict) {
			t.Errorf("a swap over another value than that which cannot be read: %v, want tokens.ErrConflict", err)
		}
		if err := now.CompareAndSwap(ctx, key, shown, replacement); err != nil {
			t.Errorf("a value that cannot be read is not %s: %v", name, err)
		}
		got, err := now.Load(ctx, key)
		if !bytes.Equal(got, replacement) || errors.Is(err, tokens.ErrNotFound) != (replacement == nil) {
			t.Errorf("afterwards Load returns %q, %v", got, err)
		}
	}
}
