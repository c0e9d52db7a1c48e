package csoauth_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csoauthtest"
)

// TestFlowsWhateverContentstackAnswers runs login, refresh, denial and refusal with every answer to
// the questions that no public document answers.
func TestFlowsWhateverContentstackAnswers(t *testing.T) {
	for _, shape := range []string{"oauth", "nestjs", "nestjs-array", "cma", "html"} {
		for _, region := range []string{"location", "region", "both", "neither"} {
			for _, reuse := range []string{"revoke", "refuse", "grace", "none"} {
				for _, lenient := range []bool{false, true} {
					u := csoauthtest.Unknowns{ErrorShape: shape, RegionNames: region, Reuse: reuse, DenialWithoutState: lenient, OldAccessTokenLives: lenient}
					if reuse == "grace" {
						u.ReuseGrace = time.Hour
					}
					t.Run(fmt.Sprintf("%s %s %s %v", shape, region, reuse, lenient), func(t *testing.T) { flowsOver(t, u) })
				}
			}
		}
	}
}

func flowsOver(t *testing.T, u csoauthtest.Unknowns) {
	server := csoauthtest.NewServer(t, &csoauthtest.Options{Region: csoauth.EU, Unknowns: u, Allow: []string{"refresh-token-reused"}})
	c := server.Config("http://localhost:8184")
	first := server.Login(c)
	require.Equal(t, u.RegionNames == "neither", first.Location == "")
	hosts, err := c.EndpointsFor(first)
	require.NoError(t, err)
	require.Equal(t, server.URL, hosts.ContentManagement)

	second, err := c.Refresh(t.Context(), first)
	require.NoError(t, err)
	require.Equal(t, u.Reuse == "none", second.RefreshToken == first.RefreshToken)
	require.Equal(t, http.StatusOK, userStatus(t, server, second))
	require.Equal(t, u.OldAccessTokenLives, userStatus(t, server, first) == http.StatusOK)

	_, err = c.Refresh(t.Context(), first)
	switch u.Reuse {
	case "grace", "none":
		require.NoError(t, err)
	default:
		var said *csoauth.Error
		require.ErrorAs(t, err, &said)
		require.Equal(t, http.StatusBadRequest, said.StatusCode)
		require.Equal(t, u.ErrorShape != "html", errors.Is(err, csoauth.ErrLoginRequired), "a page is no verdict")
	}
	_, err = c.Refresh(t.Context(), second)
	require.Equal(t, u.Reuse == "revoke", err != nil, "the newest refresh token")

	r, err := c.NewAuthRequest(nil)
	require.NoError(t, err)
	denial := server.Callback(server.BrowserOf(csoauthtest.Visitor{Deny: true}), c.AuthorizeURL(r))
	_, err = c.Exchange(t.Context(), r, denial)
	require.Equal(t, !u.DenialWithoutState, errors.Is(err, csoauth.ErrDenied))
	require.Equal(t, u.DenialWithoutState, errors.Is(err, csoauth.ErrState))
}

// TestEmulatorsRefusalsAreUnderstoodInEveryShape: what a refusal means does not depend on how it is
// told.
//
// Law: P10
func TestEmulatorsRefusalsAreUnderstoodInEveryShape(t *testing.T) {
	for _, shape := range []string{"oauth", "nestjs", "nestjs-array", "cma", "html"} {
		for cause, row := range map[string]struct {
			spoil func(*csoauthtest.Server, *csoauth.Config, *csoauth.Token)
			want  csoauth.Verdict
		}{
			"used before": {func(_ *csoauthtest.Server, c *csoauth.Config, token *csoauth.Token) {
				_, err := c.Refresh(t.Context(), token)
				require.NoError(t, err)
			}, over},
			"revoked":      {func(s *csoauthtest.Server, _ *csoauth.Config, token *csoauth.Token) { s.Revoke(token) }, over},
			"unknown":      {func(_ *csoauthtest.Server, _ *csoauth.Config, token *csoauth.Token) { token.RefreshToken = "guess" }, over},
			"wrong secret": {func(_ *csoauthtest.Server, c *csoauth.Config, _ *csoauth.Token) { c.ClientSecret = "mistyped" }, operator},
			"unknown client": {func(_ *csoauthtest.Server, c *csoauth.Config, token *csoauth.Token) {
				c.ClientID, token.ClientID = "another", ""
			}, operator},
			"redirect URI": {func(_ *csoauthtest.Server, _ *csoauth.Config, token *csoauth.Token) {
				token.RedirectURI = "http://localhost:8185"
			}, operator},
		} {
			server := csoauthtest.NewServer(t, &csoauthtest.Options{
				Unknowns: csoauthtest.Unknowns{ErrorShape: shape},
				Allow:    []string{"refresh-token-reused", "wrong-secret", "wrong-client", "redirect-uri-mismatch"},
			})
			c := server.Config("http://localhost:8184")
			c.ClientSecret = "emulated-secret-of-the-default-app"
			token := server.Login(c)
			row.spoil(server, c, token)
			_, err := c.Refresh(t.Context(), token)
			var said *csoauth.Error
			require.ErrorAs(t, err, &said)
			want := row.want
			if shape == "html" {
				want = retry
			}
			assert.Equal(t, want, said.Verdict, "%s, %s: %v", shape, cause, err)
		}
	}
	server := csoauthtest.NewServer(t, &csoauthtest.Options{RefreshTokenLifetime: time.Nanosecond, Unknowns: csoauthtest.Unknowns{ErrorShape: "nestjs-array"}})
	c := server.Config("http://localhost:8184")
	_, err := c.Refresh(t.Context(), server.Login(c))
	require.ErrorIs(t, err, csoauth.ErrLoginRequired, "it has expired")
}

// userStatus asks an API who the token's user is.
func userStatus(t *testing.T, server *csoauthtest.Server, token *csoauth.Token) int {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/v3/user", nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+token.AccessToken)
	resp, err := server.Browser().Do(req)
	require.NoError(t, err)
	resp.Body.Close()
	return resp.StatusCode
}

func TestFlowsWithMembersLeftOut(t *testing.T) {
	for _, omit := range []string{
		"refresh_token", "token_type", "expires_in", "location", "organization_uid", "user_uid", "authorization_type", "stack_api_key",
	} {
		t.Run(omit, func(t *testing.T) {
			server := csoauthtest.NewServer(t, &csoauthtest.Options{Unknowns: csoauthtest.Unknowns{Omit: []string{omit}}})
			c := server.Config("http://localhost:8184")
			token := server.Login(c)
			require.True(t, token.Valid())
			require.WithinDuration(t, time.Now().Add(time.Hour), token.Expiry, time.Minute)
			_, err := c.EndpointsFor(token)
			require.NoError(t, err)
			_, err = c.Refresh(t.Context(), token)
			if omit == "refresh_token" {
				require.ErrorIs(t, err, csoauth.ErrLoginRequired)
				return
			}
			require.NoError(t, err)
		})
	}
}

func TestRefreshTokenExpires(t *testing.T) {
	server := csoauthtest.NewServer(t, &csoauthtest.Options{RefreshTokenLifetime: time.Nanosecond})
	c := server.Config("http://localhost:8184")
	_, err := c.Refresh(t.Context(), server.Login(c))
	require.ErrorIs(t, err, csoauth.ErrLoginRequired)
	require.ErrorContains(t, err, "the refresh_token has expired: it lives 1ns")
}
