package tokens

import (
	"context"
	"errors"
	"fmt"

	"github.com/contentstack/csoauth/internal/seal"
)

// sealedPurpose keeps these values apart from all else that is sealed with the same keys. Changing
// it loses every value.
const sealedPurpose = "csoauth tokens"

// Sealed returns a Store that keeps its values in s, encrypted and authenticated with AES-256-GCM.
// Each value becomes less than 64 bytes longer. The Store is a [Locker] if s is one, and as safe
// for concurrent use as s.
//
// Sealed encrypts values, but not keys. Someone who can read s learns the size of a value and when
// it changed. Someone who can write to s can neither change a value nor move it to another key. But
// they can put back an older value of the same key, and Sealed does not notice.
//
// Each key is 32 random bytes. The command "openssl rand -hex 32" prints such bytes in hexadecimal.
// Do not keep the key in s. The first key seals, and every key opens. To rotate keys, first add the
// new key at the end in all processes, and then move it to the front. Then [Reseal] the values of
// all your users, and remove the old key. Seal at most 2^32 values with one key.
//
// If a value cannot be opened, because its key is missing or someone changed it, the error is
// [ErrUnreadable], never [ErrNotFound]. Restore the key, or let the user log in again.
// [Manager.Put] and [Manager.Delete] replace such a value.
func Sealed(s Store, keys ...[]byte) (Store, error) {
	if s == nil {
		return nil, errors.New("tokens: sealed: the store is nil")
	}
	if _, ok := s.(single); ok {
		return nil, errors.New("tokens: sealed: Single cannot be sealed, because it passes a token to its function: seal what that function stores")
	}
	box, err := seal.New(sealedPurpose, keys)
	if err != nil {
		return nil, fmt.Errorf("tokens: sealed: %w", err)
	}
	sealed := &sealed{inner: s, box: box}
	if locker, ok := s.(Locker); ok {
		return &sealedLocker{sealed, locker}, nil
	}
	return sealed, nil
}

type sealed struct {
	inner Store
	box   *seal.Box
}

// sealedLocker is sealed over a store with locks, which are the store's own.
type sealedLocker struct {
	*sealed
	Locker
}

// Reseal seals the value of key again, with the first key of s. [Sealed] must have returned s.
// After you have called Reseal for every user, you can remove the other keys. It returns nil if the
// key has no value. A Manager may use the same value at the same time.
func Reseal(ctx context.Context, s Store, key string) error {
	sealed, ok := s.(interface {
		reseal(ctx context.Context, key string) error
	})
	if !ok {
		return errors.New("tokens: reseal: the store was not returned by Sealed")
	}
	return sealed.reseal(ctx, key)
}

func (s *sealed) reseal(ctx context.Context, key string) error {
	var err error
	for range maxConflicts {
		inner, plain, loadErr := s.load(ctx, key)
		switch {
		case loadErr != nil:
			return unchanged(loadErr)
		case plain == nil:
			return nil
		}
		if err = s.inner.CompareAndSwap(ctx, key, inner, s.seal(key, plain)); !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return err
}

// Load opens the value.
func (s *sealed) Load(ctx context.Context, key string) ([]byte, error) {
	v, err := s.open(ctx, key)
	return v.plain, err
}

// load returns the value of the inner store, and the opened value. Both are nil if there is no
// value. If the value cannot be opened, both are the inner value, and the error is ErrUnreadable.
func (s *sealed) load(ctx context.Context, key string) (inner, plain []byte, err error) {
	inner, err = s.inner.Load(ctx, key)
	if errors.Is(err, ErrNotFound) {
		return nil, nil, nil
	}
	if err != nil { // inner has bytes if they cannot be read
		return inner, inner, err
	}
	plain, err = s.box.Open(inner, []byte(key))
	if err != nil {
		return inner, inner, fmt.Errorf("tokens: sealed: %w: %w; restore it or its key, or log in again", ErrUnreadable, err)
	}
	return inner, plain, nil
}

// CompareAndSwap compares the opened values, and swaps in the inner store over the very bytes that
// it opened.
func (s *sealed) CompareAndSwap(ctx context.Context, key string, old, new []byte) error {
	// If the inner value changes in between, it may have become the value asked for, sealed with
	// another nonce. So it is looked at again. Each turn means that another caller was faster; the
	// limit is for an inner store that is broken.
	var err error
	for range 100 {
		inner, plain, loadErr := s.load(ctx, key)
		if loadErr != nil && !(errors.Is(loadErr, ErrUnreadable) && inner != nil) {
			return unchanged(loadErr)
		}
		if !sameValue(plain, old) && !sameValue(plain, new) {
			return fmt.Errorf("tokens: swap: %w", ErrConflict)
		}
		err = s.inner.CompareAndSwap(ctx, key, inner, s.next(key, inner, plain, new))
		if !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return err
}

// open is Load, and also returns the value as the inner store has it.
func (s *sealed) open(ctx context.Context, key string) (value, error) {
	inner, plain, err := s.load(ctx, key)
	if err == nil && plain == nil {
		err = fmt.Errorf("tokens: load: %w", ErrNotFound)
	}
	return value{plain, inner}, err
}

func (s *sealed) seal(key string, plain []byte) []byte { return s.box.Seal(plain, []byte(key)) }

// swapOpened is CompareAndSwap over what open, or the last swapOpened, has returned. It neither
// loads nor opens that again, unless it has changed meanwhile, if only by another nonce.
func (s *sealed) swapOpened(ctx context.Context, key string, old value, new *value) error {
	if old.plain == nil || old.sealed != nil {
		if new.plain != nil && new.sealed == nil {
			new.sealed = s.seal(key, new.plain)
		}
		if err := s.inner.CompareAndSwap(ctx, key, old.sealed, new.sealed); !errors.Is(err, ErrConflict) {
			return err
		}
	}
	new.sealed = nil
	return s.CompareAndSwap(ctx, key, old.plain, new.plain)
}

// next returns what the inner store should hold instead of inner.
func (s *sealed) next(key string, inner, plain, new []byte) []byte {
	switch {
	case sameValue(plain, new):
		return inner // only a swap in the inner store can tell that this would outlive a crash
	case new == nil:
		return nil
	}
	return s.seal(key, new)
}
