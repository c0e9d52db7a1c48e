package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	export "go.opentelemetry.io/otel/exporters/prometheus"
	sdk "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csoauthtest"
	"github.com/contentstack/csoauth/internal/integration/metrics"
	_ "github.com/contentstack/csoauth/internal/offline"
	"github.com/contentstack/csoauth/tokens"
)

// A world is a Manager with one login, whose access token has ended.
type world struct {
	server *csoauthtest.Server
	config *csoauth.Config
	store  *store
	lost   atomic.Pointer[error] // what the network says instead of a response
	token  *csoauth.Token
	users  *tokens.Manager
}

// A store fails with err, if there is one.
type store struct {
	tokens.Store
	err atomic.Pointer[error]
}

func (s *store) Load(ctx context.Context, key string) ([]byte, error) {
	if err := s.err.Load(); err != nil {
		return nil, *err
	}
	return s.Store.Load(ctx, key)
}

func (s *store) fail(err error) { s.err.Store(&err) }

// lose has requests sent whose responses never come.
func (w *world) lose(err error) { w.lost.Store(&err) }

func newWorld(t *testing.T, onEvent func(tokens.Event)) *world {
	w := &world{server: csoauthtest.NewServer(t, nil), store: &store{Store: new(tokens.Memory)}}
	w.config = w.server.Config("http://localhost:8184/callback")
	base := w.config.HTTPClient.Transport
	w.config.HTTPClient = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		if err := w.lost.Load(); err != nil {
			return nil, *err
		}
		return base.RoundTrip(r)
	})}
	w.token = w.server.Login(w.config)
	w.token.Expiry = time.Now().Add(-time.Minute)
	var err error
	w.users, err = tokens.New(w.config, w.store, &tokens.Options{OnEvent: onEvent})
	require.NoError(t, err)
	require.NoError(t, w.users.Put(t.Context(), "ada", w.token))
	return w
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestCausesAndResults has a real Manager make each event and each error.
func TestCausesAndResults(t *testing.T) {
	seen := map[string]bool{}
	for name, row := range map[string]struct {
		breaks        func(*world)
		types, causes []string
		result        string
	}{
		"all is well": {func(*world) {}, []string{"refreshed"}, []string{""}, "ok"},
		"revoked": {func(w *world) { w.server.Revoke(nil) },
			[]string{"refresh failed", "login required"}, []string{"refused", ""}, "login required"},
		"wrong client": {func(w *world) {
			w.server.FailNext(csoauthtest.Fault{Status: http.StatusBadRequest, Body: `{"error":"invalid_client"}`})
		}, []string{"refresh failed"}, []string{"config"}, "config"},
		"busy": {func(w *world) { w.server.FailNext(csoauthtest.Fault{Status: http.StatusInternalServerError}) },
			[]string{"refresh failed"}, []string{"response"}, "error"},
		"cut off": {func(w *world) { w.lose(io.ErrUnexpectedEOF) },
			[]string{"refresh failed"}, []string{"lost"}, "error"},
		"store is down": {func(w *world) { w.store.fail(errors.New("connection refused")) },
			[]string{"refresh failed"}, []string{"store"}, "error"},
		"wrong seal key": {func(w *world) { w.store.fail(tokens.ErrUnreadable) },
			[]string{"refresh failed"}, []string{"unreadable"}, "unreadable"},
	} {
		t.Run(name, func(t *testing.T) {
			events := make(chan tokens.Event, 10)
			w := newWorld(t, func(e tokens.Event) { events <- e })
			row.breaks(w)
			_, err := w.users.Token(t.Context(), "ada")
			require.Equal(t, row.result, metrics.Result(err), err)
			require.NoError(t, w.users.Close())
			close(events)
			var types, causes []string
			for e := range events {
				types, causes = append(types, string(e.Type)), append(causes, metrics.Cause(e))
			}
			require.Equal(t, row.types, types)
			require.Equal(t, row.causes, causes)
			for _, word := range append(causes, row.result) {
				seen[word] = true
			}
		})
	}
	t.Run("unreachable", func(t *testing.T) {
		require.Equal(t, "not sent", metrics.Cause(tokens.Event{Type: tokens.EventRefreshFailed, Err: csoauth.ErrNotSent}))
		seen["not sent"] = true
	})
	t.Run("the caller leaves", func(t *testing.T) {
		w := newWorld(t, nil)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := w.users.Token(ctx, "ada")
		require.Equal(t, "canceled", metrics.Result(err), err)
		seen["canceled"] = true
		require.NoError(t, w.users.Close())
	})
	for _, word := range append(metrics.Causes, metrics.Results...) {
		require.True(t, seen[word], word)
	}
}

