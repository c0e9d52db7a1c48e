package csoauth_test

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/contentstack/csoauth"
)

func TestValid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, row := range map[string]struct {
			token *csoauth.Token
			want  bool
		}{
			"nil":              {nil, false},
			"no access token":  {&csoauth.Token{Expiry: time.Now().Add(time.Hour)}, false},
			"fresh":            {&csoauth.Token{AccessToken: "A", Expiry: time.Now().Add(time.Hour)}, true},
			"10 s left":        {&csoauth.Token{AccessToken: "A", Expiry: time.Now().Add(10 * time.Second)}, true},
			"a bit less":       {&csoauth.Token{AccessToken: "A", Expiry: time.Now().Add(10*time.Second - 1)}, false},
			"expired":          {&csoauth.Token{AccessToken: "A", Expiry: time.Now().Add(-time.Second)}, false},
			"no expiry at all": {&csoauth.Token{AccessToken: "A"}, true},
		} {
			require.Equal(t, row.want, row.token.Valid(), name)
			require.Equal(t, row.want, row.token.OAuth2().Valid(), "%s, as x/oauth2 sees it", name)
		}
	})
}

func TestTokenCrossesToXOAuth2AndBack(t *testing.T) {
	token := fullToken(t)
	o := token.OAuth2()
	require.Equal(t, "A", o.AccessToken)
	require.Equal(t, "R", o.RefreshToken)
	require.Equal(t, "blt1", o.Extra("organization_uid"))
	require.Equal(t, "a:read b:read", o.Extra("scope"))
	require.Equal(t, token, csoauth.FromOAuth2(o))

	require.Nil(t, (*csoauth.Token)(nil).OAuth2())
	require.Nil(t, csoauth.FromOAuth2(nil))
}

func TestTokenFromXOAuth2sOwnExchange(t *testing.T) {
	var raw map[string]any
	require.NoError(t, json.Unmarshal([]byte(recorded), &raw))
	expiry := time.Now()
	o := (&oauth2.Token{AccessToken: "A", RefreshToken: "R", TokenType: "bearer", Expiry: expiry}).WithExtra(raw)
	require.Equal(t, &csoauth.Token{
		AccessToken: "A", RefreshToken: "R", TokenType: "Bearer", Expiry: expiry, Location: "NA",
		OrganizationUID: "blt0123456789abcdef", UserUID: "bltfedcba9876543210", AuthorizationType: "user",
	}, csoauth.FromOAuth2(o))
}

func TestRegionOfAnXOAuth2TokenIsItsLocation(t *testing.T) {
	for want, extra := range map[string]map[string]any{"EU": {"region": "EU"}, "NA": {"region": "EU", "location": "NA"}, "": {"location": 7}} {
		require.Equal(t, want, csoauth.FromOAuth2((&oauth2.Token{AccessToken: "A"}).WithExtra(extra)).Location)
	}
}

func TestTokenThroughJSONLosesOnlyItsExtras(t *testing.T) {
	data, err := json.Marshal(fullToken(t).OAuth2())
	require.NoError(t, err)
	var o oauth2.Token
	require.NoError(t, json.Unmarshal(data, &o))
	back := csoauth.FromOAuth2(&o)
	require.Equal(t, "R", back.RefreshToken)
	require.Empty(t, back.ClientID)

	c := testConfig()
	mock(c, 200, recorded)
	_, err = c.Refresh(t.Context(), back)
	require.NoError(t, err, "it is refreshed on the Config's terms")
}

func TestTokenFromXOAuth2EndsAlways(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := time.Now().Add(7 * time.Minute)
		for name, row := range map[string]struct {
			token oauth2.Token
			want  time.Duration
		}{
			"ExpiresIn":               {oauth2.Token{ExpiresIn: 3600}, time.Hour},
			"a short ExpiresIn":       {oauth2.Token{ExpiresIn: 90}, 90 * time.Second},
			"Expiry before ExpiresIn": {oauth2.Token{ExpiresIn: 3600, Expiry: set}, 7 * time.Minute},
			"neither":                 {oauth2.Token{}, time.Hour},
			"a negative ExpiresIn":    {oauth2.Token{ExpiresIn: -1}, time.Hour},
			"a day":                   {oauth2.Token{ExpiresIn: 86400}, 24 * time.Hour},
			"more than a day":         {oauth2.Token{ExpiresIn: 86401}, 24 * time.Hour},
			"more than a Duration":    {oauth2.Token{ExpiresIn: 1 << 62}, 24 * time.Hour},
		} {
			row.token.AccessToken, row.token.RefreshToken = "A", "R"
			token := csoauth.FromOAuth2(&row.token)
			require.Equal(t, time.Now().Add(row.want).UTC(), token.Expiry.UTC(), name)
		}
		data := []byte(`{"access_token":"A","refresh_token":"R","expires_in":120}`)
		var o oauth2.Token
		require.NoError(t, json.Unmarshal(data, &o))
		require.Equal(t, time.Now().Add(2*time.Minute).UTC(), csoauth.FromOAuth2(&o).Expiry)
		require.Zero(t, csoauth.FromOAuth2(&oauth2.Token{RefreshToken: "R"}).Expiry, "there is no access token to expire")
	})
}
