package emulator_test

import (
	"bytes"
	"strings"
	"testing"

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
	revoked, replayed := s.login(), s.login()
	spent := replayed.Refresh
	replayed = s.token(renewal(spent))
	require.True(t, s.Revoke(revoked.Access))
	s.token(redemption(s.code())) // consents again

	next := s.restarted(emulator.Options{})
	require.True(t, next.works(replayed.Access))
	require.False(t, next.works(revoked.Access))
	require.Equal(t, "400 invalid_grant: this login was revoked", next.token(renewal(revoked.Refresh)).reason())
	renewed := next.token(renewal(replayed.Refresh))
	require.Empty(t, renewed.reason())
	require.False(t, next.works(replayed.Access), "the access token before it dies, across the restart too")

	last := next.restarted(emulator.Options{})
	require.Equal(t, reused, last.token(renewal(spent)).reason(), "what was spent stays spent")
	require.Equal(t, "400 invalid_grant: this login was revoked", last.token(renewal(renewed.Refresh)).reason())
	back := last.do(last.client, last.request("GET", last.byPath("app1", authorization()), "")).callback(t)
	require.NotEmpty(t, back.Get("code"), "consent was remembered")
}

func TestStateOfAppsThatAreGone(t *testing.T) {
	s := start(t, emulator.Options{})
	tokens := s.login()
	next := s.restarted(emulator.Options{Apps: testApps()[2:]})
	require.False(t, next.works(tokens.Access))
}

func TestStateThatCannotBeRead(t *testing.T) {
	s := start(t, emulator.Options{})
	tokens := s.login()
	for file, want := range map[string]string{
		"":                             "state: EOF",
		"{}":                           "state: version 0: want 1",
		`{"version":2}`:                "state: version 2: want 1",
		`{"version":1,"logins":[{}]}`:  "state: login 1 has no current access token",
		`{"version":1,"consents":"x"}`: "state: json: cannot unmarshal string into Go struct field savedState.consents of type []emulator.savedConsent",
	} {
		require.EqualError(t, s.Load(strings.NewReader(file)), want)
	}
	require.True(t, s.works(tokens.Access), "a state that cannot be read replaces nothing")
}
