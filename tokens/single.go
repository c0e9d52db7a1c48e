package tokens

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/contentstack/csoauth"
)

// Single returns a Store for one key, for a tool that keeps its one token in a state of its own. t
// is the token of that state; nil: there is none yet. save stores a token in the state, and removes
// the token if it is nil. It must not return before the change is durable. Calls of save do not
// overlap: one before each refresh with the present token, which shows that the state can be
// written before the refresh token is used up, and one after it with the new token.
//
// Save what [csoauth.Token.MarshalBinary] returns; UnmarshalBinary reads it. A []byte in a JSON
// state is base64. It holds the secrets: encrypt it, unless the state is protected like a password.
//
// The first key that is used is the only key. Only one process may use the state, with one Manager.
func Single(t *csoauth.Token, save func(context.Context, *csoauth.Token) error) Store {
	if save == nil {
		panic("tokens: Single needs a function that saves")
	}
	var s state
	if t != nil {
		first := newLogin(t, record{}, now())
		s.err = first.encode()
		s.value = first.raw
	}
	single := single{save: save, state: make(chan state, 1)}
	single.state <- s
	return single
}

type single struct {
	save func(context.Context, *csoauth.Token) error
	// state has the state while nobody is at work with it: a lock that can be waited for with a
	// context, and that prints as an address.
	state chan state
}

type state struct {
	key   string
	value []byte // nil: no token
	err   error  // why the first token cannot be kept
}

func (s single) Load(ctx context.Context, key string) ([]byte, error) {
	now, err := s.enter(ctx, key)
	if err != nil {
		return nil, err
	}
	defer func() { s.state <- now }()
	if now.value == nil {
		return nil, fmt.Errorf("tokens: the state has no token: %w", ErrNotFound)
	}
	return bytes.Clone(now.value), nil
}

func (s single) CompareAndSwap(ctx context.Context, key string, old, new []byte) error {
	now, err := s.enter(ctx, key)
	if err != nil {
		return err
	}
	defer func() { s.state <- now }()
	switch {
	case sameValue(now.value, new):
		return nil
	case !sameValue(now.value, old):
		return fmt.Errorf("tokens: the state's token: %w", ErrConflict)
	}
	var token *csoauth.Token
	if new != nil {
		rec, err := decode(new)
		if err != nil {
			return err
		}
		token = &rec.token
	}
	if err := s.save(ctx, token); err != nil {
		return fmt.Errorf("save: %w", err)
	}
	now.value = bytes.Clone(new)
	return nil
}

// enter is what every call begins with. Without an error it has taken the state, which must go
// back.
func (s single) enter(ctx context.Context, key string) (state, error) {
	if err := errors.Join(ctx.Err(), checkKey(key)); err != nil {
		return state{}, err
	}
	var now state
	select {
	case now = <-s.state:
	case <-ctx.Done():
		return state{}, ctx.Err()
	}
	if now.key == "" {
		now.key = key
	}
	err := now.err
	if now.key != key {
		err = fmt.Errorf("tokens: the state has one token, of the key whose KeyHash is %s, and this key's is %s", KeyHash(now.key), KeyHash(key))
	}
	if err != nil {
		s.state <- now
	}
	return now, err
}
