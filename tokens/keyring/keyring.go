// Package keyring keeps a key for [tokens.Sealed] in the operating system's keyring: the Keychain
// on macOS, the Credential Manager on Windows, and the Secret Service (GNOME Keyring, KWallet,
// KeePassXC) on Linux and BSD.
//
//	key, err := keyring.Key(ctx, "mytool", "default")
//	store, err := tokens.Sealed(tokens.Dir(path), key)
//
// The key protects the files if someone else gets them, such as from a stolen disk, a backup or a
// synchronized folder. It does not protect against other programs of the same user, because they
// can ask the keyring too.
//
// A keyring may ask its user for a password, and waits until someone types it. No function here
// waits longer than its context allows, or than a minute if the context has no deadline. A call
// that hangs cannot be stopped: its goroutine stays until the keyring responds. Until then, all
// other calls fail at once with [ErrTimeout]. If GNOME Keyring crashes while it asks, all calls
// fail until the program restarts.
//
// On Linux and BSD a call may set $DBUS_SESSION_BUS_ADDRESS for this process. It does so if the
// variable is not set and the user's session bus is at its usual place.
//
// The package is a thin layer over github.com/zalando/go-keyring. It was tried with GNOME Keyring.
// It was never run on macOS.
//
// [tokens.Sealed]: https://pkg.go.dev/github.com/contentstack/csoauth/tokens#Sealed
package keyring

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/zalando/go-keyring"
)

// KeySize is the length of a key in bytes.
const KeySize = 32

// Test for these errors with errors.Is.
var (
	// ErrNotFound: the keyring works, but has no such key.
	ErrNotFound = errors.New("the keyring has no such key")
	// ErrUnavailable: there is no keyring, it is locked, or it failed. The text of the error comes
	// from the keyring.
	ErrUnavailable = errors.New("the keyring is not available")
	// ErrTimeout: the keyring did not respond in time. Most often it waits for a password that no
	// one types.
	ErrTimeout = errors.New("the keyring did not respond in time")
	// ErrBroken: the keyring has a value under these names that is not a key. Another program has
	// written it. Choose another service, or [Delete] the value.
	ErrBroken = errors.New("the keyring's value is not a key")
)

// Key returns the key of 32 bytes that the keyring has for a user of a service. If the keyring has
// no key, Key makes one. Several processes that make the first key at the same time get the same
// key.
//
// service names the program, and user names one of its keys. The system's keyring programs show
// both names in clear text.
func Key(ctx context.Context, service, user string) ([]byte, error) {
	return call(ctx, "key", service, user, func(ctx context.Context) ([]byte, error) {
		key, err := get(service, user)
		if !errors.Is(err, ErrNotFound) {
			return key, err
		}
		unlock, err := lock(ctx, service, user)
		if err != nil {
			return nil, err
		}
		defer unlock() // not before the keyring has it, however long that takes
		if key, err := get(service, user); !errors.Is(err, ErrNotFound) {
			return key, err // another process was faster
		}
		made := make([]byte, KeySize)
		rand.Read(made)
		if err := keyring.Set(service, user, hex.EncodeToString(made)); err != nil {
			return nil, unavailable(err)
		}
		return get(service, user) // which another program may have replaced
	})
}

// Find returns the key as [Key] does, but never makes one. If there is no key, the error is
// [ErrNotFound].
func Find(ctx context.Context, service, user string) ([]byte, error) {
	return call(ctx, "find", service, user, func(context.Context) ([]byte, error) { return get(service, user) })
}

// Delete removes the key. It returns nil if there is no key.
func Delete(ctx context.Context, service, user string) error {
	_, err := call(ctx, "delete", service, user, func(context.Context) ([]byte, error) {
		err := keyring.Delete(service, user)
		if err == nil || errors.Is(err, keyring.ErrNotFound) {
			return nil, nil
		}
		return nil, unavailable(err)
	})
	return err
}

func get(service, user string) ([]byte, error) {
	text, err := keyring.Get(service, user)
	switch {
	case errors.Is(err, keyring.ErrNotFound):
		return nil, ErrNotFound
	case err != nil:
		return nil, unavailable(err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(text))
	if err != nil || len(key) != KeySize {
		return nil, fmt.Errorf("%w: it has %d characters: want %d hexadecimal digits", ErrBroken, len(text), 2*KeySize)
	}
	return key, nil
}

func unavailable(err error) error { return fmt.Errorf("%w: %w", ErrUnavailable, err) }

// patience is how long a call takes at most if its context has no deadline.
const patience = time.Minute

// busy has a value while a call is under way: one at a time, so that a keyring asks its user once.
var busy = make(chan struct{}, 1)

// hang is how long a call takes at least that counts as one that hangs.
const hang = 2 * time.Second

// stuck is the latest call that was given up: it is closed when that returns.
var stuck atomic.Pointer[chan struct{}]

// call runs do, which may hang, until it returns or ctx ends.
func call(ctx context.Context, name, service, user string, do func(context.Context) ([]byte, error)) (key []byte, err error) {
	defer func() {
		if err != nil {
			key, err = nil, fmt.Errorf("keyring: %s: %w", name, err)
		}
	}()
	if err := checkNames(service, user); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, ended(ctx)
	}
	if err := reachable(); err != nil {
		return nil, unavailable(err)
	}
	if earlier := stuck.Load(); earlier != nil {
		select {
		case <-*earlier:
		default:
			return nil, fmt.Errorf("%w: an earlier call still waits for it", ErrTimeout)
		}
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, patience)
		defer cancel()
	}
	select {
	case busy <- struct{}{}:
	case <-ctx.Done():
		return nil, ended(ctx)
	}
	began, done := time.Now(), make(chan struct{})
	var of struct { // a call that was given up goes on with it
		key []byte
		err error
	}
	go func() {
		defer func() {
			if p := recover(); p != nil { // go-keyring does it if the session bus ends while the user is asked
				of.key, of.err = nil, fmt.Errorf("%w: go-keyring panicked: %v", ErrUnavailable, p)
			}
			<-busy
			close(done)
		}()
		of.key, of.err = do(ctx)
	}()
	select {
	case <-done:
		return of.key, of.err
	case <-ctx.Done():
		if time.Since(began) >= hang { // otherwise the caller was in a hurry
			stuck.Store(&done)
		}
	}
	return nil, ended(ctx)
}

func ended(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("%w: unlock it, or answer its prompt: %w", ErrTimeout, ctx.Err())
	}
	return ctx.Err()
}

// checkNames refuses what a keyring may cut or confuse.
func checkNames(service, user string) error {
	for what, name := range map[string]string{"service": service, "user": user} {
		if name == "" || len(name) > 200 || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r > '~' }) {
			return fmt.Errorf("the %s %.40q is not 1 to 200 characters of ASCII", what, name)
		}
	}
	return nil
}
