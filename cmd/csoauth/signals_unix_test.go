//go:build unix

package main

import (
	"context"
	"net/http"
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestSignalDuringARequest: "csoauth token" may have a new token on its way, and ends with the exit
// code of the signal, after that was saved.
func TestSignalDuringARequest(t *testing.T) {
	late := make(chan interrupted, 1)
	ctx, _ := withSignals(t.Context(), func(i interrupted) { late <- i })
	transport := &watchingTransport{ctx, roundTrip(func(*http.Request) (*http.Response, error) {
		// Without the handler this would end the test.
		if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
			return nil, err
		}
		<-ctx.Done()
		return nil, context.Cause(ctx)
	})}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/", nil)
	require.NoError(t, err)
	_, err = transport.RoundTrip(req)
	require.ErrorIs(t, err, interrupted{syscall.SIGTERM})
	require.Equal(t, 143, exitCode(ctx, err))
	require.Equal(t, interrupted{syscall.SIGTERM}, <-late, "it does not wait for ever")
}
