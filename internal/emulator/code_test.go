package emulator_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/emulator"
)

const usedCode = "400 invalid_grant: the code was used before, so its tokens are revoked (RFC 6749, 4.1.2)"

func TestCodeLivesSixtySeconds(t *testing.T) {
	for name, row := range map[string]struct {
		lifetime time.Duration
		age      time.Duration
		want     string
	}{
		"at once":                 {0, 0, ""},
		"a millisecond before":    {0, 59*time.Second + 999*time.Millisecond, ""},
		"at 60 s":                 {0, time.Minute, "400 invalid_grant: the code has expired: it lives 1m0s"},
		"a lifetime of one's own": {time.Second, time.Second - 1, ""},
		"and its end":             {time.Second, time.Second, "400 invalid_grant: the code has expired: it lives 1s"},
	} {
		t.Run(name, func(t *testing.T) {
			now := newClock()
			s := start(t, emulator.Options{Now: now.Now, CodeLifetime: row.lifetime})
			code := s.code()
			now.pass(row.age)
			require.Equal(t, row.want, s.token(redemption(code)).reason())
			require.Equal(t, usedCode, s.token(redemption(code)).reason(), "that was its one try")
		})
	}
}

func TestSecondUseOfACodeRevokesItsTokens(t *testing.T) {
	s := start(t, emulator.Options{})
	another := s.login()
	code := s.code()
	first := s.token(redemption(code))
	renewed := s.token(renewal(first.Refresh))
	require.True(t, s.works(renewed.Access))

	require.Equal(t, usedCode, s.token(redemption(code, url.Values{"code_verifier": nil})).reason(), "however wrong it is otherwise")
	require.False(t, s.works(renewed.Access))
	require.Equal(t, "400 invalid_grant: the refresh_token was revoked with its login", s.token(renewal(renewed.Refresh)).reason())
	require.True(t, s.works(another.Access), "another login of the same user lives on")
}

func TestWrongTrySpendsTheCode(t *testing.T) {
	s := start(t, emulator.Options{})
	for name, row := range map[string]struct {
		change url.Values
		want   string
		spent  bool
	}{
		"another redirect URI": {url.Values{"redirect_uri": {otherURI}}, "400 invalid_grant: redirect_uri is not the one of the authorize URL", true},
		"no redirect URI":      {url.Values{"redirect_uri": nil}, "400 invalid_grant: redirect_uri is not the one of the authorize URL", true},
		"no verifier":          {url.Values{"code_verifier": nil}, "400 invalid_request: code_verifier is missing: the authorize URL had a code_challenge", true},
		// Another client must not be able to spend the code.
		"another client":    {url.Values{"client_id": {"client3"}}, "400 invalid_grant: the code was not issued to this client", false},
		"a wrong secret":    {url.Values{"client_secret": {"guess"}}, "401 invalid_client: client_secret is wrong", false},
		"an unknown client": {url.Values{"client_id": {"client0"}}, `401 invalid_client: client_id "client0" is not known`, false},
		"no client":         {url.Values{"client_id": nil}, `401 invalid_client: client_id "" is not known`, false},
		"no code":           {url.Values{"code": nil}, "400 invalid_request: code is missing", false},
		"a wrong code":      {url.Values{"code": {"guess"}}, "400 invalid_grant: the code was not issued to this client", false},
		"another grant":     {url.Values{"grant_type": {"password"}}, `400 unsupported_grant_type: grant_type is "password", want authorization_code or refresh_token`, false},
		"no grant":          {url.Values{"grant_type": nil}, `400 unsupported_grant_type: grant_type is "", want authorization_code or refresh_token`, false},
		"a machine's":       {url.Values{"grant_type": {"client_credentials"}}, `400 unsupported_grant_type: grant_type is "client_credentials", want authorization_code or refresh_token`, false},
	} {
		t.Run(name, func(t *testing.T) {
			code := s.code()
			require.Equal(t, row.want, s.token(redemption(code, row.change)).reason())
			next := ""
			if row.spent {
				next = usedCode
			}
			require.Equal(t, next, s.token(redemption(code)).reason())
		})
	}
}

func TestSecondConsentEndsTheFirstCode(t *testing.T) {
	app3 := url.Values{"client_id": {"client3"}}
	for name, row := range map[string]struct {
		visitor emulator.Visitor
		app     string
		change  url.Values
		dead    bool
	}{
		"same app and user":    {emulator.Visitor{}, "app1", nil, true},
		"another organization": {emulator.Visitor{OrganizationUID: shop}, "app1", nil, true},
		"another redirect URI": {emulator.Visitor{}, "app1", url.Values{"redirect_uri": {otherURI}}, true},
		"another user":         {emulator.Visitor{UserUID: alan}, "app1", nil, false},
		"another app":          {emulator.Visitor{}, "app3", app3, false},
		"denied":               {emulator.Visitor{Deny: true}, "app1", nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, emulator.Options{})
			first := s.code()
			s.visit(row.visitor, s.byPath(row.app, authorization(row.change))).callback(t)
			want := ""
			if row.dead {
				want = "400 invalid_grant: a later consent of the same user to the same app replaced this code"
			}
			require.Equal(t, want, s.token(redemption(first)).reason())
		})
	}
}

func TestLaterConsentLeavesEarlierTokensAlone(t *testing.T) {
	s := start(t, emulator.Options{})
	first := s.login()
	second := s.login()
	require.True(t, s.works(first.Access))
	require.True(t, s.works(second.Access))
	require.Empty(t, s.token(renewal(first.Refresh)).reason())
}
