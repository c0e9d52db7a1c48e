package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/internal/integration/measured"
	"github.com/contentstack/csoauth/tokens"
)

// measureRefused has many users ask whose access token has ended and whose refresh token the token
// endpoint refuses. It compares the heap when all have asked with the heap without the Manager: the
// difference is the Manager's, whatever the Memory has. The bare limit is a sync.Map with a token
// for each user who may be cached.
func measureRefused(ctx context.Context, s *sizes, _ *found) ([]row, error) {
	const cached = 10_000
	store := new(tokens.Memory)
	if err := logIn(ctx, store, s.refused, func(user int) *csoauth.Token { return newToken(user, -time.Minute) }); err != nil {
		return nil, err
	}
	refuse := refresher(func(context.Context, *csoauth.Token) (*csoauth.Token, error) {
		return nil, &csoauth.Error{Op: "refresh", StatusCode: 400, Code: "invalid_grant", Description: "invalid refresh_token"}
	})
	m, err := tokens.New(refuse, store, &tokens.Options{MaxCached: cached})
	if err != nil {
		return nil, err
	}
	began := time.Now()
	err = each(s.refused, 64, func(user int) error {
		if _, err := m.Token(ctx, keyOf(user)); !errors.Is(err, csoauth.ErrLoginRequired) {
			return fmt.Errorf("a user whose refresh token is refused gets %v", err)
		}
		return nil
	})
	took := time.Since(began)
	if err != nil {
		return nil, err
	}
	with := heap()
	if err := m.Close(); err != nil {
		return nil, err
	}
	m = nil
	without := heap()
	bare := new(sync.Map)
	for user := range cached {
		bare.Store(keyOf(user), newToken(user, 0))
	}
	limit := heap() - without
	runtime.KeepAlive(store) // it is not what is measured, so it must be there all the time
	runtime.KeepAlive(bare)
	ours := with - without
	what := fmt.Sprintf("refused: %s refresh tokens, %s users cached", count(s.refused), count(cached))
	return []row{
		{what + ", heap of the Manager", mib(ours), mib(limit), times(ours / limit), aim("≤ 40 MiB", ours <= 40<<20)},
		{what + ", for each user who asks", measured.Number(float64(took.Microseconds())/float64(s.refused)) + " µs", none, none, none},
	}, nil
}
