// Package metrics counts what happens to logins, for Prometheus and for OpenTelemetry. It is to be
// copied. docs/guides/operations.md shows its files, and the alerts that belong to them.
package metrics

import (
	"context"
	"errors"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csapi"
	"github.com/contentstack/csoauth/tokens"
)

// Types are the types of events, and Causes those of an [tokens.EventRefreshFailed].
var (
	Types = []tokens.EventType{tokens.EventRefreshed, tokens.EventRefreshFailed, tokens.EventSaveFailed,
		tokens.EventLoginRequired, tokens.EventTokenWithheld}
	Causes  = []string{"config", "refused", "response", "lost", "not sent", "unreadable", "store"}
	Results = []string{"ok", "login required", "config", "unreadable", "canceled", "error"}
)

// Cause returns a word for what made a refresh fail, and "" for every other event. The key of the
// event is not in it: it may be a user's name, and each one would be a time series.
func Cause(e tokens.Event) string {
	var said *csoauth.Error
	switch {
	case e.Type != tokens.EventRefreshFailed:
		return ""
	case errors.Is(e.Err, csoauth.ErrConfig): // the app is set up wrongly
		return "config"
	case errors.Is(e.Err, csoauth.ErrLoginRequired): // the refresh token is dead
		return "refused"
	case errors.As(e.Err, &said): // the token endpoint said something else
		return "response"
	case errors.Is(e.Err, tokens.ErrUnreadable): // a wrong seal key, or a damaged value
		return "unreadable"
	case errors.Is(e.Err, csoauth.ErrNotSent): // the token endpoint cannot be reached, or is too busy
		return "not sent"
	case e.Took > 0: // sent, and no whole response came
		return "lost"
	}
	return "store"
}

// Result returns a word for what a caller got who asked for a token.
func Result(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, csoauth.ErrLoginRequired):
		return "login required"
	case errors.Is(err, csoauth.ErrConfig):
		return "config"
	case errors.Is(err, tokens.ErrUnreadable):
		return "unreadable"
	case errors.Is(err, context.Canceled): // the caller has left
		return "canceled"
	}
	return "error"
}

// A source is a [csapi.Source] that tells count what each caller got.
type source struct {
	csapi.Source
	count func(ctx context.Context, result string)
}

func (s source) Token(ctx context.Context) (*csoauth.Token, error) {
	token, err := s.Source.Token(ctx)
	s.count(ctx, Result(err))
	return token, err
}
