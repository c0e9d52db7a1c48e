package clilogin_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/clilogin"
	"github.com/contentstack/csoauth/csoauthtest"
)

func TestLoginIsRemembered(t *testing.T) {
	m := newMachine(t, nil)
	require.Equal(t, "ada@example.com", m.email())
	require.True(t, m.out.has("\nLogged in as Ada Lovelace (ada@example.com) in Emulated Press.\n"), m.out.String())
	require.Equal(t, "ada@example.com", m.email(), "remembered")
	m.server.Expire(nil)
	require.Equal(t, "ada@example.com", m.email(), "refreshed")
	require.Equal(t, "ada@example.com", m.email(), "the refreshed one is remembered")
	require.Equal(t, 1, int(m.opened.Load()))

	m.server.Revoke(nil)
	m.setValue("forced", nil) // as if a minute had passed
	err := m.refused()
	require.ErrorIs(t, err, csoauth.ErrLoginRequired, "its access token could not tell")
	require.ErrorContains(t, err, "log in with mytool", "it says what to do")
	require.Equal(t, "ada@example.com", m.email(), "another login")
	require.Equal(t, 2, int(m.opened.Load()))
}

// Law: R3
func TestWithoutAForegroundNoBrowserOpens(t *testing.T) {
	m := newMachine(t, nil)
	undo := clilogin.SetForeground(false)
	err := m.refused()
	require.ErrorIs(t, err, csoauth.ErrLoginRequired)
	require.ErrorContains(t, err, `nobody is logged in to mytool (profile "default"): log in with mytool at a terminal`)
	undo()
	m.o.NoLogin = true
	require.ErrorIs(t, m.refused(), csoauth.ErrLoginRequired)
	require.Zero(t, m.opened.Load())
	require.NoDirExists(t, m.o.Dir, "nothing is written")

	s := m.session()
	require.NoError(t, s.Login(t.Context(), nil), "one that is asked for")
	token, err := s.Tokens().Token(t.Context())
	require.NoError(t, err)
	require.Equal(t, ada, token.UserUID)
	require.Equal(t, "ada@example.com", m.email())
	require.Equal(t, 1, int(m.opened.Load()))
}

func TestLogoutAndForget(t *testing.T) {
	for name, end := range map[string]func(*testing.T, *clilogin.Session){
		"logout": func(t *testing.T, s *clilogin.Session) { require.NoError(t, s.Logout(t.Context())) },
		"forget": func(t *testing.T, s *clilogin.Session) { require.NoError(t, s.Forget(t.Context())) },
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t, nil)
			s := m.session()
			token, err := s.Tokens().Token(t.Context())
			require.NoError(t, err)
			end(t, s)
			_, err = s.API().User(t.Context())
			require.ErrorIs(t, err, csoauth.ErrLoginRequired, "at once")
			end(t, s)
			_, err = m.config.Refresh(t.Context(), token)
			require.Equal(t, name == "logout", err != nil, "%v", err)
			m.o.NoLogin = true
			require.ErrorIs(t, m.refused(), csoauth.ErrLoginRequired)
			m.o.NoLogin = false
			require.Equal(t, "ada@example.com", m.email())
		})
	}
}

// Law: R4
func TestAnotherUser(t *testing.T) {
	for name, row := range map[string]struct {
		visitor csoauthtest.Visitor
		named   string
	}{
		"another user":         {csoauthtest.Visitor{UserUID: alan, OrganizationUID: press}, "Alan Turing (alan@example.com) in Emulated Press"},
		"another organization": {csoauthtest.Visitor{UserUID: ada, OrganizationUID: shop}, "Ada Lovelace (ada@example.com) in Emulated Shop"},
	} {
		t.Run(name, func(t *testing.T) {
			visitor := row.visitor
			m := newMachine(t, nil)
			s := m.session()
			m.visitor = visitor
			err := s.Login(t.Context(), nil)
			require.ErrorIs(t, err, clilogin.ErrAnotherUser)
			require.ErrorContains(t, err, "the browser logged in "+row.named+", but the login here is of Ada Lovelace (ada@example.com) in Emulated Press, and it stays:")
			token, err := s.Tokens().Token(t.Context())
			require.NoError(t, err)
			require.Equal(t, [2]string{ada, press}, [2]string{token.UserUID, token.OrganizationUID}, "it stays")

			m.o.Switch = true
			other := m.session()
			require.NoError(t, other.Login(t.Context(), nil))
			token, err = other.Tokens().Token(t.Context())
			require.NoError(t, err)
			require.Equal(t, [2]string{visitor.UserUID, visitor.OrganizationUID}, [2]string{token.UserUID, token.OrganizationUID})
		})
	}
}

// TestLogoutThatCannotRemoveTheLogin revokes nothing: it would be over, and still be here.
func TestLogoutThatCannotRemoveTheLogin(t *testing.T) {
	m := newMachine(t, nil)
	s := m.session()
	undo := m.obstruct("doubt")
	require.ErrorContains(t, s.Logout(t.Context()), "nothing was done, because the login cannot be removed here")
	m.email()
	undo()
	require.NoError(t, s.Logout(t.Context()))
	require.Empty(t, m.values())
}
