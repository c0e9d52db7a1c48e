package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/internal/integration/databases"
	"github.com/contentstack/csoauth/tokens"
)

// A cost is what one thing costs over one kind of store.
type cost struct {
	ours, server time.Duration // CPU time, of this process and of the store's server
}

// storeCosts are what a kind of store costs.
type storeCosts struct {
	name          string
	look, refresh cost    // a refresh is a load and two swaps, and no POST
	fresh         float64 // bytes in the store for each user, after the login
	refreshed     float64 // the same after one refresh of each user
}

// measureCosts measures the CPU time of looks and refreshes, of this process and of the server, and
// what the server keeps for a user. There is no limit beside them: benchmarks have it.
func measureCosts(ctx context.Context, _ *sizes, f *found) (rows []row, err error) {
	for _, name := range []string{"redis", "postgres"} {
		c, failed := measureCostsOver(ctx, name)
		if failed != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", name, failed))
			continue
		}
		f.stores = append(f.stores, c)
	}
	post, failed := measurePost(ctx)
	f.post = post
	return nil, errors.Join(err, failed)
}

const costUsers = 10_000

func measureCostsOver(ctx context.Context, name string) (c storeCosts, err error) {
	b, err := backends[name](ctx)
	if err != nil {
		return c, err
	}
	defer b.stop()
	if b.tune != nil {
		b.tune()
	}
	store, err := tokens.Sealed(b.store, sealKey)
	if err != nil {
		return c, err
	}
	c.name = name
	before, err := b.size(ctx)
	if err != nil {
		return c, err
	}
	users := func(left time.Duration) func(int) *csoauth.Token {
		return func(user int) *csoauth.Token { return newToken(user, left) }
	}
	perUser := func() (float64, error) {
		after, err := b.size(ctx)
		return (after - before) / costUsers, err
	}
	if err := logIn(ctx, store, costUsers, users(2*time.Hour)); err != nil {
		return c, err
	}
	if c.fresh, err = perUser(); err != nil {
		return c, err
	}
	if c.look, err = costOfAll(ctx, store, unused); err != nil {
		return c, err
	}
	if err := logIn(ctx, store, costUsers, users(-time.Minute)); err != nil {
		return c, err
	}
	if c.refresh, err = costOfAll(ctx, store, func(_ context.Context, t *csoauth.Token) (*csoauth.Token, error) { return renew(t, time.Hour), nil }); err != nil {
		return c, err
	}
	c.refreshed, err = perUser()
	return c, err
}

// costOfAll has a new Manager get the token of each user once.
func costOfAll(ctx context.Context, store tokens.Store, r refresher) (c cost, err error) {
	m, err := tokens.New(r, store, nil)
	if err != nil {
		return c, err
	}
	ours, known := cpuTime()
	server, err := databases.CPUOfChildren()
	if err == nil && !known {
		err = errNoCPUTime
	}
	if err != nil {
		return c, errors.Join(err, m.Close())
	}
	err = each(costUsers, 64, func(user int) error { _, err := m.Token(ctx, keyOf(user)); return err })
	oursAfter, _ := cpuTime()
	serverAfter, failed := databases.CPUOfChildren()
	return cost{(oursAfter - ours) / costUsers, (serverAfter - server) / costUsers}, errors.Join(err, failed, m.Close())
}

var errNoCPUTime = errors.New("this system does not tell the CPU time of a process")

// measurePost returns the CPU time of a refresh by TLS on a kept connection, of both its ends.
func measurePost(ctx context.Context) (time.Duration, error) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"access_token":"access-%040d","refresh_token":"refresh-%040d","token_type":"Bearer","expires_in":3600,"organization_uid":"blt0123456789abcdef"}`, 1, 2)
	}))
	defer server.Close()
	config := &csoauth.Config{
		AppUID: "app", ClientID: "client", RedirectURI: "http://localhost:8184/callback",
		Endpoints: map[csoauth.Region]csoauth.Endpoints{csoauth.NA: csoauth.OneHost(server.URL)}, HTTPClient: server.Client(),
	}
	const posts = 5000
	var before time.Duration
	for n := range posts + 100 { // the first are to warm up
		if n == 100 {
			before, _ = cpuTime()
		}
		if _, err := config.Refresh(ctx, newToken(0, -time.Minute)); err != nil {
			return 0, err
		}
	}
	after, known := cpuTime()
	if !known {
		return 0, errNoCPUTime
	}
	return (after - before) / posts, nil
}
