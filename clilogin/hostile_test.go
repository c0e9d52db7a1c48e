package clilogin_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
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

// TestProgramsThatStartTogetherOnAnEndedLogin: what the first learns of the old login is no news to
// those that waited for the new one.
func TestProgramsThatStartTogetherOnAnEndedLogin(t *testing.T) {
	m := newMachine(t, nil)
	m.email()
	m.server.Revoke(nil)
	require.ErrorIs(t, m.refused(), csoauth.ErrLoginRequired)
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			s, err := clilogin.Open(t.Context(), m.config, &m.o)
			if !assert.NoError(t, err) {
				return
			}
			_, err = s.API().User(t.Context())
			assert.NoError(t, err)
			assert.NoError(t, s.Close())
		})
	}
	all.Wait()
	require.Equal(t, 2, int(m.opened.Load()))
}

// TestForgetWaitsForALogin that was begun: it would take the key of the old one.
func TestForgetWaitsForALogin(t *testing.T) {
	m := newMachine(t, nil)
	s, other := m.session(), m.session()
	forgotten := make(chan error)
	m.away.Store(true)
	done := make(chan error)
	go func() { done <- s.Login(t.Context(), nil) }()
	require.Eventually(t, func() bool { return m.opened.Load() == 2 }, time.Minute, time.Millisecond)
	go func() { forgotten <- other.Forget(t.Context()) }()
	require.Eventually(t, func() bool { return m.out.has(`Waiting for "mytool", profile "default" (process `) }, time.Minute, time.Millisecond)
	require.Equal(t, "a", m.state().Slot, "the login stays until then")
	address := lastAddress(m.out.String())
	resp, err := m.server.Browser().Get(address)
	require.NoError(t, err)
	resp.Body.Close()
	require.NoError(t, <-done)
	require.NoError(t, <-forgotten)
	require.Empty(t, m.values())
	m.away.Store(false)
	m.email()
	m.email()
	require.Equal(t, 3, int(m.opened.Load()))
}

// lastAddress returns the last authorize URL on a screen.
func lastAddress(screen string) string {
	i := strings.LastIndex(screen, "\n\n  http")
	address, _, _ := strings.Cut(screen[i+4:], "\n")
	return address
}

// TestWhatFilesSayIsForATerminal: a directory may be a copy from anywhere.
func TestWhatFilesSayIsForATerminal(t *testing.T) {
	const escape = "\x1b[2J"
	m := newMachine(t, nil)
	s := m.session()
	text := m.value("login")
	var state map[string]any
	require.NoError(t, json.Unmarshal(text, &state))
	state["host"] = "h" + escape
	state["user"] = map[string]string{"uid": "u" + escape, "name": "n" + escape, "email": "e" + escape}
	changed, err := json.Marshal(state)
	require.NoError(t, err)
	m.setValue("login", changed)
	err = s.Login(t.Context(), nil)
	require.ErrorIs(t, err, clilogin.ErrAnotherUser)
	require.NotContains(t, err.Error(), "\x1b")
	status, err := s.Status(t.Context())
	require.NoError(t, err)
	for _, text := range []string{status.UserUID, status.UserName, status.Email, status.Host} {
		require.NotEmpty(t, text)
		require.NotContains(t, text, "\x1b")
	}

	require.NoError(t, s.Forget(t.Context()))
	m.setValue("attempt", []byte(`{"ended":"`+time.Now().Format(time.RFC3339)+`","why":"no\u001b[2J"}`))
	err = m.refused()
	require.ErrorContains(t, err, "not begun again")
	require.NotContains(t, err.Error(), "\x1b")
}

// TestProxyThatSpeaksToTheTerminal says so without its escapes.
func TestProxyThatSpeaksToTheTerminal(t *testing.T) {
	m := newMachine(t, nil)
	m.config.HTTPClient = &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
		return nil, errors.New("502 \x1b[2JBad")
	})}
	_, err := clilogin.Open(t.Context(), m.config, &m.o)
	require.ErrorContains(t, err, "cannot be reached")
	require.NotContains(t, err.Error(), "\x1b")
}

// TestTabsWithoutEnd: each way in which the next login would only open another page is quiet for a
// while.
func TestTabsWithoutEnd(t *testing.T) {
	for name, row := range map[string]struct {
		change func(m *machine)
		is     error
	}{
		"the attempt's own lifetime": {func(m *machine) {
			m.away.Store(true)
			m.o.Loopback.AuthOptions = &csoauth.AuthOptions{Lifetime: 50 * time.Millisecond}
		}, csoauth.ErrAttemptExpired},
		"another user": {func(m *machine) {
			m.email()
			m.setValue("token a", nil)
			m.visitor.UserUID = alan
		}, clilogin.ErrAnotherUser},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t, nil)
			row.change(m)
			before := m.opened.Load()
			_, err := clilogin.Open(t.Context(), m.config, &m.o)
			require.ErrorIs(t, err, row.is)
			for range 3 {
				require.ErrorIs(t, m.refused(), csoauth.ErrLoginRequired)
			}
			require.Equal(t, before+1, m.opened.Load())
		})
	}
}

// TestOrganizationOfTheOptions is part of what fits.
func TestOrganizationOfTheOptions(t *testing.T) {
	m := newMachine(t, nil)
	m.email()
	m.o.Loopback.AuthOptions = &csoauth.AuthOptions{OrganizationUID: shop}
	m.o.NoLogin = true
	require.ErrorContains(t, m.refused(), `the login here is for the organization "`+press+`", and not for "`+shop+`"`)
	m.o.NoLogin = false
	m.visitor.OrganizationUID = shop
	token := m.token()
	require.Equal(t, shop, token.OrganizationUID)
}

