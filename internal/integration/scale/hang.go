package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/internal/integration/measured"
	"github.com/contentstack/csoauth/tokens"
)

const (
	hangUsers  = 100                   // who hang, and as many who do not
	hangRounds = 20                    // each with and without
	hangTakes  = 20 * time.Millisecond // for a response to the others
)

// measureHang has 100 users ask at once whose token endpoint, or part of the store, responds in 20
// ms. Another 100 ask beside them whose endpoint or part never responds. The bare limit is the same
// Manager when nobody hangs. Rounds with and without take turns. The aim is for the median of the
// rounds' p99, because a busy machine spoils some rounds; the p99 of all rounds together stands
// beside it.
func measureHang(ctx context.Context, _ *sizes, _ *found) (rows []row, err error) {
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
		var p99With, p99Without []float64
		for range hangRounds {
			for _, hang := range []bool{false, true} {
				o, err := hangRound(ctx, c.left, c.store, hang, c.after)
				if err != nil {
					return rows, fmt.Errorf("%s: %w", c.what, err)
				}
				p99 := millis(quantile(o.took, .99))
				if hang {
					with, p99With = append(with, o.took...), append(p99With, p99)
				} else {
					without, p99Without = append(without, o.took...), append(p99Without, p99)
				}
			}
		}
		slices.Sort(with)
		slices.Sort(without)
		at := func(q float64) (ours, bare float64) { return millis(quantile(with, q)), millis(quantile(without, q)) }
		for _, q := range []struct {
			name string
			q    float64
		}{{"p50", .5}, {"p99 of all rounds", .99}} {
			ours, bare := at(q.q)
			rows = append(rows, row{c.what + ", the others' " + q.name, measured.Number(ours) + " ms", measured.Number(bare) + " ms", times(ours / bare), none})
		}
		rows = append(rows, compared(c.what+", the others' p99", median(p99With), median(p99Without), " ms", 1.2))
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

// An answer is a response that takes a while, or never comes.
type answer struct {
	released <-chan struct{} // closed when those who hang may go on, and fail
	takes    time.Duration   // for those who do not hang
}

// errReleased means that the refresh token is not spent, so that nobody asks again.
var errReleased = fmt.Errorf("it did not respond: %w", csoauth.ErrNotSent)

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

// A hangingStore reads slowly if its response takes a while. Then some keys hang.
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
