package probe_test

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/internal/emulator"
	"github.com/contentstack/csoauth/internal/observed"
	"github.com/contentstack/csoauth/internal/probe"
)

// checked returns the checks of a host that responds in this way.
func checked(t *testing.T, respond func(r *http.Request, serve func() *http.Response) (*http.Response, error)) ([]probe.Check, *observed.Report) {
	b := newBench(t, emulator.Realistic())
	b.around = func(_ int, r *http.Request, serve func() *http.Response) (*http.Response, error) {
		return respond(r, serve)
	}
	b.refuses = []string{"Log in and look"}
	report, err := b.run(t.Context())
	require.NoError(t, err)
	return b.checks, report
}

// TestHostThatDoesNotRespond: the check says what to do.
func TestHostThatDoesNotRespond(t *testing.T) {
	for _, test := range []struct {
		name     string
		err      error
		text, do string
	}{
		{"no name", &net.DNSError{Err: "no such host", Name: "app.example.com", IsNotFound: true}, "its name does not resolve (no such host)", "HTTPS_PROXY"},
		{"unknown authority", x509.UnknownAuthorityError{}, "unknown authority", "SSL_CERT_FILE"},
		{"proxy", errors.New("Proxy Authentication Required"), "Proxy Authentication Required", "user and the password of the proxy"},
		{"refused", &net.OpError{Op: "dial", Err: errors.New("connection refused")}, "dial: connection refused", "firewall"},
	} {
		t.Run(test.name, func(t *testing.T) {
			checks, report := checked(t, func(*http.Request, func() *http.Response) (*http.Response, error) { return nil, test.err })
			require.Len(t, checks, 1)
			assert.Equal(t, probe.Failure, checks[0].State)
			assert.Contains(t, checks[0].Text, "does not respond")
			assert.Contains(t, checks[0].Text, test.text)
			assert.Contains(t, checks[0].Do, test.do)
			assert.Equal(t, observed.NotAsked, report.Result("clock").Outcome)
			assert.NotContains(t, string(report.JSON()), "example.com")
		})
	}
}

// TestCertificateOfAnUnknownAuthority is one with real TLS.
func TestCertificateOfAnUnknownAuthority(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	config := newBench(t, emulator.Realistic()).config
	config.Endpoints = map[csoauth.Region]csoauth.Endpoints{csoauth.NA: csoauth.OneHost(server.URL)}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	clock := newClock()
	p, err := probe.New(probe.Options{Config: config, Transport: transport, Now: clock.Now, Sleep: clock.Sleep, Tell: func(string, ...any) {}})
	require.NoError(t, err)
	var checks []probe.Check
	require.NoError(t, p.CheckHosts(t.Context(), func(c probe.Check) { checks = append(checks, c) }))
	require.Len(t, checks, 1)
	assert.Equal(t, probe.Failure, checks[0].State)
	assert.Contains(t, checks[0].Do, "SSL_CERT_FILE")
}

// TestClocks: how far apart they are, and which is ahead.
func TestClocks(t *testing.T) {
	for _, test := range []struct {
		skew         time.Duration
		state        probe.State
		answer, note string
	}{
		{0, probe.OK, "0s", "agree"},
		{2 * time.Second, probe.OK, "0s", "agree"},
		{5 * time.Second, probe.OK, "5s", "ahead"},
		{-30 * time.Second, probe.OK, "30s", "behind"},
		{10 * time.Minute, probe.Warning, "10m0s", "ahead"},
		{-10 * time.Hour, probe.Warning, "10h0m0s", "behind"},
	} {
		checks, report := checked(t, func(_ *http.Request, serve func() *http.Response) (*http.Response, error) {
			resp := serve()
			date, err := http.ParseTime(resp.Header.Get("Date"))
			require.NoError(t, err)
			resp.Header.Set("Date", date.Add(-test.skew).Format(http.TimeFormat))
			return resp, nil
		})
		require.Len(t, checks, 2)
		assert.Equal(t, test.state, checks[1].State, test.skew)
		assert.Equal(t, test.answer, report.Result("clock").Answer)
		assert.Contains(t, report.Result("clock").Note, test.note)
	}
}

// TestPublishedHostsAreInTheReport: another server's are not.
func TestPublishedHostsAreInTheReport(t *testing.T) {
	config := newBench(t, emulator.Realistic()).config
	config.Endpoints, config.Region = nil, csoauth.EU
	p, err := probe.New(probe.Options{Config: config, Published: true, Now: newClock().Now})
	require.NoError(t, err)
	assert.Equal(t, "https://eu-app.contentstack.com", p.Report().Hosts["application"])
	config.Region = 99
	_, err = probe.New(probe.Options{Config: config})
	require.Error(t, err)
	config.Endpoints, config.Region = onlyApp(), csoauth.NA
	p, err = probe.New(probe.Options{Config: config, Now: newClock().Now})
	require.NoError(t, err)
	assert.Empty(t, p.Report().Hosts)
}

// TestConsentThatCannotBeAsked ends the probe.
func TestConsentThatCannotBeAsked(t *testing.T) {
	b := newBench(t, emulator.Realistic())
	gone := errors.New("the terminal is gone")
	p, err := probe.New(probe.Options{
		Config: b.config, Transport: b, Now: b.clock.Now, Sleep: b.clock.Sleep, Tell: func(string, ...any) {},
		Agree: func(context.Context, probe.Step) (bool, error) { return false, gone },
	})
	require.NoError(t, err)
	require.ErrorIs(t, p.Ask(t.Context()), gone)
	assert.Empty(t, b.requests)
}
