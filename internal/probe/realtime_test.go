//go:build realtime

package probe_test

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/internal/emulator"
	"github.com/contentstack/csoauth/internal/probe"
)

// TestProbeInRealTime is one probe over the network of this machine, with all its waits: about four
// minutes.
func TestProbeInRealTime(t *testing.T) {
	s := newSetting(dimensions(), make([]int, len(dimensions())))
	s.o.Unknowns.Reuse, s.o.Unknowns.ReuseGrace = "grace", emulator.Duration(30*time.Second)
	s.chosen["reuse"] = "grace 30s"
	b := s.bench(t)
	o := s.o
	e, err := emulator.New(o)
	require.NoError(t, err)
	server := httptest.NewServer(e)
	defer server.Close()
	b.handler = e
	b.config.Endpoints = map[csoauth.Region]csoauth.Endpoints{csoauth.NA: csoauth.OneHost(server.URL)}
	b.server = server.URL
	transport := csoauth.DefaultTransport()
	p, err := probe.New(probe.Options{
		Config: b.config, Transport: transport, Version: "v0.0.0-test", Now: time.Now, Visit: b.visit,
		Sleep: func(ctx context.Context, d time.Duration) error {
			select {
			case <-time.After(d):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		},
		Tell: t.Logf, Agree: func(context.Context, probe.Step) (bool, error) { return true, nil },
	})
	require.NoError(t, err)
	began := time.Now()
	require.NoError(t, p.CheckHosts(t.Context(), func(probe.Check) {}))
	require.NoError(t, p.Ask(t.Context()))
	report := p.Report()
	assert.Equal(t, s.answers(), answersOf(report))
	assert.Greater(t, time.Since(began), time.Duration(report.Requests-1)*time.Second, "at most one request a second")
	transport.(interface{ CloseIdleConnections() }).CloseIdleConnections()
}
