package emulator_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/emulator"
)

func TestRefusalsOfEveryShape(t *testing.T) {
	for shape, row := range map[string]struct{ contentType, want string }{
		"":             {"application/json; charset=utf-8", `{"error":"invalid_request","error_description":"code is missing"}`},
		"oauth":        {"application/json; charset=utf-8", `{"error":"invalid_request","error_description":"code is missing"}`},
		"nestjs":       {"application/json; charset=utf-8", `{"statusCode":400,"message":"code is missing","error":"Bad Request"}`},
		"nestjs-array": {"application/json; charset=utf-8", `{"statusCode":400,"message":["code is missing"],"error":"Bad Request"}`},
		"cma":          {"application/json; charset=utf-8", `{"error_message":"code is missing","error_code":105,"errors":{}}`},
	} {
		s := start(t, emulator.Options{Unknowns: emulator.Unknowns{ErrorShape: shape}})
		said := s.do(s.client, s.request(http.MethodPost, s.url+"/token", redemption("").Encode()))
		require.Equal(t, http.StatusBadRequest, said.status)
		require.Equal(t, row.contentType, said.header.Get("Content-Type"))
		require.JSONEq(t, row.want, said.body)
	}
	s := start(t, emulator.Options{Unknowns: emulator.Unknowns{ErrorShape: "html"}})
	said := s.do(s.client, s.request(http.MethodPost, s.url+"/token", redemption("").Encode()))
	require.Equal(t, http.StatusBadRequest, said.status)
	require.Equal(t, "text/html; charset=utf-8", said.header.Get("Content-Type"))
	require.Contains(t, said.body, "<h1>code is missing</h1>")
}

func TestRegionByEachName(t *testing.T) {
	for names, want := range map[string][2]string{ // location, region
		"": {"EU", ""}, "location": {"EU", ""}, "region": {"", "EU"}, "both": {"EU", "EU"}, "neither": {},
	} {
		s := start(t, emulator.Options{Location: "EU", Unknowns: emulator.Unknowns{RegionNames: names}})
		s.login()
		for _, r := range s.Requests()[1:] {
			require.Equal(t, want, [2]string{r.Answer["location"], r.Answer["region"]}, "%s %s", names, r.Path)
		}
		back := s.visit(emulator.Visitor{Deny: true}, s.byPath("app1", authorization())).callback(t)
		require.False(t, back.Has("location") || back.Has("region"), "a denial tells none")
	}
}

func TestDenialWithoutState(t *testing.T) {
	s := start(t, emulator.Options{Unknowns: emulator.Unknowns{DenialWithoutState: true}})
	for deny, want := range map[bool]string{true: "", false: "a state"} {
		require.Equal(t, want, s.visit(emulator.Visitor{Deny: deny}, s.byPath("app1", authorization())).callback(t).Get("state"))
	}
}

func TestOldAccessTokenLives(t *testing.T) {
	s := start(t, emulator.Options{Unknowns: emulator.Unknowns{OldAccessTokenLives: true}})
	tokens := s.login()
	require.True(t, s.works(s.token(renewal(tokens.Refresh)).Access))
	require.True(t, s.works(tokens.Access))
	require.True(t, s.Revoke(tokens.Access))
	require.False(t, s.works(tokens.Access))
}

func TestMembersAreLeftOut(t *testing.T) {
	s := start(t, emulator.Options{Unknowns: emulator.Unknowns{Omit: []string{"expires_in", "user_uid"}}})
	said := s.do(s.client, s.request(http.MethodPost, s.url+"/token", redemption(s.code()).Encode()))
	var members map[string]any
	require.NoError(t, json.Unmarshal([]byte(said.body), &members))
	require.ElementsMatch(t, []string{"access_token", "refresh_token", "token_type", "organization_uid", "authorization_type",
		"stack_api_key", "location"}, slices.Collect(maps.Keys(members)))
}

