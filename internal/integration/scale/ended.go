package main

import (
	"context"
	"fmt"
	"time"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

// endpointTakes is how long the token endpoint of measureEnded needs for a response.
const endpointTakes = 100 * time.Millisecond

// measureEnded has a goroutine for each of many users whose access token has ended ask for the
// user's token, all at once, over Redis and with zero Options. The token endpoint is a function
// that waits. The bare limit asks that alone, through a semaphore.
func measureEnded(ctx context.Context, s *sizes, _ *found) ([]row, error) {
	b, err := openRedis(ctx)
	if err != nil {
		return nil, err
	}
	defer b.stop()
	if err := logIn(ctx, b.store, s.ended, func(user int) *csoauth.Token { return newToken(user, -time.Minute) }); err != nil {
		return nil, err
	}
	endpoint := refresher(func(ctx context.Context, t *csoauth.Token) (*csoauth.Token, error) {
		select {
		case <-time.After(endpointTakes):
			return renew(t, time.Hour), nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	})
	places := make(chan struct{}, bareAtATime)
	bare := atOnce(s.ended, func(user int) error {
		places <- struct{}{}
		defer func() { <-places }()
		_, err := endpoint(ctx, newToken(user, 0))
		return err
	})
	m, err := tokens.New(endpoint, b.store, nil)
	if err != nil {
		return nil, err
	}
	ours := atOnce(s.ended, func(user int) error { _, err := m.Token(ctx, keyOf(user)); return err })
	if err := m.Close(); err != nil {
		return nil, err
	}
	if bare.failed > 0 {
		return nil, bare.first
	}
	reached := ours.failed == 0 && ours.slowest() <= 17*time.Second
	what := fmt.Sprintf("ended: %s users without a valid token, until all have one", count(s.ended))
	rows := []row{{what, seconds(ours.slowest()), seconds(bare.slowest()), times(float64(ours.slowest()) / float64(bare.slowest())), aim("≤ 17 s", reached)}}
	if ours.failed > 0 {
		return rows, fmt.Errorf("%d users got no token: %w", ours.failed, ours.first)
	}
	return rows, nil
}
