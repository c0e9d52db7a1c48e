package integration_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/internal/observed"
	"github.com/contentstack/csoauth/internal/probe"
)

// TestProbeOfOtherServers: at a server that has the login alone, a probe finds what other tests
// here know of it, and does not ask for the rest.
func TestProbeOfOtherServers(t *testing.T) {
	withEachApp(t, func(t *testing.T, f *front, a app) {
		var passed time.Duration
		p, err := probe.New(probe.Options{
			Config: f.config(a), Transport: f.Client().Transport, Version: "v0.0.0-test", Tell: t.Logf,
			Now:   func() time.Time { return time.Now().Add(passed) },
			Sleep: func(ctx context.Context, d time.Duration) error { passed += d; return ctx.Err() },
			Agree: func(context.Context, probe.Step) (bool, error) { return true, nil },
			Visit: func(_ context.Context, v probe.Visit) (url.Values, error) {
				if v.Deny {
					v.URL += "&login_hint=deny"
				}
				return f.browse(t, v.URL, a.redirectURI), nil
			},
		})
		require.NoError(t, err)
		require.NoError(t, p.CheckHosts(t.Context(), func(probe.Check) {}))
		require.NoError(t, p.Ask(t.Context()))
		report := p.Report()
		want := map[string]string{
			"region_names": "neither", "token_region_names": "neither", "denial": "access_denied", "denial_state": "echoed",
			"omit": "authorization_type,organization_uid,stack_api_key,user_uid", "access_token_lifetime": "1h0m0s",
			"error_shape": "oauth", "bad_code": "oauth", "bad_client": "oauth", "bad_refresh_token": "oauth", "bad_secret": "oauth", "bad_verifier": "oauth",
			"code_after_failure": f.codeAfterFailure(t, a), "code_reuse": "revoke", "cors": "not-allowed", "json": "not-read", "basic": f.readsBasic(t, a), "rate_limit_headers": "none",
			"refresh_without_redirect_uri": "accepted", "rotation": "rotates", "reuse": "revoke", "reuse_at_once": "refused", "clock": "0s",
		}
		if lifetime, _ := report.Answer("access_token_lifetime"); lifetime == "59m59s" { // the rest of an hour
			want["access_token_lifetime"] = lifetime
		}
		if f.takesAnySecret(t, a) {
			want["bad_secret"] = "accepted"
		}
		for _, result := range report.Results {
			answer, ok := want[result.Question]
			if !ok {
				assert.NotEqual(t, observed.Observed, result.Outcome, "%s: %s", result.Question, result.Answer)
				continue
			}
			assert.Equal(t, answer, result.Answer, "%s: %s", result.Question, result.Note)
		}
		for _, file := range []string{string(report.JSON()), string(report.Markdown())} {
			assert.Zero(t, f.secretsIn(file))
			assert.NotContains(t, file, a.redirectURI)
		}
	})
}

// codeAfterFailure returns what becomes of a code that was sent with another verifier, as a client
// without the probe sees it.
func (f *front) codeAfterFailure(t *testing.T, a app) string {
	c := f.config(a)
	request, callback := f.ask(t, c, nil)
	_, err := c.ExchangeCode(t.Context(), callback.Get("code"), csoauth.NewVerifier(), nil)
	require.Error(t, err)
	if _, err = c.ExchangeCode(t.Context(), callback.Get("code"), request.Verifier, nil); err != nil {
		return "spent"
	}
	return "lives"
}

// readsBasic returns whether the server takes the credentials of an app from the header.
func (f *front) readsBasic(t *testing.T, a app) string {
	token := f.logIn(t, f.config(a), nil)
	form := url.Values{"grant_type": {"refresh_token"}, "redirect_uri": {a.redirectURI}, "refresh_token": {token.RefreshToken}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.URL+tokenPath, strings.NewReader(form.Encode()))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(url.QueryEscape(a.clientID), url.QueryEscape(a.clientSecret))
	resp, err := f.Client().Do(req)
	require.NoError(t, err)
	resp.Body.Close()
	if resp.StatusCode == http.StatusOK {
		return "read"
	}
	return "not-read"
}

// takesAnySecret reports whether the server ignores the client secret of an app.
func (f *front) takesAnySecret(t *testing.T, a app) bool {
	token := f.logIn(t, f.config(a), nil)
	form := url.Values{
		"grant_type": {"refresh_token"}, "client_id": {a.clientID}, "redirect_uri": {a.redirectURI},
		"refresh_token": {token.RefreshToken}, "client_secret": {"of-nobody"},
	}
	resp, err := f.Client().PostForm(f.URL+tokenPath, form)
	require.NoError(t, err)
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}
