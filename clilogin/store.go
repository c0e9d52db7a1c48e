package clilogin

import (
	"context"
	"errors"
	"fmt"

	"github.com/contentstack/csoauth/tokens"
)

// loginKey is the one key of a Session's Manager.
const loginKey = "login"

// A loginStore is the slot that the profile's state names at the time of each call. So a Manager
// notices a login that another process made.
type loginStore struct{ *profile }

// slot returns the store of the slot that counts, and the name of its value.
func (s loginStore) slot(ctx context.Context) (tokens.Store, string, error) {
	now, err := s.state(ctx)
	if err != nil {
		return nil, "", err
	}
	sealed, err := s.sealed(ctx, now)
	return sealed, tokenName + now.Slot, err
}

func (s loginStore) Load(ctx context.Context, _ string) ([]byte, error) {
	store, name, err := s.slot(ctx)
	if err != nil {
		return nil, err
	}
	return store.Load(ctx, name)
}

func (s loginStore) CompareAndSwap(ctx context.Context, _ string, old, new []byte) error {
	store, name, err := s.slot(ctx)
	switch {
	case errors.Is(err, tokens.ErrNotFound):
		return fmt.Errorf("%w: there is no login any more", tokens.ErrConflict)
	case err != nil:
		return fmt.Errorf("%w; nothing was changed", err)
	}
	return store.CompareAndSwap(ctx, name, old, new)
}

// Lock is one for both slots: that a process has it proves that no other is at work with the login,
// in whatever slot that was.
func (s loginStore) Lock(ctx context.Context, _ string) (unlock func(), err error) {
	return s.dir.Lock(ctx, tokenName)
}
