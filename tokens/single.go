package tokens

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/contentstack/csoauth"
)

// Single returns a Store for one key. It is for a tool that keeps its only token in its own state,
// and has only one Manager. Use a [Dir] and one key if you can, because processes can share a Dir.
//
// Two Managers must not have copies of the same token. That happens in two processes, or in two
// instances of a plugin. Each Manager then sends a refresh token that the other has already used,
// and Contentstack may end the login.
//
// t is the token in that state, or nil if there is no token yet. save stores a token in the state.
// A nil token means that save must remove the stored one. save must not return before the change is
// durable. Calls of save do not overlap. Each refresh calls save twice. The first call, before the
// refresh, has the current token: it shows that the state can be written before the refresh token
// is used. The second call has the new token.
//
// Store the bytes that [csoauth.Token.MarshalBinary] returns. [csoauth.Token.UnmarshalBinary] reads
// them. encoding/json writes a []byte as base64. The bytes contain the secrets, so encrypt them
// unless the state is protected like a password.
//
// The first key that you use is the only key that the Store accepts.
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
	// state has the state while no one uses it. As a channel, it is a lock whose wait can end with
	// a context, and it prints as an address.
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
		err = fmt.Errorf("tokens: the state has only the token of the key with KeyHash %s, and this key has KeyHash %s", KeyHash(now.key), KeyHash(key))
	}
	if err != nil {
		s.state <- now
	}
	return now, err
}
