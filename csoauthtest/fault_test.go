package csoauthtest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csoauthtest"
)

// TestEachFaultAsAClientSeesIt refreshes with a plain HTTP client, so that nothing stands between it and the fault.
func TestEachFaultAsAClientSeesIt(t *testing.T) {
	for name, row := range map[string]struct {
		fault     csoauthtest.Fault
		want      string // status and the start of the body, or the error
		processed bool
	}{
		"none":  {csoauthtest.Fault{}, `200 {"access_token":"`, true},
		"delay": {csoauthtest.Fault{Delay: time.Millisecond}, `200 {"access_token":"`, true},
		"slow":  {csoauthtest.Fault{Slow: time.Microsecond}, `200 {"access_token":"`, true},
		"status": {csoauthtest.Fault{Status: 429, Header: http.Header{"Retry-After": {"3"}}, Body: "slowly"},
			"429 after 3: slowly", false},
		"redirect":      {csoauthtest.Fault{RedirectTo: "https://evil.example/"}, "307 ", false},
		"cut nowhere":   {csoauthtest.Fault{Cut: csoauthtest.CutNot}, `200 {"access_token":"`, true},
		"cut before":    {csoauthtest.Fault{Cut: csoauthtest.CutBefore}, "EOF", false},
		"cut after":     {csoauthtest.Fault{Cut: csoauthtest.CutAfter}, "EOF", true},
		"cut inside":    {csoauthtest.Fault{Cut: csoauthtest.CutInside, CutAt: 3}, `200 {"a unexpected EOF`, true},
		"endless":       {csoauthtest.Fault{Endless: true}, `200 {"access_token":"`, true},
		"delay, no one": {csoauthtest.Fault{Delay: time.Hour}, "context deadline exceeded", true},
		"slow, no one":  {csoauthtest.Fault{Slow: time.Hour}, "context deadline exceeded", true},
	} {
		t.Run(name, func(t *testing.T) {
			server := csoauthtest.NewServer(t, nil)
			c := server.Config(callbackURI)
			token := server.Login(c)
			patience := 20 * time.Second
			if strings.HasSuffix(name, "no one") {
				patience = 20 * time.Millisecond
			}
			server.FailNext(row.fault)
			require.Contains(t, refreshPlainly(t, server, token, patience), row.want)
			_, err := c.Refresh(t.Context(), token)
			if row.processed {
				require.ErrorIs(t, err, csoauth.ErrLoginRequired, "the refresh token was spent")
			} else {
				require.NoError(t, err)
			}
		})
	}
}

// refreshPlainly returns the status and up to 64 KiB of the answer, and the error if there was one.
func refreshPlainly(t *testing.T, server *csoauthtest.Server, token *csoauth.Token, patience time.Duration) string {
	c := server.Config(callbackURI)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	form := url.Values{"grant_type": {"refresh_token"}, "client_id": {c.ClientID}, "redirect_uri": {callbackURI}, "refresh_token": {token.RefreshToken}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+"/token", strings.NewReader(form.Encode()))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := c.HTTPClient.Transport.RoundTrip(r)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return strings.TrimSpace(fmt.Sprintf("%d %s %v", resp.StatusCode, body, err))
	}
	if after := resp.Header.Get("Retry-After"); after != "" {
		return fmt.Sprintf("%d after %s: %s", resp.StatusCode, after, body)
	}
	return fmt.Sprintf("%d %s", resp.StatusCode, body)
}

func TestFaultsComeInOrderAndOnlyAtTheTokenEndpoint(t *testing.T) {
	server := csoauthtest.NewServer(t, nil)
	c := server.Config(callbackURI)
	token := server.Login(c)
	server.FailNext(csoauthtest.Fault{Status: 502}, csoauthtest.Fault{Cut: csoauthtest.CutBefore})
	server.FailNext(csoauthtest.Fault{Status: 504})
	require.Equal(t, http.StatusOK, userStatus(t, c, token))
	for _, want := range []string{"502 ", "EOF", "504 ", `200 {"access_token":"`} {
		require.Contains(t, refreshPlainly(t, server, token, time.Minute), want)
	}
}