func TestPrometheus(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	p := metrics.NewPrometheus(registry)
	require.Equal(t, len(metrics.Types)-1+len(metrics.Causes)+len(metrics.Results)+1, testutil.CollectAndCount(registry), "all begin with 0")
	w := newWorld(t, p.OnEvent)
	_, err := p.Source(w.users.For("ada")).Token(t.Context())
	require.NoError(t, err)
	require.NoError(t, w.users.Close())
	require.NoError(t, testutil.GatherAndCompare(registry, strings.NewReader(`
# HELP csoauth_token_events_total Events of package tokens.
# TYPE csoauth_token_events_total counter
csoauth_token_events_total{cause="",type="login required"} 0
csoauth_token_events_total{cause="",type="refreshed"} 1
csoauth_token_events_total{cause="",type="save failed"} 0
csoauth_token_events_total{cause="",type="token withheld"} 0
csoauth_token_events_total{cause="config",type="refresh failed"} 0
csoauth_token_events_total{cause="lost",type="refresh failed"} 0
csoauth_token_events_total{cause="not sent",type="refresh failed"} 0
csoauth_token_events_total{cause="refused",type="refresh failed"} 0
csoauth_token_events_total{cause="response",type="refresh failed"} 0
csoauth_token_events_total{cause="store",type="refresh failed"} 0
csoauth_token_events_total{cause="unreadable",type="refresh failed"} 0
# HELP csoauth_token_calls_total What callers got who asked for a token.
# TYPE csoauth_token_calls_total counter
csoauth_token_calls_total{result="canceled"} 0
csoauth_token_calls_total{result="config"} 0
csoauth_token_calls_total{result="error"} 0
csoauth_token_calls_total{result="login required"} 0
csoauth_token_calls_total{result="ok"} 1
csoauth_token_calls_total{result="unreadable"} 0
`), "csoauth_token_events_total", "csoauth_token_calls_total"))
	families, err := registry.Gather()
	require.NoError(t, err)
	for _, family := range families {
		if family.GetName() == "csoauth_token_endpoint_seconds" {
			require.EqualValues(t, 1, family.GetMetric()[0].GetHistogram().GetSampleCount())
			return
		}
	}
	t.Fatal("there is no histogram")
}

func TestOpenTelemetry(t *testing.T) {
	reader := sdk.NewManualReader()
	provider := sdk.NewMeterProvider(sdk.WithReader(reader))
	o, err := metrics.NewOpenTelemetry(provider.Meter("csoauth"))
	require.NoError(t, err)
	before := read(t, reader)
	require.Len(t, before, len(metrics.Types)-1+len(metrics.Causes)+len(metrics.Results), "all begin with 0")
	for name, n := range before {
		assert.Zero(t, n, name)
	}
	w := newWorld(t, o.OnEvent)
	_, err = o.Source(w.users.For("ada")).Token(t.Context())
	require.NoError(t, err)
	require.NoError(t, w.users.Close())
	after := read(t, reader)
	require.EqualValues(t, 1, after["csoauth.token.events cause= type=refreshed"], "%v", after)
	require.EqualValues(t, 1, after["csoauth.token.calls result=ok"])
	require.EqualValues(t, 1, after["csoauth.token.endpoint"])
	require.NoError(t, provider.Shutdown(t.Context()))
}

// read returns the counts of all metrics, by name and attributes.
func read(t *testing.T, reader sdk.Reader) map[string]int64 {
	t.Helper()
	var all metricdata.ResourceMetrics
	require.NoError(t, reader.Collect(t.Context(), &all))
	counts := map[string]int64{}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, point := range data.DataPoints {
					name := m.Name
					for _, kv := range point.Attributes.ToSlice() {
						name += fmt.Sprintf(" %s=%s", kv.Key, kv.Value.String())
					}
					counts[name] = point.Value
				}
			case metricdata.Histogram[float64]:
				for _, point := range data.DataPoints {
					counts[m.Name] += int64(point.Count)
				}
			}
		}
	}
	return counts
}

// TestOpenTelemetryHasTheNamesOfPrometheus: then the same alerts work.
func TestOpenTelemetryHasTheNamesOfPrometheus(t *testing.T) {
	named := func(registry *prometheus.Registry) (names []string) {
		families, err := registry.Gather()
		require.NoError(t, err)
		for _, family := range families {
			if strings.HasPrefix(family.GetName(), "csoauth_") {
				names = append(names, family.GetName()+" "+family.GetType().String())
			}
		}
		return names
	}
	ours := prometheus.NewRegistry()
	metrics.NewPrometheus(ours)
	exported := prometheus.NewRegistry()
	exporter, err := export.New(export.WithRegisterer(exported))
	require.NoError(t, err)
	provider := sdk.NewMeterProvider(sdk.WithReader(exporter))
	o, err := metrics.NewOpenTelemetry(provider.Meter("csoauth"))
	require.NoError(t, err)
	o.OnEvent(tokens.Event{Type: tokens.EventRefreshed, Took: time.Second})
	require.Equal(t, named(ours), named(exported))
	require.NoError(t, provider.Shutdown(t.Context()))
}
