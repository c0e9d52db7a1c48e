package probe_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/internal/emulator"
	"github.com/contentstack/csoauth/internal/observed"
	_ "github.com/contentstack/csoauth/internal/offline"
	"github.com/contentstack/csoauth/internal/probe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A clock is one that nobody waits for.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	return ctx.Err()
}

const service = "http://127.0.0.1:8484" // nothing listens there: a bench calls its handler

// A bench has a probe and the service that it asks, in one goroutine and in no time.
type bench struct {
	t        *testing.T
	clock    *clock
	handler  http.Handler
	config   *csoauth.Config
	visitor  emulator.Visitor
	visitors func(visit int) emulator.Visitor // in place of visitor
	org      string                           // uid that the logins must be for
	refuses  []string                         // titles of the steps that the user does not agree to
	requests []time.Time                      // when the probe's own requests came
	left     int                              // logins that are left at the end
	visits   int                              // of the browser
	server   string                           // where the browser goes; empty: service, without a network
	// around responds to the n-th request of the probe; serve has the service do it.
	around func(n int, r *http.Request, serve func() *http.Response) (*http.Response, error)
	// callback changes what comes back from the browser.
	callback func(v probe.Visit, callback url.Values) (url.Values, error)
	steps    []probe.Step
	checks   []probe.Check
}

// newBench returns a bench with an emulator as the service.
func newBench(t *testing.T, o emulator.Options) *bench {
	b := &bench{t: t, clock: newClock()}
	o.Now = b.clock.Now
	e, err := emulator.New(o)
	require.NoError(t, err)
	app := e.Apps()[0]
	b.handler = e
	b.config = &csoauth.Config{
		AppUID: app.UID, ClientID: app.ClientID, RedirectURI: app.RedirectURIs[0], AuthorizeRoute: csoauth.RoutePath,
		Endpoints: map[csoauth.Region]csoauth.Endpoints{csoauth.NA: csoauth.OneHost(service)},
	}
	return b
}

// RoundTrip serves a request of the probe.
func (b *bench) RoundTrip(r *http.Request) (*http.Response, error) {
	b.requests = append(b.requests, b.clock.Now())
	if r.Method == http.MethodDelete {
		require.Regexp(b.t, `/authorizations/[0-9a-f]{24}$`, r.URL.Path, "without the uid it would end all authorizations")
	}
	if b.around != nil {
		return b.around(len(b.requests), r, func() *http.Response { return b.serve(r).Result() })
	}
	return b.serve(r).Result(), nil
}

func (b *bench) serve(r *http.Request) *httptest.ResponseRecorder {
	in := httptest.NewRequest(r.Method, r.URL.RequestURI(), nil)
	in.Host, in.Header = r.URL.Host, r.Header
	if r.Body != nil {
		in.Body = r.Body
	}
	w := httptest.NewRecorder()
	w.Header().Set("Date", b.clock.Now().UTC().Format(http.TimeFormat))
	b.handler.ServeHTTP(w, in.WithContext(r.Context()))
	return w
}

// formOf returns the form of a request, which can be read again.
func formOf(t *testing.T, r *http.Request) url.Values {
	if r.Body == nil {
		return nil
	}
	text, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	r.Body = io.NopCloser(bytes.NewReader(text))
	form, err := url.ParseQuery(string(text))
	require.NoError(t, err)
	return form
}

// A browserTransport serves a request of the browser.
type browserTransport struct{ *bench }

func (b browserTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	return b.serve(r).Result(), nil
}

func (b *bench) visit(ctx context.Context, v probe.Visit) (url.Values, error) {
	b.visits++
	visitor := b.visitor
	if b.visitors != nil {
		visitor = b.visitors(b.visits)
	}
	visitor.Deny = v.Deny
	at, transport := service, http.RoundTripper(browserTransport{b})
	if b.server != "" {
		at, transport = b.server, &http.Transport{DisableKeepAlives: true}
	}
	browser := &http.Client{Transport: &emulator.Browser{Emulator: at, Visitor: visitor, Transport: transport}}
	callback, page, err := emulator.SentBack(ctx, browser, at, v.URL)
	require.NoError(b.t, err)
	require.NotNil(b.t, callback, "the user is stuck at %v", page)
	if b.callback != nil {
		return b.callback(v, callback)
	}
	return callback, nil
}

// run runs the probe to its end, or to the end of what it may do.
func (b *bench) run(ctx context.Context) (*observed.Report, error) {
	p, err := probe.New(probe.Options{
		Config: b.config, Transport: b, Version: "v0.0.0-test", Organization: b.org, Now: b.clock.Now, Sleep: b.clock.Sleep, Visit: b.visit,
		Tell: func(string, ...any) {},
		Agree: func(_ context.Context, s probe.Step) (bool, error) {
			b.steps = append(b.steps, s)
			return !slices.Contains(b.refuses, s.Title), nil
		},
	})
	require.NoError(b.t, err)
	err = p.CheckHosts(ctx, func(c probe.Check) { b.checks = append(b.checks, c) })
	if err == nil {
		err = p.Ask(ctx)
	}
	report := p.Report()
	b.left = p.Left()
	_, readErr := observed.Read(bytes.NewReader(report.JSON()))
	require.NoError(b.t, readErr, "a report can be read")
	return report, err
}

// onlyApp is a server that has the login alone.
func onlyApp() map[csoauth.Region]csoauth.Endpoints {
	return map[csoauth.Region]csoauth.Endpoints{csoauth.NA: {App: service}}
}

// manyHosts has a host for each service, all of which are the same.
func manyHosts() map[csoauth.Region]csoauth.Endpoints {
	e := csoauth.OneHost(service)
	e.Auth, e.Launch, e.BrandKit = "http://localhost:8484", "http://127.0.0.2:8484", "http://127.0.0.3:8484"
	e.PersonalizeManagement, e.ComposableStudio = "http://127.0.0.4:8484", "http://127.0.0.5:8484"
	return map[csoauth.Region]csoauth.Endpoints{csoauth.NA: e}
}
