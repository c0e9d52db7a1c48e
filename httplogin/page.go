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

// fail logs err, and writes the response to it.
func (h *Handlers) fail(w http.ResponseWriter, r *http.Request, err error) {
	lost := errors.Is(err, ErrNoCookie) || errors.Is(err, csoauth.ErrState) || errors.Is(err, csoauth.ErrAttemptExpired)
	status := http.StatusBadRequest
	if !lost {
		status = statusOf(err)
	}
	level := slog.LevelInfo
	if status >= 500 {
		level = slog.LevelError
	}
	h.log(r, level, err)
	if h.OnError != nil {
		h.OnError(w, r, err)
		return
	}
	data := pageData{
		Denied: status == http.StatusForbidden && errors.Is(err, csoauth.ErrDenied),
		Lost:   lost || wasRefused(err),
		Busy:   status == http.StatusServiceUnavailable && errors.Is(err, ErrBusy),
		Stacks: h.Config != nil && h.Config.AuthorizeRoute == csoauth.RouteHash,
		Again:  cmp.Or(h.StartPath, "/"),
	}
	var otherHost *otherHostError
	if !lost && errors.As(err, &otherHost) {
		data.There = otherHost.there + r.URL.RequestURI()
	}
	if returnTo, known := r.Context().Value(returnToKey{}).(string); known && h.StartPath != "" {
		separator := "?"
		if strings.Contains(h.StartPath, "?") {
			separator = "&"
		}
		data.Again += separator + "return_to=" + url.QueryEscape(returnTo)
	}
	html, made := h.pages[data]
	if !made {
		html = data.html()
	}
	landing.Write(w, status, html)
}

// log writes a line about a login that failed.
func (h *Handlers) log(r *http.Request, level slog.Level, err error) {
	if h.Logger != nil {
		h.Logger.LogAttrs(context.WithoutCancel(r.Context()), level, "httplogin: login failed", slog.String("path", r.URL.Path), slog.String("err", err.Error()))
	}
}

// statusOf returns the status of the response to a request that failed with err, if that is not
// lost.
func statusOf(err error) int {
	var visit visitError
	var otherHost *otherHostError
	switch {
	case errors.Is(err, csoauth.ErrDenied):
		return http.StatusForbidden
	case errors.As(err, &visit):
		return visit.status
	case errors.As(err, &otherHost), wasRefused(err):
		return http.StatusBadRequest
	case errors.Is(err, ErrBusy):
		return http.StatusServiceUnavailable
	case errors.Is(err, csoauth.ErrConfig):
		return http.StatusInternalServerError
	case errors.Is(err, errExchange) && errors.Is(err, context.DeadlineExceeded):
		return http.StatusGatewayTimeout
	case errors.Is(err, errExchange):
		return http.StatusBadGateway
	}
	return http.StatusInternalServerError
}

// wasRefused reports whether Contentstack refused a code, because it is too old for instance. It is
// not the operator's mistake, and the user can repeat the login.
func wasRefused(err error) bool {
	var said *csoauth.Error
	return errors.Is(err, errExchange) && errors.As(err, &said) && said.Op == "exchange" && !errors.Is(err, csoauth.ErrConfig) &&
		said.StatusCode >= 400 && said.StatusCode <= 499 && said.StatusCode != http.StatusTooManyRequests
}

// errExchange is for what failed at Contentstack, or on the way there.
var errExchange = errors.New("the code was not exchanged")

// pages are those for requests without an attempt, made once: a flood of forged callbacks gets no
// others.
type pages map[pageData]string

func newPages(again string, stacks bool) pages {
	all := pages{}
	for _, data := range []pageData{{}, {Denied: true}, {Lost: true}} {
		data.Again, data.Stacks = again, stacks
		all[data] = data.html()
	}
	return all
}

type pageData struct {
	Denied bool
	Lost   bool
	Busy   bool
	Stacks bool   // the authorize URL may have ended there
	There  string // where the login has to begin
	Again  string
}

// html names no cause that an attacker could use: anyone can make a browser come here. And it does
// not say that the user is not logged in, for the application may know better.
func (d pageData) html() string {
	page := landing.Page{Name: "login-failed", Title: "The login did not work", Link: d.Again, LinkText: "Try again"}
	switch {
	case d.Denied:
		page.Name, page.Title = "denied", "Access was denied"
		page.Text = []string{"If that was a mistake, try again."}
	case d.Busy:
		page.Name, page.Title, page.LinkText = "busy", "Too many people are logging in", ""
		page.Text = []string{"Reload this page in a moment. Do not start over: your login goes on."}
	case d.There != "":
		page.Title, page.Link, page.LinkText = "Start the login at another address", d.There, "Start there"
		page.Text = []string{"This address and the one where the login ends are two names of this computer. Your browser keeps their cookies apart."}
	case d.Lost:
		page.Text = []string{
			"This page ends a login, but your browser has no login for it. This happens if the page is opened twice or in another browser, or if the login takes too long. It also happens if the browser blocks cookies of this site.",
		}
		if d.Stacks {
			page.Text = append(page.Text, "If Contentstack showed you your stacks and did not ask you to allow access, you were not logged in there yet. You are now, so try again.")
		}
	default:
		page.Text = []string{"Something failed on the way. If it fails again, tell the people who run this site."}
	}
	return page.HTML()
}
