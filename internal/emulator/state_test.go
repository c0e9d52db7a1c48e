package emulator_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/emulator"
)

// restarted is another emulator with what this one saved.
func (s *site) restarted(o emulator.Options) *site {
	var saved bytes.Buffer
	require.NoError(s.t, s.Save(&saved))
	next := start(s.t, o)
	require.NoError(s.t, next.Load(&saved))
	return next
}

func TestStateOutlivesARestart(t *testing.T) {
	s := start(t, emulator.Options{})
	revoked, replayed := s.loginOf(alan), s.login()
	spent := replayed.Refresh
	replayed = s.token(renewal(spent))
	require.True(t, s.Revoke(revoked.Access))
	s.token(redemption(s.code())) // consents again

	next := s.restarted(emulator.Options{})
	require.True(t, next.works(replayed.Access))
	require.False(t, next.works(revoked.Access))
	require.Equal(t, "400 invalid_grant: the refresh_token was revoked with its login", next.token(renewal(revoked.Refresh)).reason())
	renewed := next.token(renewal(replayed.Refresh))
	require.Empty(t, renewed.reason())
	require.False(t, next.works(replayed.Access), "the access token before it dies, across the restart too")

	last := next.restarted(emulator.Options{})
	require.Equal(t, reused, last.token(renewal(spent)).reason(), "what was spent stays spent")
	require.Equal(t, "400 invalid_grant: the refresh_token was revoked with its login", last.token(renewal(renewed.Refresh)).reason())
	back := last.do(last.client, last.request("GET", last.byPath("app1", authorization()), "")).callback(t)
	require.NotEmpty(t, back.Get("code"), "consent was remembered")
}

// TestAuthorizationsOutliveARestart: they are listed and can be ended.
func TestAuthorizationsOutliveARestart(t *testing.T) {
	s := start(t, emulator.Realistic())
	alans := s.loginOf(alan)
	uid := s.list(ofApp1, alans.Access).Data[0].UID
	next := s.restarted(emulator.Realistic())
	require.Equal(t, uid, next.list(ofApp1, alans.Access).Data[0].UID)
	require.Equal(t, http.StatusOK, next.ask(http.MethodDelete, ofApp1+"/"+uid, alans.Access, press).status)
	require.False(t, next.works(alans.Access))
	again := next.restarted(emulator.Realistic())
	require.False(t, again.works(alans.Access), "what was ended stays so")
}

func TestStateOfAppsAndUsersThatAreGone(t *testing.T) {
	s := start(t, emulator.Options{})
	adas := s.login()
	alans := s.token(redemption(s.visit(emulator.Visitor{UserUID: alan}, s.byPath("app1", authorization())).callback(t).Get("code")))
	for name, row := range map[string]struct {
		next      emulator.Options
		ada, alan bool // whose token works
	}{
		"nothing is gone": {emulator.Options{}, true, true},
		"the app":         {emulator.Options{Apps: testApps()[2:]}, false, false},
		"another app":     {emulator.Options{Apps: testApps()[:1]}, true, true},
		"the first user":  {emulator.Options{Users: emulator.DefaultUsers()[1:]}, false, true},
		"the second user": {emulator.Options{Users: emulator.DefaultUsers()[:1]}, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			next := s.restarted(row.next)
			require.Equal(t, row.ada, next.works(adas.Access))
			require.Equal(t, row.alan, next.works(alans.Access))
		})
	}
}

func TestTermsOfALoginOutliveARestart(t *testing.T) {
	clock, withSecret := newClock(), url.Values{"client_secret": {secret}}
	o := emulator.Options{
		Now: clock.Now, RefreshTokenLifetime: time.Hour, AccessTokenLifetime: time.Minute,
		Unknowns: emulator.Unknowns{Reuse: "grace", ReuseGrace: emulator.Duration(time.Second)},
	}
	s := start(t, o)
	share := s.token(redemption(s.code(url.Values{"scope": {"cm.stack:share"}})))
	proven := s.token(redemption(s.code(), withSecret))
	spent := s.login()
	s.token(renewal(spent.Refresh))
	s.token(redemption(s.visit(emulator.Visitor{OrganizationUID: shop}, s.byPath("app1", authorization())).callback(t).Get("code")))

	clock.pass(time.Second)
	next := s.restarted(o)
	require.Equal(t, http.StatusForbidden, next.user("Bearer "+share.Access).status, "the scopes")
	require.Equal(t, "400 invalid_request: redirect_uri is not the one of the login",
		next.token(renewal(share.Refresh, url.Values{"redirect_uri": {otherURI}})).reason())
	require.Equal(t, "401 invalid_client: client_secret was sent for the token, so it must be sent for its refresh",
		next.token(renewal(proven.Refresh)).reason())
	require.Empty(t, next.token(renewal(spent.Refresh)).reason(), "the grace has not ended")
	require.Equal(t, press, next.last().Answer["organization_uid"])
	next.do(next.client, next.request("GET", next.byPath("app1", authorization()), "")).callback(t)
	require.Equal(t, "Ada Lovelace allowed it before for Emulated Shop; a code was issued", next.last().Decision)

	clock.pass(1)
	require.Equal(t, reused, s.restarted(o).token(renewal(spent.Refresh)).reason(), "the grace has ended")
	clock.pass(time.Minute - time.Second - 2)
	require.True(t, s.restarted(o).works(proven.Access))
	clock.pass(1)
	require.False(t, s.restarted(o).works(proven.Access), "it lives as long as it was said at first")
	clock.pass(time.Hour - time.Minute)
	require.Equal(t, "400 invalid_grant: the refresh_token has expired: it lives 1h0m0s", s.restarted(o).token(renewal(proven.Refresh, withSecret)).reason())
}

func TestSavedConsentHoldsEachScopeOnce(t *testing.T) {
	s := start(t, emulator.Options{})
	for _, scope := range []string{"user:read", "cm.stack:share user:read", "cm.stack:share"} {
		s.code(url.Values{"scope": {scope}})
	}
	var saved bytes.Buffer
	require.NoError(t, s.Save(&saved))
	var state struct{ Authorizations []struct{ Scopes []string } }
	require.NoError(t, json.Unmarshal(saved.Bytes(), &state))
	require.Len(t, state.Authorizations, 1)
	require.Equal(t, []string{"cm.stack:share", "user:read"}, state.Authorizations[0].Scopes)
}

func TestStateThatCannotBeRead(t *testing.T) {
	s := start(t, emulator.Options{})
	tokens := s.login()
	for file, want := range map[string]string{
		"":                            "state: EOF",
		"{}":                          "state: version 0, want 2: delete the file, and log in again",
		`{"version":1}`:               "state: version 1, want 2: delete the file, and log in again",
		`{"version":3}`:               "state: version 3, want 2: delete the file, and log in again",
		`{"version":2,"logins":[{}]}`: "state: login 1 has no current access token",
		`{"version":2,"logins":[{"current":"a"},{}]}`: "state: login 2 has no current access token",
		`{"version":2,"authorizations":"x"}`:          "state: json: cannot unmarshal string into Go struct field savedState.authorizations of type []emulator.savedAuthorization",
	} {
		require.EqualError(t, s.Load(strings.NewReader(file)), want)
	}
	require.True(t, s.works(tokens.Access), "a state that cannot be read replaces nothing")
}
