package metrics

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/contentstack/csoauth/csapi"
	"github.com/contentstack/csoauth/tokens"
)

// OpenTelemetry has the metrics of all Managers of a program. It is safe for concurrent use.
type OpenTelemetry struct {
	events  metric.Int64Counter
	calls   metric.Int64Counter
	seconds metric.Float64Histogram
}

// NewOpenTelemetry makes the instruments.
func NewOpenTelemetry(m metric.Meter) (*OpenTelemetry, error) {
	events, err1 := m.Int64Counter("csoauth.token.events",
		metric.WithDescription("Events of package tokens."))
	calls, err2 := m.Int64Counter("csoauth.token.calls",
		metric.WithDescription("What callers got who asked for a token."))
	seconds, err3 := m.Float64Histogram("csoauth.token.endpoint", metric.WithUnit("s"),
		metric.WithDescription("How long the token endpoint needed to respond to a refresh."),
		metric.WithExplicitBucketBoundaries(.1, .25, .5, 1, 2.5, 5, 10, 20))
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}
	o := &OpenTelemetry{events, calls, seconds}
	ctx := context.Background()
	// A backend may not see the first increase of a counter that does not begin with 0.
	for _, t := range Types {
		if t != tokens.EventRefreshFailed {
			o.addEvent(t, "", 0)
		}
	}
	for _, cause := range Causes {
		o.addEvent(tokens.EventRefreshFailed, cause, 0)
	}
	for _, result := range Results {
		o.addCall(ctx, result, 0)
	}
	return o, nil
}

// OnEvent is for tokens.Options.
func (o *OpenTelemetry) OnEvent(e tokens.Event) {
	o.addEvent(e.Type, Cause(e), 1)
	if e.Took > 0 {
		o.seconds.Record(context.Background(), e.Took.Seconds())
	}
}

// Source counts what callers get from s, such as a *tokens.Login. Give it to csapi.New or For.
func (o *OpenTelemetry) Source(s csapi.Source) csapi.Source {
	return source{s, func(ctx context.Context, result string) { o.addCall(ctx, result, 1) }}
}

func (o *OpenTelemetry) addEvent(t tokens.EventType, cause string, n int64) {
	o.events.Add(context.Background(), n, metric.WithAttributes(
		attribute.String("type", string(t)), attribute.String("cause", cause)))
}

func (o *OpenTelemetry) addCall(ctx context.Context, result string, n int64) {
	o.calls.Add(ctx, n, metric.WithAttributes(attribute.String("result", result)))
}
