package tokens

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/contentstack/csoauth"
)

// Single returns a Store for one key, for a tool that keeps its one token in a state of its own,
// and has one Manager. Take a [Dir] and one key if you can: a Dir may be shared. Two Managers over
// copies of one token, such as in two processes, or in the two instances of a plugin that is
// configured twice, do not know of each other. Each sends the refresh token that the other has
// used, and Contentstack may end the login.
//
// t is the token of that state; nil: there is none yet. save stores a token in the state, and
// removes the token if it is nil. It must not return before the change is durable. Calls of save do
// not overlap. It is called twice for each refresh: before it with the present token, which shows
// that the state can be written before the refresh token is used up, and after it with the new
// token.
//
// Save what [csoauth.Token.MarshalBinary] returns; UnmarshalBinary reads it. A []byte in a JSON
// state is base64. It holds the secrets: encrypt it, unless the state is protected like a password.
//
// The first key that is used is the only key.
func Single(t *csoauth.Token, save func(context.Context, *csoauth.Token) error) Store {
	if save == nil {
		panic("tokens: Single needs a function that saves")
	}
	var s state
	if t != nil {
		first := newLogin(t, record{}, now())
		s.err = first.encode()
		s.value, s.saved = first.raw, saved(&first.token)
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
	saved []byte // the token that the tool's state has, in its binary form; nil: none, or nobody knows
	err   error  // why the first token cannot be kept
}

// saved returns the binary form of a token that can be kept.
func saved(t *csoauth.Token) []byte {
	text, _ := t.MarshalBinary()
	return text
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
	var rec record
	var token *csoauth.Token
	if new != nil {
		if rec, err = decode(new); err != nil {
			return err
		}
		token = &rec.token
	}
	// A lease comes before the refresh token is sent. Then the save is to show that it can be done.
	// Else a token that the state has, such as when a lease is taken off, need not be saved again.
	if token == nil || rec.lease.id != "" || now.saved == nil || !bytes.Equal(now.saved, saved(token)) {
		now.saved = nil // if it fails, the state may have either
		if err := s.save(ctx, token); err != nil {
			return fmt.Errorf("save: %w", err)
		}
		if token != nil {
			now.saved = saved(token)
		}
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
