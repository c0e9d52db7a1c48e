package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

// bareAtATime is how many calls the bare limits make at a time, as a Manager does: looks, and
// refreshes at one token endpoint.
const bareAtATime = 64

// measureCrowd has a goroutine for each of many users ask for the user's token, all at once, when a
// Manager with zero Options knows nobody. The clients have their default pools. The bare limit is
// as many goroutines, which read the same values through a semaphore.
func measureCrowd(ctx context.Context, s *sizes, _ *found) (rows []row, err error) {
	for _, name := range []string{"redis", "postgres"} {
		more, failed := measureCrowdOver(ctx, name, s.crowd)
		rows = append(rows, more...)
		if failed != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", name, failed))
		}
	}
	return rows, err
}

func measureCrowdOver(ctx context.Context, name string, n int) ([]row, error) {
	b, err := backends[name](ctx)
	if err != nil {
		return nil, err
	}
	defer b.stop()
	if err := logIn(ctx, b.store, n, func(user int) *csoauth.Token { return newToken(user, 2*time.Hour) }); err != nil {
		return nil, err
	}
	places := make(chan struct{}, bareAtATime)
	bare := atOnce(n, func(user int) error {
		places <- struct{}{}
		defer func() { <-places }()
		_, err := b.bare(ctx, keyOf(user))
		return err
	})
	m, err := tokens.New(unused, b.store, nil)
	if err != nil {
		return nil, err
	}
	ours := atOnce(n, func(user int) error { _, err := m.Token(ctx, keyOf(user)); return err })
	for who, o := range map[string]outcome{"csoauth": ours, "the bare limit": bare} {
		if o.first != nil {
			fmt.Fprintf(os.Stderr, "crowd: %s over %s, an error of %d: %v\n", who, name, o.failed, o.first)
		}
	}
	what := fmt.Sprintf("crowd: %s cold users at once over %s, ", count(n), name)
	return []row{
		{what + "failed", fmt.Sprint(ours.failed), fmt.Sprint(bare.failed), none, aim("0 fail", ours.failed == 0)},
		{what + "median", seconds(quantile(ours.took, .5)), seconds(quantile(bare.took, .5)), times(float64(quantile(ours.took, .5)) / float64(quantile(bare.took, .5))), none},
		{what + "slowest, and all", seconds(ours.slowest()), seconds(bare.slowest()), times(float64(ours.slowest()) / float64(bare.slowest())), none},
	}, m.Close()
}
