package clilogin_test

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/zalando/go-keyring"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/clilogin"
	"github.com/contentstack/csoauth/csoauthtest"
	"github.com/contentstack/csoauth/internal/turn"
	"github.com/contentstack/csoauth/tokens"
)

// of returns the machine's options for another profile.
func (m *machine) of(profile string) *clilogin.Options {
	o := m.o
	o.Profile = profile
	return &o
}

// logIn logs a visitor in to a profile.
func (m *machine) logIn(profile string, visitor csoauthtest.Visitor) {
	m.t.Helper()
	m.visitor = visitor
	s, err := clilogin.Open(m.t.Context(), m.config, m.of(profile))
	require.NoError(m.t, err)
	require.NoError(m.t, s.Close())
}

// names returns those of profiles, and marks those that have a login.
func names(profiles []clilogin.Profile) (all []string) {
	for _, p := range profiles {
		name := p.Name
		if p.UserUID != "" {
			name += " " + p.UserName
		}
		if p.Err != nil {
			name += " damaged"
		}
		all = append(all, name)
	}
	return all
}

func TestProfiles(t *testing.T) {
	m := newMachine(t, nil)
	none, err := clilogin.Profiles(t.Context(), &m.o)
	require.NoError(t, err)
	require.Empty(t, none)
	m.logIn("work", csoauthtest.Visitor{UserUID: alan})
	m.logIn("default", csoauthtest.Visitor{})
	m.logIn("broken", csoauthtest.Visitor{})
	broken := tokens.Dir(filepath.Join(m.o.Dir, "broken"))
	before, err := broken.Load(t.Context(), "login")
	require.NoError(t, err)
	require.NoError(t, broken.CompareAndSwap(t.Context(), "login", before, []byte("rubbish")))
	require.NoError(t, os.Mkdir(filepath.Join(m.o.Dir, "no name"), 0o700))
	require.NoError(t, os.Mkdir(filepath.Join(m.o.Dir, "new"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(m.o.Dir, "file"), nil, 0o600))

	keyring.MockInitWithError(os.ErrPermission) // no key is asked for
	all, err := clilogin.Profiles(t.Context(), &m.o)
	require.NoError(t, err)
	require.Equal(t, []string{"broken damaged", "default Ada Lovelace", "new", "work Alan Turing"}, names(all))
	require.Equal(t, m.profileDir(), all[1].Dir)
	require.ErrorContains(t, all[0].Err, "is damaged")

	_, err = clilogin.Profiles(t.Context(), &clilogin.Options{Dir: "relative"})
	require.ErrorContains(t, err, "is relative")
	_, err = clilogin.Profiles(t.Context(), &clilogin.Options{Dir: filepath.Join(m.o.Dir, "file")})
	require.Error(t, err)
}

// TestLogoutEndsTheSiblings: Contentstack knows one grant of a user, app and organization, whatever
// the profiles are.
func TestLogoutEndsTheSiblings(t *testing.T) {
	m := newMachine(t, nil)
	for _, profile := range []string{"default", "sibling", "changed", "busy"} {
		m.logIn(profile, csoauthtest.Visitor{UserUID: ada, OrganizationUID: press})
	}
	m.logIn("shop", csoauthtest.Visitor{UserUID: ada, OrganizationUID: shop})
	m.logIn("alan", csoauthtest.Visitor{UserUID: alan, OrganizationUID: press})
	s := m.session()
	siblings, err := s.Siblings(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"busy Ada Lovelace", "changed Ada Lovelace", "sibling Ada Lovelace"}, names(siblings))

	busy, err := clilogin.Open(t.Context(), m.config, m.of("busy"))
	require.NoError(t, err)
	leave, ok, err := turn.New(filepath.Join(m.o.Dir, "busy"), "login.lock").Try(turn.Holder{})
	require.NoError(t, err)
	require.True(t, ok)
	require.NoError(t, s.Logout(t.Context()))
	leave()
	all, err := clilogin.Profiles(t.Context(), &m.o)
	require.NoError(t, err)
	require.Equal(t, []string{"alan Alan Turing", "busy Ada Lovelace", "changed", "default", "shop Ada Lovelace", "sibling"}, names(all))
	_, err = busy.API().User(t.Context())
	require.ErrorIs(t, err, csoauth.ErrLoginRequired, "it is over, and says so")
	require.NoError(t, busy.Close())

	siblings, err = s.Siblings(t.Context())
	require.NoError(t, err)
	require.Empty(t, siblings, "of no login")
}

// TestForgetIsForOneProfile: the others go on.
func TestForgetIsForOneProfile(t *testing.T) {
	m := newMachine(t, nil)
	m.logIn("other", csoauthtest.Visitor{})
	s := m.session()
	require.NoError(t, s.Forget(t.Context()))
	other, err := clilogin.Open(t.Context(), m.config, m.of("other"))
	require.NoError(t, err)
	user, err := other.API().User(t.Context())
	require.NoError(t, err)
	require.Equal(t, ada, user.UID)
	require.NoError(t, other.Close())
}

func TestProfileDir(t *testing.T) {
	m := newMachine(t, nil)
	path, err := m.o.ProfileDir(t.Context())
	require.NoError(t, err)
	require.Equal(t, m.profileDir(), path)
	_, err = m.of("../x").ProfileDir(t.Context())
	require.ErrorContains(t, err, `clilogin: Options.Profile: "../x" may have only letters, digits and - _`)

	base := t.TempDir()
	for _, name := range []string{"HOME", "XDG_CONFIG_HOME", "LocalAppData"} {
		t.Setenv(name, base)
	}
	m.o.Dir, m.o.Program = "", "older"
	m.logIn("default", csoauthtest.Visitor{})
	m.o.Program, m.o.FormerPrograms = "newer", []string{"older"}
	path, err = m.o.ProfileDir(t.Context())
	require.NoError(t, err)
	require.Equal(t, filepath.Join("older", "default"), strings.TrimPrefix(path, filepath.Dir(filepath.Dir(path))+string(filepath.Separator)))
	all, err := clilogin.Profiles(t.Context(), &m.o)
	require.NoError(t, err)
	require.Equal(t, []string{"default Ada Lovelace"}, names(all))
}

