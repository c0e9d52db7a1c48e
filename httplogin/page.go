package httplogin

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/internal/landing"
)

// fail logs err, and has it answered.
func (l *Login) fail(w http.ResponseWriter, r *http.Request, err error) {
	lost := errors.Is(err, ErrNoCookie) || errors.Is(err, csoauth.ErrState) || errors.Is(err, csoauth.ErrAttemptExpired)
	status := http.StatusBadRequest
	if !lost {
		status = statusOf(err)
	}
	if l.Logger != nil {
		level := slog.LevelInfo
		if status >= 500 {
			level = slog.LevelError
		}
		l.Logger.LogAttrs(context.WithoutCancel(r.Context()), level, "httplogin: log-in failed", slog.String("path", r.URL.Path), slog.String("err", err.Error()))
	}
	if l.OnError != nil {
		l.OnError(w, r, err)
		return
	}
	data := pageData{
		Denied: status == http.StatusForbidden,
		Lost:   lost,
		Again:  cmp.Or(l.StartPath, "/"),
	}
	if returnTo, known := r.Context().Value(returnToKey{}).(string); known && l.StartPath != "" {
		separator := "?"
		if strings.Contains(l.StartPath, "?") {
			separator = "&"
		}
		data.Again += separator + "return_to=" + url.QueryEscape(returnTo)
	}
	html, made := l.pages[data]
	if !made {
		html = data.html()
	}
	landing.Write(w, status, html)
}

// statusOf returns the status of the response to a request that has an attempt and failed with err.
func statusOf(err error) int {
	switch {
	case errors.Is(err, csoauth.ErrDenied):
		return http.StatusForbidden
	case errors.Is(err, errReturnTo):
		return http.StatusBadRequest
	case errors.Is(err, errExchange) && errors.Is(err, context.DeadlineExceeded):
		return http.StatusGatewayTimeout
	case errors.Is(err, errExchange):
		return http.StatusBadGateway
	}
	return http.StatusInternalServerError
}

// errExchange is for what failed at Contentstack, or on the way there.
var errExchange = errors.New("the code was not exchanged")

// pages are those of whoever comes without an attempt, made once: a flood of forged callbacks gets no others.
type pages map[pageData]string

func newPages(again string) pages {
	all := pages{}
	for _, data := range []pageData{{}, {Denied: true}, {Lost: true}} {
		data.Again = again
		all[data] = data.html()
	}
	return all
}

type pageData struct {
	Denied bool
	Lost   bool
	Again  string
}

// html names no cause: whoever made the browser come here must learn nothing from it. And it does not say that the user is not
// logged in, for the application may know better.
func (d pageData) html() string {
	page := landing.Page{Name: "login-failed", Title: "The log-in did not work", Link: d.Again, LinkText: "Try again"}
	switch {
	case d.Denied:
		page.Name, page.Title = "denied", "Access was not allowed"
	case d.Lost:
		page.Text = []string{
			"That happens if this page was opened twice or in another browser, if the log-in took long, or if the browser blocks cookies of this site.",
			"And if Contentstack showed you your stacks and did not ask for your consent, you were not logged in there yet: try again, now that you are.",
		}
	}
	return page.HTML()
}
