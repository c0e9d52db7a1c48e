package metrics

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/contentstack/csoauth/csapi"
	"github.com/contentstack/csoauth/tokens"
)

// Prometheus has the metrics of all Managers of a program. It is safe for concurrent use.
type Prometheus struct {
	events  *prometheus.CounterVec
	calls   *prometheus.CounterVec
	seconds prometheus.Histogram
}

// NewPrometheus registers the metrics. Call it once for each registry.
func NewPrometheus(r prometheus.Registerer) *Prometheus {
	register := promauto.With(r)
	p := &Prometheus{
		events: register.NewCounterVec(prometheus.CounterOpts{
			Name: "csoauth_token_events_total", Help: "Events of package tokens.",
		}, []string{"type", "cause"}),
		calls: register.NewCounterVec(prometheus.CounterOpts{
			Name: "csoauth_token_calls_total", Help: "What callers got who asked for a token.",
		}, []string{"result"}),
		seconds: register.NewHistogram(prometheus.HistogramOpts{
			Name: "csoauth_token_endpoint_seconds", Help: "How long the token endpoint needed to respond to a refresh.",
			Buckets: []float64{.1, .25, .5, 1, 2.5, 5, 10, 20},
		}),
	}
	// A counter that begins with 1 does not increase, as Prometheus sees it. So all begin with 0.
	for _, t := range Types {
		if t != tokens.EventRefreshFailed {
			p.events.WithLabelValues(string(t), "")
		}
	}
	for _, cause := range Causes {
		p.events.WithLabelValues(string(tokens.EventRefreshFailed), cause)
	}
	for _, result := range Results {
		p.calls.WithLabelValues(result)
	}
	return p
}

// OnEvent is for tokens.Options.
func (p *Prometheus) OnEvent(e tokens.Event) {
	p.events.WithLabelValues(string(e.Type), Cause(e)).Inc()
	if e.Took > 0 {
		p.seconds.Observe(e.Took.Seconds())
	}
}

// Source counts what callers get from s, such as a *tokens.Login. Give it to csapi.New or For.
func (p *Prometheus) Source(s csapi.Source) csapi.Source {
	return source{s, func(_ context.Context, result string) { p.calls.WithLabelValues(result).Inc() }}
}