// TestLoginIsOfItsServer: another one does not get its token.
//
// Law: R5
func TestLoginIsOfItsServer(t *testing.T) {
	m := newMachine(t, nil)
	m.email()
	first := m.server
	m.server = csoauthtest.NewServer(t, nil)
	m.config = m.server.Config(m.config.RedirectURI)
	m.o.NoLogin = true
	err := m.refused()
	require.ErrorIs(t, err, csoauth.ErrLoginRequired)
	require.ErrorContains(t, err, "the login here is of the server "+strconv.Quote(first.URL)+", and not of "+m.server.URL)
	require.Error(t, m.session().Logout(t.Context()))
	require.Empty(t, m.server.Requests())
}

// TestRejectedToken is replaced once, in whatever process, and its successor not before a minute.
func TestRejectedToken(t *testing.T) {
	m := newMachine(t, nil)
	first, err := m.session().Token(t.Context())
	require.NoError(t, err)
	var second *csoauth.Token
	for range 3 { // programs that got the same token
		s := m.session()
		require.NoError(t, s.Invalidate(t.Context(), first.AccessToken))
		token, err := s.Token(t.Context())
		require.NoError(t, err)
		require.NotEqual(t, first.AccessToken, token.AccessToken)
		if second != nil {
			require.Equal(t, second.AccessToken, token.AccessToken)
		}
		second = token
	}
	err = m.session().Invalidate(t.Context(), second.AccessToken)
	require.ErrorContains(t, err, "replaced another rejected token")
	require.NotErrorIs(t, err, csoauth.ErrLoginRequired)

	m.setValue("forced", []byte(strings.Replace(string(m.value("forced")), time.Now().Format("2006"), "2020", 1)))
	s := m.session()
	require.NoError(t, s.Invalidate(t.Context(), second.AccessToken), "a minute later")
	third, err := s.Token(t.Context())
	require.NoError(t, err)
	require.NotEqual(t, second.AccessToken, third.AccessToken)

	m.server.Revoke(nil)
	m.setValue("forced", []byte("rubbish"))
	s = m.session()
	require.ErrorIs(t, s.Invalidate(t.Context(), third.AccessToken), csoauth.ErrLoginRequired)
	require.Contains(t, m.values(), "doubt")
	require.NoError(t, s.Forget(t.Context()))
	require.ErrorIs(t, s.Invalidate(t.Context(), third.AccessToken), csoauth.ErrLoginRequired)
}

func TestRejectedTokenWithoutAnother(t *testing.T) {
	m := newMachine(t, nil)
	s := m.session()
	token, err := s.Token(t.Context())
	require.NoError(t, err)
	m.server.FailNext(csoauthtest.Fault{Status: 500}, csoauthtest.Fault{Status: 500})
	err = s.Invalidate(t.Context(), token.AccessToken)
	require.ErrorContains(t, err, "clilogin: there is no other token to replace the rejected one: ")
	require.ErrorContains(t, err, "500")
	require.NotErrorIs(t, err, csoauth.ErrLoginRequired)
}

// age has the login's access token be older than it is.
func (m *machine) age(by time.Duration) {
	m.t.Helper()
	text, err := keyring.Get(m.state().Key.Service, m.state().Key.User)
	require.NoError(m.t, err)
	key, err := hex.DecodeString(text)
	require.NoError(m.t, err)
	sealed, err := tokens.Sealed(tokens.Dir(m.profileDir()), key)
	require.NoError(m.t, err)
	name := "token " + m.state().Slot
	record, err := sealed.Load(m.t.Context(), name)
	require.NoError(m.t, err)
	var members, token map[string]any
	require.NoError(m.t, json.Unmarshal(record, &members))
	token = members["token"].(map[string]any)
	expiry, err := time.Parse(time.RFC3339Nano, token["expiry"].(string))
	require.NoError(m.t, err)
	token["expiry"] = expiry.Add(-by)
	older, err := json.Marshal(members)
	require.NoError(m.t, err)
	require.NoError(m.t, sealed.CompareAndSwap(m.t.Context(), name, record, older))
}

// TestMinValid: a token that ends too soon is replaced before anyone gets it, and serves if no
// other can be had.
func TestMinValid(t *testing.T) {
	m := newMachine(t, nil)
	m.email()
	first, err := m.session().Token(t.Context())
	require.NoError(t, err)
	m.age(45 * time.Minute)
	m.o.MinValid = 14 * time.Minute
	token, err := m.session().Token(t.Context())
	require.NoError(t, err)
	require.Equal(t, first.AccessToken, token.AccessToken)

	m.o.MinValid = 16 * time.Minute
	m.server.FailNext(csoauthtest.Fault{Status: 500})
	token, err = m.session().Token(t.Context())
	require.NoError(t, err)
	require.Equal(t, first.AccessToken, token.AccessToken)

	token, err = m.session().Token(t.Context())
	require.NoError(t, err)
	require.NotEqual(t, first.AccessToken, token.AccessToken)

	m.o.MinValid = -1
	_, err = clilogin.Open(t.Context(), m.config, &m.o)
	require.ErrorContains(t, err, "Options.MinValid: -1ns is negative")
}