func TestGraceEnds(t *testing.T) {
	clock := newClock()
	s := start(t, emulator.Options{Now: clock.Now, Unknowns: emulator.Unknowns{Reuse: "grace", ReuseGrace: emulator.Duration(10 * time.Second)}})
	tokens := s.login()
	first := s.token(renewal(tokens.Refresh))
	clock.pass(10 * time.Second)
	again := s.token(renewal(tokens.Refresh))
	require.Empty(t, again.reason(), "the grace begins with the first use")
	require.NotEqual(t, first.Refresh, again.Refresh)
	clock.pass(time.Nanosecond)
	require.Equal(t, reused, s.token(renewal(tokens.Refresh)).reason())
	require.Equal(t, "400 invalid_grant: the refresh_token was revoked with its login", s.token(renewal(again.Refresh)).reason())
}

func TestRefusedReuseEndsNothing(t *testing.T) {
	s := start(t, emulator.Options{Unknowns: emulator.Unknowns{Reuse: "refuse"}})
	tokens := s.login()
	renewed := s.token(renewal(tokens.Refresh))
	require.Equal(t, "400 invalid_grant: the refresh_token was used before", s.token(renewal(tokens.Refresh)).reason())
	require.True(t, s.works(renewed.Access))
}

func TestUnrotatedRefreshTokenExpiresAllTheSame(t *testing.T) {
	clock := newClock()
	s := start(t, emulator.Options{Now: clock.Now, RefreshTokenLifetime: time.Minute, Unknowns: emulator.Unknowns{Reuse: "none"}})
	tokens := s.login()
	clock.pass(time.Minute - 1)
	require.Equal(t, tokens.Refresh, s.token(renewal(tokens.Refresh)).Refresh)
	clock.pass(1)
	require.Equal(t, "400 invalid_grant: the refresh_token has expired: it lives 1m0s", s.token(renewal(tokens.Refresh)).reason())
}

func TestUnknownsThatCannotWork(t *testing.T) {
	for want, u := range map[string]emulator.Unknowns{
		`emulator: error shape "xml": want one of oauth, nestjs, nestjs-array, cma, html`:                                                                                    {ErrorShape: "xml"},
		`emulator: region names "none": want one of location, region, both, neither`:                                                                                         {RegionNames: "none"},
		`emulator: reuse "maybe": want one of revoke, refuse, grace, none`:                                                                                                   {Reuse: "maybe"},
		`emulator: reuse "grace" with a grace of 0s: grace wants a time, and nothing else does`:                                                                              {Reuse: "grace"},
		`emulator: reuse "revoke" with a grace of 1s: grace wants a time, and nothing else does`:                                                                             {ReuseGrace: emulator.Duration(time.Second)},
		`emulator: omit "access_token": want some of refresh_token, token_type, expires_in, location, region, organization_uid, user_uid, authorization_type, stack_api_key`: {Omit: []string{"access_token"}},
		`emulator: reuse "revoke" with a grace of -1s: grace wants a time, and nothing else does`:                                                                            {ReuseGrace: emulator.Duration(-time.Second)},
		`emulator: reuse "grace" with a grace of -1s: grace wants a time, and nothing else does`:                                                                             {Reuse: "grace", ReuseGrace: emulator.Duration(-time.Second)},
		`emulator: omit "id": want some of refresh_token, token_type, expires_in, location, region, organization_uid, user_uid, authorization_type, stack_api_key`:           {Omit: []string{"expires_in", "id"}},
		`emulator: omit "": want some of refresh_token, token_type, expires_in, location, region, organization_uid, user_uid, authorization_type, stack_api_key`:             {Omit: []string{"", "expires_in"}},
	} {
		_, err := emulator.New(emulator.Options{Unknowns: u})
		require.EqualError(t, err, want)
	}
	_, err := emulator.New(emulator.Options{RefreshTokenLifetime: -1})
	require.EqualError(t, err, "emulator: lifetimes: a refresh token's is negative")
}

func TestUnknownsAsJSON(t *testing.T) {
	var u emulator.Unknowns
	require.NoError(t, json.Unmarshal([]byte(`{"reuse":"grace","reuse_grace":"90s","omit":["expires_in"]}`), &u))
	require.Equal(t, emulator.Unknowns{Reuse: "grace", ReuseGrace: emulator.Duration(90 * time.Second), Omit: []string{"expires_in"}}, u)
	data, err := json.Marshal(u)
	require.NoError(t, err)
	require.JSONEq(t, `{"reuse":"grace","reuse_grace":"1m30s","omit":["expires_in"]}`, string(data))
	require.Error(t, json.Unmarshal([]byte(`{"reuse_grace":"soon"}`), &u))
}
