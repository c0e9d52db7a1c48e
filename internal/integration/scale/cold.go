package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/internal/integration/baseline"
	"github.com/contentstack/csoauth/internal/seal"
	"github.com/contentstack/csoauth/tokens"
)

// sealKey is what tokens.Sealed seals with here.
var sealKey = bytes.Repeat([]byte{7}, seal.KeySize)

// measureCold has one caller ask for one user after the other, whose logins are in a sealed store
// and not in memory. The bare limit reads, opens and decodes the very same bytes.
func measureCold(ctx context.Context, _ *sizes, _ *found) (rows []row, err error) {
	for _, name := range []string{"redis", "postgres", "dir"} {
		more, failed := measureColdOver(ctx, name)
		rows = append(rows, more...)
		if failed != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", name, failed))
		}
	}
	return rows, err
}

func measureColdOver(ctx context.Context, name string) ([]row, error) {
	b, err := backends[name](ctx)
	if err != nil {
		return nil, err
	}
	defer b.stop()
	store, err := tokens.Sealed(b.store, sealKey)
	if err != nil {
		return nil, err
	}
	box, err := baseline.NewBox(sealKey)
	if err != nil {
		return nil, err
	}
	const users, rounds = 1000, 15
	if err := logIn(ctx, store, users, func(user int) *csoauth.Token { return newToken(user, 2*time.Hour) }); err != nil {
		return nil, err
	}
	bare := func(key string) error {
		sealed, err := b.bare(ctx, key)
		if err != nil {
			return err
		}
		plain, err := box.Open(sealed, []byte(key))
		if err != nil {
			return err
		}
		_, err = baseline.Decode(plain)
		return err
	}
	var wall, cpu [2][]float64
	known := true
	for round := range rounds + 1 {
		m, err := tokens.New(unused, store, nil)
		if err != nil {
			return nil, err
		}
		ours := func(key string) error { _, err := m.Token(ctx, key); return err }
		for i, load := range []func(key string) error{ours, bare} {
			spent, _ := cpuTime()
			began := time.Now()
			for user := range users {
				if err := load(keyOf(user)); err != nil {
					return nil, err
				}
			}
			took := time.Since(began)
			after, ok := cpuTime()
			known = known && ok
			if round > 0 { // the first is to warm up
				wall[i] = append(wall[i], float64(took.Microseconds())/users)
				cpu[i] = append(cpu[i], float64((after-spent).Microseconds())/users)
			}
		}
		if err := m.Close(); err != nil {
			return nil, err
		}
	}
	rows := []row{compared("cold: a user in "+name+", wall", median(wall[0]), median(wall[1]), " µs", 1.5)}
	if known {
		rows = append(rows, compared("cold: a user in "+name+", CPU of this process", median(cpu[0]), median(cpu[1]), " µs", 1.5))
	}
	return rows, nil
}
