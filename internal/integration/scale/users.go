package main

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/internal/integration/baseline"
	"github.com/contentstack/csoauth/internal/integration/measured"
	"github.com/contentstack/csoauth/tokens"
)

// measureUsers has idle users in one Manager, which has read them from a Memory. The Memory is
// there before and after, so the heap that comes with them is the Manager's. No recheck falls among
// the hits: a look into the store is part steady's. The bare limit is a sync.Map with a token for
// each user, read from the same Memory, which looks at no clock.
func measureUsers(ctx context.Context, s *sizes, f *found) (rows []row, err error) {
	var ns []int
	for text := range strings.SplitSeq(s.users, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("-users: %q is no number of users", text)
		}
		ns = append(ns, n)
	}
	most := ns[len(ns)-1]
	store := new(tokens.Memory)
	if err := logIn(ctx, store, most, func(user int) *csoauth.Token { return newToken(user, 2*time.Hour) }); err != nil {
		return nil, err
	}
	sample := newToken(0, 0)
	ownStrings := float64(len(keyOf(0)) + len(sample.AccessToken) + len(sample.RefreshToken) + len(sample.UserUID))
	var perUser []float64
	for _, n := range ns {
		u, err := usersAt(ctx, store, n)
		if err != nil {
			return rows, err
		}
		perUser = append(perUser, u.bytes)
		f.users = append(f.users, usersPoint{float64(n), u.bytes, u.bareBytes})
		f.heapPerUser = u.bytes
		if n <= 100_000 {
			f.hit = u.byKey
		}
		rows = append(rows,
			row{
				fmt.Sprintf("users: %s idle, heap for each", count(n)), measured.Number(u.bytes) + " B", measured.Number(u.bareBytes) + " B",
				times(u.bytes / u.bareBytes), aim("≤ 560 B", u.bytes <= 560),
			},
			row{
				fmt.Sprintf("users: %s idle, heap for each beyond the key and the token's own strings", count(n)), measured.Number(u.bytes-ownStrings) + " B",
				measured.Number(u.bareBytes-ownStrings) + " B", times((u.bytes - ownStrings) / (u.bareBytes - ownStrings)), none,
			},
			compared(fmt.Sprintf("users: %s, a hit by Manager.Token", count(n)), u.byKey, u.bare, " ns", 1.1),
			compared(fmt.Sprintf("users: %s, a hit by Login.Token", count(n)), u.byHandle, u.bare, " ns", 1.1),
			row{
				fmt.Sprintf("users: %s, a hit by Manager.Token, if the sync.Map looks at the clock", count(n)), measured.Number(u.byKey) + " ns",
				measured.Number(u.bareWithClock) + " ns", times(u.byKey / u.bareWithClock), none,
			})
	}
	first, last := perUser[0], perUser[len(perUser)-1]
	rows = append(rows, row{
		fmt.Sprintf("users: heap for each, of %s against %s", count(most), count(ns[0])), measured.Number(last) + " B", measured.Number(first) + " B",
		times(last / first), aim("linear, ≤ 1.1x", last <= 1.1*first),
	})
	return rows, nil
}

type usersResult struct{ bytes, bareBytes, byKey, byHandle, bare, bareWithClock float64 }

func usersAt(ctx context.Context, store tokens.Store, n int) (r usersResult, err error) {
	before := heap()
	m, err := tokens.New(unused, store, &tokens.Options{MaxCached: n, Recheck: -1})
	if err != nil {
		return r, err
	}
	if err := each(n, 64, func(user int) error { _, err := m.Token(ctx, keyOf(user)); return err }); err != nil {
		return r, err
	}
	with := heap()
	r.bytes = (with - before) / float64(n)
	bare := new(sync.Map)
	if err := each(n, 64, func(user int) error { // as the Manager was filled, so that the heap is as scattered
		key := keyOf(user)
		record, err := store.Load(ctx, key)
		if err != nil {
			return err
		}
		t, err := baseline.Decode(record)
		bare.Store(key, t)
		return err
	}); err != nil {
		return r, err
	}
	r.bareBytes = (heap() - with) / float64(n)

	keys, handles := make([]string, n), make([]*tokens.Login, n)
	for user := range n {
		keys[user] = keyOf(user)
		handles[user] = m.For(keys[user])
		if _, err := handles[user].Token(ctx); err != nil {
			return r, err
		}
	}
	bareHit := func(user int) bool {
		t, ok := bare.Load(keys[user])
		return ok && t.(*csoauth.Token).AccessToken != ""
	}
	hits := [4]func(user int) bool{
		func(user int) bool { t, err := m.Token(ctx, keys[user]); return err == nil && t.AccessToken != "" },
		func(user int) bool { t, err := handles[user].Token(ctx); return err == nil && t.AccessToken != "" },
		bareHit,
		func(user int) bool {
			t, ok := bare.Load(keys[user])
			return ok && t.(*csoauth.Token).Valid()
		},
	}
	const rounds, each = 32, 100_000
	var took [len(hits)][]float64
	random := dice(n)
	users := make([]int, each)
	for round := range rounds {
		for i := range hits {
			i = (i + round) % len(hits) // what came before has filled the caches
			for j := range users {
				users[j] = random.roll(n)
			}
			began := time.Now()
			for _, user := range users {
				if !hits[i](user) {
					return r, fmt.Errorf("user %d has no token", user)
				}
			}
			took[i] = append(took[i], float64(time.Since(began))/each)
		}
	}
	r.byKey, r.byHandle, r.bare, r.bareWithClock = median(took[0]), median(took[1]), median(took[2]), median(took[3])
	runtime.KeepAlive(bare)
	return r, m.Close()
}
