package metrics_test

import (
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/integration/metrics"
)

// healthy has two hours of a program with 600 logins, a sample a minute.
var healthy = map[string]string{
	`csoauth_token_events_total{type="refreshed",cause=""}`:                "0+10x120",
	`csoauth_token_events_total{type="save failed",cause=""}`:              "0x120",
	`csoauth_token_events_total{type="login required",cause=""}`:           "0x60 1x59",
	`csoauth_token_events_total{type="token withheld",cause=""}`:           "0x120",
	`csoauth_token_events_total{type="refresh failed",cause="config"}`:     "0x120",
	`csoauth_token_events_total{type="refresh failed",cause="refused"}`:    "0x60 1x59",
	`csoauth_token_events_total{type="refresh failed",cause="response"}`:   "0x110 1x9",
	`csoauth_token_events_total{type="refresh failed",cause="lost"}`:       "0x120",
	`csoauth_token_events_total{type="refresh failed",cause="not sent"}`:   "0x120",
	`csoauth_token_events_total{type="refresh failed",cause="unreadable"}`: "0x120",
	`csoauth_token_events_total{type="refresh failed",cause="store"}`:      "0x120",
	`csoauth_token_calls_total{result="ok"}`:                               "0+1000x120",
	`csoauth_token_calls_total{result="login required"}`:                   "0+1x120",
	`csoauth_token_calls_total{result="config"}`:                           "0x120",
	`csoauth_token_calls_total{result="unreadable"}`:                       "0x120",
	`csoauth_token_calls_total{result="canceled"}`:                         "0+50x120",
	`csoauth_token_calls_total{result="error"}`:                            "0+1x120",
	`csoauth_token_endpoint_seconds_bucket{le="0.1"}`:                      "0+9x120",
	`csoauth_token_endpoint_seconds_bucket{le="5"}`:                        "0+10x120",
	`csoauth_token_endpoint_seconds_bucket{le="10"}`:                       "0+10x120",
	`csoauth_token_endpoint_seconds_bucket{le="+Inf"}`:                     "0+10x120",
}

// ill has what is different when an alert is to fire.
var ill = map[string]map[string]string{
	"CsoauthSaveFailed":           {`csoauth_token_events_total{type="save failed",cause=""}`: "0x115 1x4"},
	"CsoauthConfig":               {`csoauth_token_calls_total{result="config"}`: "0x115 1x4"},
	"CsoauthUnreadable":           {`csoauth_token_calls_total{result="unreadable"}`: "0x115 1x4"},
	"CsoauthStoreFailing":         {`csoauth_token_events_total{type="refresh failed",cause="store"}`: "0x115 1x4"},
	"CsoauthCallersWithoutToken":  {`csoauth_token_calls_total{result="error"}`: "0+11x120"},
	"CsoauthTokenEndpointFailing": {`csoauth_token_events_total{type="refresh failed",cause="not sent"}`: "0+4x120"},
	"CsoauthManyLoginsEnd":        {`csoauth_token_events_total{type="login required",cause=""}`: "0+1x120"},
	"CsoauthTokenEndpointSlow":    {`csoauth_token_endpoint_seconds_bucket{le="5"}`: "0+9x120"},
	"CsoauthTokenWithheld":        {`csoauth_token_events_total{type="token withheld",cause=""}`: "0x100 1x19"},
}

func readAlerts(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("alerts.yaml")
	require.NoError(t, err)
	groups, errs := rulefmt.Parse(text, false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
	require.Empty(t, errs)
	alerts := map[string]string{}
	for _, group := range groups.Groups {
		for _, rule := range group.Rules {
			alerts[rule.Alert] = rule.Expr
		}
	}
	require.NotEmpty(t, alerts)
	return alerts
}

func TestAlertsFire(t *testing.T) {
	alerts := readAlerts(t)
	require.ElementsMatch(t, slices.Collect(maps.Keys(alerts)), slices.Collect(maps.Keys(ill)))
	t.Run("none while all is well", func(t *testing.T) {
		assert.Empty(t, firing(t, alerts, healthy))
	})
	for name, different := range ill {
		t.Run(name, func(t *testing.T) {
			series := maps.Clone(healthy)
			for of, samples := range different {
				require.Contains(t, series, of)
				series[of] = samples
			}
			assert.Equal(t, []string{name}, firing(t, alerts, series))
		})
	}
}

// firing returns the alerts whose expressions have a value after two hours of these series.
func firing(t *testing.T, alerts, series map[string]string) (names []string) {
	t.Helper()
	load := "load 1m\n"
	for name, samples := range series {
		load += "\t" + name + " " + samples + "\n"
	}
	storage := promqltest.LoadedStorage(t, load)
	defer storage.Close()
	engine := promqltest.NewTestEngine(t, false, 5*time.Minute, promqltest.DefaultMaxSamplesPerQuery)
	for name, expr := range alerts {
		query, err := engine.NewInstantQuery(t.Context(), storage, nil, expr, time.Unix(0, 0).Add(2*time.Hour))
		require.NoError(t, err, name)
		result := query.Exec(t.Context())
		require.NoError(t, result.Err, name)
		vector, err := result.Vector()
		require.NoError(t, err, name)
		if len(vector) > 0 {
			names = append(names, name)
		}
		query.Close()
	}
	slices.Sort(names)
	return names
}

// TestAlertsAskForWhatIsThere: a name with a mistake in it would be an alert that never fires.
func TestAlertsAskForWhatIsThere(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	metrics.NewPrometheus(registry)
	families, err := registry.Gather()
	require.NoError(t, err)
	labels := map[string][]string{} // by metric
	for _, family := range families {
		names := []string{}
		for _, pair := range family.GetMetric()[0].GetLabel() {
			names = append(names, pair.GetName())
		}
		labels[family.GetName()] = names
	}
	for series := range healthy {
		name, _, _ := strings.Cut(series, "{")
		require.Contains(t, labels, strings.TrimSuffix(name, "_bucket"))
	}
	for name, expr := range readAlerts(t) {
		parsed, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
		require.NoError(t, err, name)
		parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
			selector, ok := node.(*parser.VectorSelector)
			if !ok {
				return nil
			}
			known, found := labels[strings.TrimSuffix(selector.Name, "_bucket")]
			assert.True(t, found, "%s: %s", name, selector.Name)
			for _, matcher := range selector.LabelMatchers {
				assert.Contains(t, append(known, "__name__"), matcher.Name, name)
			}
			return nil
		})
	}
}