// TestLogoutOfALoginThatDoesNotFit works as long as Contentstack takes its token.
func TestLogoutOfALoginThatDoesNotFit(t *testing.T) {
	for name, change := range map[string]func(m *machine){
		"fewer scopes":         func(m *machine) { m.edit(`"scopes": null`, `"scopes": ["user:read"]`) },
		"another redirect URI": func(m *machine) { m.config = m.server.Config("http://" + freeAddress(m.t) + "/callback") },
		"a key file":           func(m *machine) { m.o.RequireKeyring = true },
		"another organization": func(m *machine) { m.o.Loopback.AuthOptions = &csoauth.AuthOptions{OrganizationUID: shop} },
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t, nil)
			if name == "a key file" {
				keyring.MockInitWithError(errors.New("none"))
			}
			token, config := m.token(), m.config
			change(m)
			m.o.NoLogin = true
			require.ErrorIs(t, m.refused(), csoauth.ErrLoginRequired)
			s := m.session()
			require.NoError(t, s.Logout(t.Context()))
			require.Empty(t, m.values())
			_, err := config.Refresh(t.Context(), token)
			require.ErrorIs(t, err, csoauth.ErrLoginRequired)
		})
	}
}

// TestForgetThatCannot says so.
func TestForgetThatCannot(t *testing.T) {
	for _, name := range []string{"token b", "key a", "attempt"} {
		m := newMachine(t, nil)
		s := m.session()
		undo := m.obstruct(name)
		require.ErrorContains(t, s.Forget(t.Context()), "clilogin: forget: ", name)
		undo()
		require.NoError(t, s.Forget(t.Context()))
	}
}

// TestClosedSession begins nothing.
func TestClosedSession(t *testing.T) {
	m := newMachine(t, nil)
	s, err := clilogin.Open(t.Context(), m.config, &m.o)
	require.NoError(t, err)
	require.NoError(t, s.Close())
	require.ErrorContains(t, s.Login(t.Context(), nil), "closed")
	require.ErrorContains(t, s.Forget(t.Context()), "closed")
	require.Equal(t, 1, int(m.opened.Load()))
	m.email()
}

// TestForgetInACopyLeavesTheOriginalsKey.
func TestForgetInACopyLeavesTheOriginalsKey(t *testing.T) {
	m := newMachine(t, nil)
	m.email()
	original, copied := m.o.Dir, filepath.Join(t.TempDir(), "copy")
	require.NoError(t, os.CopyFS(copied, os.DirFS(original)))
	m.o.Dir = copied
	require.NoError(t, m.session().Forget(t.Context()))
	m.o.Dir = original
	m.email()
	require.Equal(t, 1, int(m.opened.Load()))
}

// TestLinkInThePlaceOfANote of who is logging in is not followed.
func TestLinkInThePlaceOfANote(t *testing.T) {
	m := newMachine(t, nil)
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, []byte("mine"), 0o600))
	require.NoError(t, os.MkdirAll(m.profileDir(), 0o700))
	if err := os.Symlink(file, filepath.Join(m.profileDir(), "login.lock.holder")); err != nil {
		return // not for everyone on Windows
	}
	m.email()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, "mine", string(text))
}

// TestProgramThatWasRenamed over an explicit directory: the directory says which entry of the
// keyring it is.
func TestProgramThatWasRenamed(t *testing.T) {
	m := newMachine(t, nil)
	m.email()
	one := m.state().Key
	m.o.Program = "other"
	require.Equal(t, "ada@example.com", m.email())
	require.Equal(t, one, m.state().Key)
	_, err := keyring.Get(one.Service, one.User)
	require.NoError(t, err)
}

// TestTokenThatIsTooLargeToKeep is an error, and the old login stays.
func TestTokenThatIsTooLargeToKeep(t *testing.T) {
	m := newMachine(t, nil)
	s := m.session()
	before := m.state()
	m.server.FailNext(csoauthtest.Fault{Status: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: `{"access_token":"` +
		strings.Repeat("x", 70<<10) + `","refresh_token":"r","expires_in":3600,"user_uid":"` + ada + `","organization_uid":"` + press + `"}`})
	require.ErrorContains(t, s.Login(t.Context(), nil), "the login could not be stored")
	require.Equal(t, before, m.state())
	m.email()
	require.Equal(t, 2, int(m.opened.Load()))
}

// TestOpenEndsWithItsContext, whatever it waits for.
func TestOpenEndsWithItsContext(t *testing.T) {
	m := newMachine(t, &csoauthtest.Options{AccessTokenLifetime: time.Second})
	s, err := clilogin.Open(t.Context(), m.config, &m.o)
	require.NoError(t, err)
	require.NoError(t, s.Close())
	time.Sleep(time.Second) // the token has ended
	asked, answer := make(chan bool), make(chan bool)
	m.config.HTTPClient = &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
		close(asked)
		<-answer
		return nil, errors.New("no route")
	})}
	ctx, cancel := context.WithCancel(t.Context())
	opened := make(chan *clilogin.Session)
	go func() {
		s, err := clilogin.Open(ctx, m.config, &m.o)
		assert.NoError(t, err)
		opened <- s
	}()
	<-asked
	cancel()
	s = <-opened
	close(answer)
	require.NoError(t, s.Close())
	require.Equal(t, 1, int(m.opened.Load()))
}
