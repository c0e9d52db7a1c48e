package clilogin_test

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/zalando/go-keyring"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/clilogin"
	"github.com/contentstack/csoauth/csoauthtest"
)

// TestDoubt: once an API and the token endpoint have said that the login is over, the next Open
// asks before it believes in the access token.
func TestDoubt(t *testing.T) {
	m := newMachine(t, nil)
	m.email()
	m.setValue("doubt", []byte("?"))
	m.config.HTTPClient = &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) { return nil, errors.New("no route") })}
	require.NotErrorIs(t, m.refused(), csoauth.ErrLoginRequired, "nobody knows")
	require.Contains(t, m.values(), "doubt")
	m.config.HTTPClient = nil
	m.email()
	require.NotContains(t, m.values(), "doubt", "the login works")
	require.Equal(t, 1, int(m.opened.Load()))

	m.server.Revoke(nil)
	require.ErrorIs(t, m.refused(), csoauth.ErrLoginRequired)
	require.Contains(t, m.values(), "doubt")
	m.o.NoLogin = true
	err := m.refused()
	require.ErrorIs(t, err, csoauth.ErrLoginRequired)
	status, err := m.session().Status(t.Context())
	require.NoError(t, err)
	require.Equal(t, clilogin.StateOver, status.State)
	m.o.NoLogin = false
	m.email()
	require.NotContains(t, m.values(), "doubt")
	require.Equal(t, 2, int(m.opened.Load()))
}

// TestForgetDuringARefresh by another program: the response must not bring the login back.
func TestForgetDuringARefresh(t *testing.T) {
	m := newMachine(t, nil)
	s, other := m.session(), m.session()
	m.server.FailNext(csoauthtest.Fault{Slow: time.Millisecond})
	token, err := s.Tokens().Token(t.Context())
	require.NoError(t, err)
	var refresh sync.WaitGroup
	refresh.Go(func() { _ = s.Tokens().Invalidate(t.Context(), token.AccessToken) })
	require.Eventually(t, func() bool {
		requests := m.server.Requests()
		return requests[len(requests)-1].Params["grant_type"] == "refresh_token"
	}, time.Minute, time.Millisecond)
	require.NoError(t, other.Forget(t.Context()))
	refresh.Wait()
	require.Empty(t, m.values())
	m.o.NoLogin = true
	require.ErrorIs(t, m.refused(), csoauth.ErrLoginRequired)
}

// TestSessionsNoticeEachOther: a login that another program made is used without a restart.
func TestSessionsNoticeEachOther(t *testing.T) {
	m := newMachine(t, nil)
	m.o.NoLogin = true
	s := m.session()
	_, err := s.API().User(t.Context())
	require.ErrorIs(t, err, csoauth.ErrLoginRequired)
	m.o.NoLogin = false
	m.email()
	user, err := s.API().User(t.Context())
	require.NoError(t, err)
	require.Equal(t, ada, user.UID)
	require.Equal(t, 1, int(m.opened.Load()))
}

func TestWhatIsPrinted(t *testing.T) {
	m := newMachine(t, nil)
	s := m.session()
	token, err := s.Tokens().Token(t.Context())
	require.NoError(t, err)
	text := fmt.Sprintf("%v %+v %#v %s", s, *s, s, m.o)
	assert.NotContains(t, text, token.AccessToken)
	assert.Contains(t, text, `clilogin.Options{Program:"mytool"`)
	assert.Contains(t, fmt.Sprint(clilogin.Options{}), "Loopback:<nil>")

	keyring.MockInit()
	m.o.NoLogin = true
	_, err = m.session().Tokens().Token(t.Context())
	require.ErrorContains(t, err, "the keyring here does not have the key of the login", "the Manager's error has it, too")
}
