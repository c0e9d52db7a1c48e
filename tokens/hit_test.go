package tokens_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/tokens"
)

// hitWays are the ways to a token.
func hitWays(ctx context.Context, m *tokens.Manager, key string) map[string]func() error {
	source := m.For(key).TokenSource(ctx)
	client := m.For(key).Transport(hitAnswer{})
	request, _ := http.NewRequest(http.MethodGet, "https://api.contentstack.io/v3/stacks", nil)
	return map[string]func() error{
		"Token":             func() error { _, err := m.Token(ctx, key); return err },
		"TokenSource.Token": func() error { _, err := source.Token(); return err },
		"Transport":         func() error { _, err := client.RoundTrip(request); return err },
	}
}

// hitAnswer responds without a look at the request.
type hitAnswer struct{}

func (hitAnswer) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
}

// Law: M10
func TestHitAllocatesNothing(t *testing.T) {
	m := replicas(t, 1, newProvider(), new(tokens.Memory), nil)[0]
	for name, get := range hitWays(t.Context(), m, "user") {
		if name == "Transport" {
			continue // a request that goes out is a new one
		}
		require.NoError(t, get())
		assert.Zero(t, testing.AllocsPerRun(1000, func() { _ = get() }), name)
	}
}

// Law: M10
func TestHitTakesNoLock(t *testing.T) {
	store := &hooked{Store: new(tokens.Memory)}
	m := replicas(t, 1, newProvider(), store, nil)[0]
	loads, swaps := store.loads, store.swaps
	for name, get := range hitWays(t.Context(), m, "user") {
		done := make(chan error, 1)
		m.WithLocksHeld("user", func() {
			go func() { done <- get() }()
			select {
			case err := <-done:
				assert.NoError(t, err, name)
			case <-time.After(2 * time.Second):
				assert.Fail(t, "a hit waits for a lock", name)
			}
		})
	}
	assert.Equal(t, loads, store.loads)
	assert.Equal(t, swaps, store.swaps)
}

// What all processors read is written once a minute, for the cache to know what is not used any
// more.
//
// Law: M10
func TestHitWritesOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := replicas(t, 1, newProvider(), new(tokens.Memory), &tokens.Options{Recheck: -1})[0]
		for name, get := range hitWays(t.Context(), m, "user") {
			writes, last := 0, m.Stamp("user")
			for range 10 * 60 * 10 {
				time.Sleep(100 * time.Millisecond)
				require.NoError(t, get())
				if stamp := m.Stamp("user"); stamp != last {
					writes, last = writes+1, stamp
				}
			}
			assert.LessOrEqual(t, writes, 10, "%s, in ten minutes", name)
			assert.GreaterOrEqual(t, writes, 5, "%s, in ten minutes", name)
		}
	})
}
