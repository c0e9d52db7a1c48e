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

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csoauthtest"
)

// TestEachFaultAsAClientSeesIt refreshes with a plain HTTP client, so that nothing stands between
// it and the fault.
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
		"delay, no one": {csoauthtest.Fault{Delay: time.Hour}, "context canceled", true},
		"slow, no one":  {csoauthtest.Fault{Slow: time.Hour}, "context canceled", true},
	} {
		t.Run(name, func(t *testing.T) {
			server := csoauthtest.NewServer(t, &csoauthtest.Options{Allow: []string{"refresh-token-reused"}})
			c := server.Config(callbackURI)
			token := server.Login(c)
			server.FailNext(row.fault)
			ctx, leave := context.WithTimeout(t.Context(), 2*time.Minute)
			defer leave()
			if row.want == "context canceled" {
				go func() {
					assert.Eventually(t, func() bool {
						return newest(server).Path == "/token" && (row.fault.Slow == 0 || newest(server).Status == http.StatusOK)
					},
						time.Minute, time.Millisecond, "the refresh does not get where the server waits")
					leave()
				}()
			}
			require.Contains(t, refreshPlainly(ctx, t, server, token), row.want)
			require.Eventually(t, func() bool { return newest(server).Decision != "" }, time.Minute, time.Millisecond,
				"the server still waits, although nobody waits for it")
			_, err := c.Refresh(t.Context(), token)
			if row.processed {
				require.ErrorIs(t, err, csoauth.ErrLoginRequired, "the refresh token was spent")
			} else {
				require.NoError(t, err)
			}
		})
	}
}

// newest returns what the server logged last. While it waits with a request, there is no decision
// yet.
func newest(server *csoauthtest.Server) csoauthtest.Request {
	requests := server.Requests()
	return requests[len(requests)-1]
}

// refreshPlainly returns the status and up to 64 KiB of the response, and the error if there was
// one.
func refreshPlainly(ctx context.Context, t *testing.T, server *csoauthtest.Server, token *csoauth.Token) string {
	c := server.Config(callbackURI)
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
		require.Contains(t, refreshPlainly(t.Context(), t, server, token), want)
	}
}
