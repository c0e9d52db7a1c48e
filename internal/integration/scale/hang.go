package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

const (
	hangUsers  = 100                   // who hang, and as many who do not
	hangRounds = 20                    // each with and without
	hangTakes  = 20 * time.Millisecond // for an answer to the others
)

// measureHang has 100 users ask at once whose token endpoint, or part of the store, answers in 20
// ms, beside 100 whose endpoint or part never answers. The bare limit is the same Manager when
// nobody hangs.
func measureHang(ctx context.Context, _ *sizes) (rows []row, err error) {
	for _, c := range []struct {
		what  string
		left  time.Duration // of all access tokens
		store bool          // a part of the store hangs; otherwise a token endpoint
		after time.Duration // how long the others have hung when the users ask
	}{
		{"hang: a region hangs from now on", -time.Minute, false, 0},
		{"hang: a region has hung for 1 s", -time.Minute, false, time.Second},
		{"hang: a part of the store hangs from now on", time.Hour, true, 0},
		{"hang: a part of the store has hung for 1 s", time.Hour, true, time.Second},
	} {
		var with, without []time.Duration
		for range hangRounds {
			for _, hang := range []bool{false, true} {
				o, err := hangRound(ctx, c.left, c.store, hang, c.after)
				if err != nil {
					return rows, fmt.Errorf("%s: %w", c.what, err)
				}
				if hang {
					with = append(with, o.took...)
				} else {
					without = append(without, o.took...)
				}
			}
		}
		slices.Sort(with)
		slices.Sort(without)
		at := func(q float64) (ours, bare float64) { return millis(quantile(with, q)), millis(quantile(without, q)) }
		ours, bare := at(.5)
		rows = append(rows, row{c.what + ", the others' p50", number(ours) + " ms", number(bare) + " ms", times(ours / bare), none})
		ours, bare = at(.99)
		rows = append(rows, compared(c.what+", the others' p99", ours, bare, " ms", 1.2))
	}
	return rows, nil
}

// hangs tells whether a user is among those who hang: the first hangUsers.
func hangs(user int) bool { return user < hangUsers }

// hangRound is one round with a Manager of its own.
func hangRound(ctx context.Context, left time.Duration, ofStore, hang bool, after time.Duration) (outcome, error) {
	released := make(chan struct{})
	release := sync.OnceFunc(func() { close(released) })
	defer release()
	memory := new(tokens.Memory)
	if err := logIn(ctx, memory, 2*hangUsers, func(user int) *csoauth.Token {
		t := newToken(user, left)
		t.Location = "NA"
		if hangs(user) {
			t.Location = "EU"
		}
		return t
	}); err != nil {
		return outcome{}, err
	}
	endpoint, store := &hangingEndpoint{answer{released, 0}}, &hangingStore{memory, answer{released, 0}}
	if ofStore {
		store.takes = hangTakes
	} else {
		endpoint.takes = hangTakes
	}
	m, err := tokens.New(endpoint, store, nil)
	if err != nil {
		return outcome{}, err
	}
	var hanging sync.WaitGroup
	if hang {
		for user := range hangUsers {
			hanging.Go(func() { _, _ = m.Token(ctx, keyOf(user)) }) // it fails when it is released
		}
		time.Sleep(max(after, time.Millisecond)) // so that they are first
	}
	o := atOnce(hangUsers, func(user int) error { _, err := m.Token(ctx, keyOf(hangUsers+user)); return err })
	release()
	hanging.Wait()
	return o, cmp.Or(o.first, m.Close())
}

// An answer takes a while, or comes never.
type answer struct {
	released <-chan struct{} // closed when those who hang may go on, and fail
	takes    time.Duration   // for those who do not hang
}

// errReleased means that the refresh token is not spent, so that nobody asks again.
var errReleased = fmt.Errorf("it did not answer: %w", csoauth.ErrNotSent)

func (a answer) wait(ctx context.Context, hang bool) error {
	if !hang {
		time.Sleep(a.takes)
		return nil
	}
	select {
	case <-a.released:
		return errReleased
	case <-ctx.Done():
		return ctx.Err()
	}
}

// A hangingEndpoint is a Refresher with an endpoint for each location. That of EU hangs.
type hangingEndpoint struct{ answer }

func (e *hangingEndpoint) TokenURLFor(t *csoauth.Token) (string, error) {
	return "https://" + t.Location + ".example.com/token", nil
}

func (e *hangingEndpoint) Refresh(ctx context.Context, t *csoauth.Token) (*csoauth.Token, error) {
	if err := e.wait(ctx, t.Location == "EU"); err != nil {
		return nil, err
	}
	return renew(t, time.Hour), nil
}

// A hangingStore reads slowly if its answer takes a while. Then some keys hang.
type hangingStore struct {
	tokens.Store
	answer
}

func (s *hangingStore) Load(ctx context.Context, key string) ([]byte, error) {
	if s.takes > 0 {
		if err := s.wait(ctx, key < keyOf(hangUsers)); err != nil {
			return nil, err
		}
	}
	return s.Store.Load(ctx, key)
}
