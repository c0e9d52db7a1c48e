package clilogin_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/zalando/go-keyring"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/clilogin"
	"github.com/contentstack/csoauth/tokens"
)

// A value is one of the profile's directory.
func (m *machine) value(name string) []byte {
	m.t.Helper()
	value, err := tokens.Dir(m.profileDir()).Load(m.t.Context(), name)
	if errors.Is(err, tokens.ErrNotFound) {
		return nil
	}
	require.NoError(m.t, err)
	return value
}

func (m *machine) setValue(name string, value []byte) {
	m.t.Helper()
	require.NoError(m.t, tokens.Dir(m.profileDir()).CompareAndSwap(m.t.Context(), name, m.value(name), value))
}

type state struct {
	Version int
	Slot    string
	Key     struct{ Place, Service, User, Fingerprint string }
	Host    string
}

func (m *machine) state() (s state) {
	m.t.Helper()
	require.NoError(m.t, json.Unmarshal(m.value("login"), &s))
	return s
}

// edit changes the text of the state.
func (m *machine) edit(old, new string) {
	m.t.Helper()
	text := string(m.value("login"))
	require.Contains(m.t, text, old)
	m.setValue("login", []byte(strings.Replace(text, old, new, 1)))
}

// values are the names of all values that are there.
func (m *machine) values() (names []string) {
	for _, name := range []string{"login", "attempt", "doubt", "forced", "token a", "token b", "key a", "key b"} {
		if m.value(name) != nil {
			names = append(names, name)
		}
	}
	return names
}

// Law: R2
func TestKeyIsInTheKeyring(t *testing.T) {
	m := newMachine(t, nil)
	m.email()
	require.Equal(t, []string{"login", "token a"}, m.values())
	s := m.state()
	require.Equal(t, "mytool", s.Key.Service)
	require.Regexp(t, "^default [0-9a-f]{6}-[a-z0-9]{12}$", s.Key.User)
	text, err := keyring.Get(s.Key.Service, s.Key.User)
	require.NoError(t, err)
	key, err := hex.DecodeString(text)
	require.NoError(t, err)
	require.Len(t, key, 32)
	require.Equal(t, clilogin.Fingerprint(key), s.Key.Fingerprint)

	// Nothing that opens Contentstack is in the clear.
	sealed, err := tokens.Sealed(tokens.Dir(m.profileDir()), key)
	require.NoError(t, err)
	record, err := sealed.Load(t.Context(), "token a")
	require.NoError(t, err)
	token := m.token()
	require.Contains(t, string(record), token.RefreshToken)
	require.NoError(t, filepath.WalkDir(m.o.Dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		require.NotContains(t, string(content), token.RefreshToken)
		require.NotContains(t, string(content), token.AccessToken)
		require.NotContains(t, string(content), text)
		return err
	}))

	session := m.session()
	require.NoError(t, session.Login(t.Context(), nil))
	require.Equal(t, []string{"login", "token b"}, m.values(), "the old login is gone")
	require.Equal(t, s.Key, m.state().Key, "the same key")
	require.NoError(t, session.Forget(t.Context()))
	require.Empty(t, m.values())
	_, err = keyring.Get(s.Key.Service, s.Key.User)
	require.ErrorIs(t, err, keyring.ErrNotFound)
}

func (m *machine) token() *csoauth.Token {
	m.t.Helper()
	token, err := m.session().Tokens().Token(m.t.Context())
	require.NoError(m.t, err)
	return token
}

func TestKeyIsInAFileWithoutAKeyring(t *testing.T) {
	m := newMachine(t, nil)
	keyring.MockInitWithError(errors.New("no daemon"))
	m.email()
	require.Equal(t, []string{"login", "token a", "key a"}, m.values())
	require.Equal(t, "file", m.state().Key.Place)
	require.Equal(t, 1, strings.Count(m.out.String(), "The keyring cannot be used, so the key of the login is in a file that only you\ncan read, in "+m.profileDir()+" (keyring: key: the keyring is not available: no daemon).\n"), m.out.String())

	said := m.out.String()
	m.email()
	keyring.MockInit() // it is there now, and not asked
	m.email()
	require.Equal(t, said, m.out.String())
	require.Equal(t, 1, int(m.opened.Load()))

	session := m.session()
	require.NoError(t, session.Login(t.Context(), nil))
	require.Equal(t, []string{"login", "token b", "key b"}, m.values(), "the key stays where it is")
	m.o.RequireKeyring = true
	m.email()
	require.True(t, m.out.has("The key of the login here is in a file, and the program wants it in the keyring: log in again."))
	require.Equal(t, []string{"login", "token a"}, m.values())
	require.Equal(t, "keyring", m.state().Key.Place)
}

func TestRequiredKeyringThatIsNotThere(t *testing.T) {
	m := newMachine(t, nil)
	m.o.RequireKeyring = true
	keyring.MockInitWithError(errors.New("no daemon"))
	_, err := clilogin.Open(t.Context(), m.config, &m.o)
	require.ErrorContains(t, err, "a login needs the keyring: keyring: key: the keyring is not available: no daemon")
	require.Zero(t, m.opened.Load(), "before a browser opens")
}

// TestKeyringOutOfReach is not the end of the login: the keyring is there on the desktop.
//
// Law: R2
func TestKeyringOutOfReach(t *testing.T) {
	m := newMachine(t, nil)
	m.email()
	before, key := m.state(), secretOf(t, m)
	keyring.MockInitWithError(errors.New("over SSH"))
	for range 2 {
		err := m.refused()
		require.ErrorIs(t, err, clilogin.ErrKeyUnreachable)
		require.NotErrorIs(t, err, csoauth.ErrLoginRequired)
		require.ErrorContains(t, err, "over SSH", "the keyring's own text")
	}
	status, err := m.session().Status(t.Context())
	require.NoError(t, err)
	require.Equal(t, clilogin.StateUnknown, status.State)
	require.ErrorIs(t, status.Err, clilogin.ErrKeyUnreachable)
	require.ErrorIs(t, m.session().Logout(t.Context()), clilogin.ErrKeyUnreachable)
	require.Equal(t, 1, int(m.opened.Load()))
	require.Equal(t, before, m.state(), "left alone")

	keyring.MockInit() // back at the desktop
	require.NoError(t, keyring.Set(before.Key.Service, before.Key.User, key))
	m.email()
	require.Equal(t, 1, int(m.opened.Load()))

	keyring.MockInitWithError(errors.New("over SSH"))
	require.NoError(t, m.session().Login(t.Context(), nil), "a person asks for it")
	m.email()
	require.Equal(t, "file", m.state().Key.Place)
	require.Equal(t, 2, int(m.opened.Load()))
}

// TestForgetNeedsNoKey, whatever has become of it.
//
// Law: R2
func TestForgetNeedsNoKey(t *testing.T) {
	for name, spoil := range map[string]func(m *machine){
		"out of reach": func(*machine) { keyring.MockInitWithError(errors.New("over SSH")) },
		"lost":         func(*machine) { keyring.MockInit() },
		"damaged":      func(m *machine) { m.setValue("login", []byte("{")) },
		"newer":        func(m *machine) { m.edit(`"version": 1`, `"version": 9`) },
		"another app":  func(m *machine) { m.edit(`"client_id": "`, `"client_id": "x`) },
		"unreadable":   func(m *machine) { m.setValue("token a", []byte("rubbish")) },
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t, nil)
			m.email()
			spoil(m)
			m.o.NoLogin = true
			s := m.session()
			err := s.Logout(t.Context())
			require.Error(t, err, "it would go on at Contentstack")
			require.True(t, strings.HasSuffix(err.Error(), "remove the app in Contentstack, under Authorized Apps, and forget the login here"), err)
			require.Contains(t, m.values(), "token a")
			require.NoError(t, s.Forget(t.Context()))
			require.Empty(t, m.values())
			require.NoError(t, s.Forget(t.Context()))
			require.NoError(t, s.Logout(t.Context()), "there is nothing left")
		})
		t.Run(name+", without a Config", func(t *testing.T) {
			m := newMachine(t, nil)
			m.email()
			spoil(m)
			require.NoError(t, clilogin.Forget(t.Context(), &m.o))
			require.Empty(t, m.values())
			require.NoError(t, clilogin.Forget(t.Context(), &m.o))
		})
	}
	require.ErrorContains(t, clilogin.Forget(t.Context(), &clilogin.Options{Profile: "a/b"}), "Options.Profile")
}

func secretOf(t *testing.T, m *machine) string {
	t.Helper()
	s := m.state()
	text, err := keyring.Get(s.Key.Service, s.Key.User)
	require.NoError(t, err)
	return text
}

// TestWhatIsLost leads to a new login, which says why, and never to a dead end.
//
// Law: R2
func TestWhatIsLost(t *testing.T) {
	other := strings.Repeat("ab", 32)
	for name, row := range map[string]struct {
		spoil func(m *machine)
		why   string
	}{
		"the keyring's entry": {func(*machine) { keyring.MockInit() }, "The keyring here does not have the key of the login in "},
		"its value":           {func(m *machine) { require.NoError(t, keyring.Set("mytool", m.state().Key.User, "hello")) }, "the keyring's value is not a key"},
		"another key":         {func(m *machine) { require.NoError(t, keyring.Set("mytool", m.state().Key.User, other)) }, "was replaced by another one"},
		"an unknown place":    {func(m *machine) { m.edit(`"place": "keyring"`, `"place": "moon"`) }, `in a place "moon"`},
		"the key file": {func(m *machine) {
			m.edit(`"place": "keyring"`, `"place": "file"`)
		}, "the key file of the login in "},
		"damaged key file": {func(m *machine) {
			m.edit(`"place": "keyring"`, `"place": "file"`)
			m.setValue("key a", []byte("abc"))
		}, "is damaged"},
		"damaged state":   {func(m *machine) { m.setValue("login", []byte("{}")) }, "is damaged"},
		"newer state":     {func(m *machine) { m.edit(`"version": 1`, `"version": 9`) }, "is of a newer version"},
		"rubbish":         {func(m *machine) { m.setValue("token a", []byte("rubbish")) }, "cannot be read"},
		"the token":       {func(m *machine) { m.setValue("token a", nil) }, ""},
		"the whole state": {func(m *machine) { m.setValue("login", nil) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t, nil)
			m.email()
			row.spoil(m)
			m.o.NoLogin = true
			err := m.refused()
			require.ErrorIs(t, err, csoauth.ErrLoginRequired)
			require.ErrorContains(t, err, strings.TrimPrefix(row.why, "The "))
			m.o.NoLogin = false
			require.Equal(t, "ada@example.com", m.email())
			require.True(t, m.out.has(strings.TrimPrefix(row.why, "the ")), m.out.String())
			require.Equal(t, "ada@example.com", m.email())
			require.Equal(t, 2, int(m.opened.Load()))
		})
	}
}

// TestDirectoriesShareNoKey although program and profile are the same.
//
// Law: R2
func TestDirectoriesShareNoKey(t *testing.T) {
	m := newMachine(t, nil)
	m.email()
	here := m.o.Dir
	m.o.Dir = filepath.Join(t.TempDir(), "elsewhere")
	m.o.NoLogin = true
	require.ErrorIs(t, m.refused(), csoauth.ErrLoginRequired, "an empty directory has no login")
	require.NoError(t, m.session().Forget(t.Context()))
	m.o.NoLogin = false
	m.email()
	require.NoError(t, m.session().Forget(t.Context()))
	m.o.Dir = here
	m.email()
	require.Equal(t, 2, int(m.opened.Load()), "the other's key was left alone")
}

// TestCopiedDirectory: with a keyring it is a login that was made elsewhere. With a key file both
// copies work until one of them refreshes.
func TestCopiedDirectory(t *testing.T) {
	m := newMachine(t, nil)
	m.email()
	copied := filepath.Join(t.TempDir(), "copy")
	require.NoError(t, os.CopyFS(copied, os.DirFS(m.o.Dir)))
	keyring.MockInit() // of the other machine
	m.o.Dir = copied
	host, err := os.Hostname()
	require.NoError(t, err)
	m.email()
	require.True(t, m.out.has(" on \""+host+"\": log in again."), m.out.String())
	require.Equal(t, 2, int(m.opened.Load()))
}

// TestLoginThatDoesNotFit is no mistake of the program's user: another one takes its place.
func TestLoginThatDoesNotFit(t *testing.T) {
	for name, row := range map[string]struct {
		change func(t *testing.T, m *machine)
		why    string // empty: it fits
	}{
		"another app":          {func(t *testing.T, m *machine) { m.edit(`"app_uid": "`, `"app_uid": "x`) }, "the login here is of another app"},
		"another client":       {func(t *testing.T, m *machine) { m.edit(`"client_id": "`, `"client_id": "x`) }, "the login here is of another app"},
		"another region":       {func(t *testing.T, m *machine) { m.edit(`"region": "na"`, `"region": "eu"`) }, `the login here is in the region "eu", and not in na`},
		"another redirect URI": {func(t *testing.T, m *machine) { m.edit(`"redirect_uri": "http`, `"redirect_uri": "https`) }, "the login here was made with another redirect URI"},
		"more scopes": {func(t *testing.T, m *machine) {
			m.config.Scopes = []string{"user:read"}
			m.edit(`"scopes": null`, `"scopes": ["cm.stack:share"]`)
		}, `the login here was made with fewer scopes: the Config asks for "user:read"`},
		"all scopes": {func(t *testing.T, m *machine) { m.edit(`"scopes": null`, `"scopes": ["user:read"]`) },
			"the login here was made with fewer scopes: the Config asks for all that the app has"},
		"fewer scopes": {func(t *testing.T, m *machine) { m.config.Scopes = []string{"user:read"} }, ""},
		"the same scopes": {func(t *testing.T, m *machine) {
			m.config.Scopes = []string{"user:read"}
			m.edit(`"scopes": null`, `"scopes": ["user:read"]`)
		}, ""},
		"one more redirect URI": {func(t *testing.T, m *machine) {
			m.o.Loopback.RedirectURIs = []string{"http://127.0.0.1:1/callback", m.config.RedirectURI}
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t, nil)
			m.email()
			row.change(t, m)
			m.o.NoLogin = true
			if row.why == "" {
				m.email()
				return
			}
			err := m.refused()
			require.ErrorIs(t, err, csoauth.ErrLoginRequired)
			require.ErrorContains(t, err, row.why)
			m.o.NoLogin = false
			m.email()
			require.Equal(t, 2, int(m.opened.Load()))
			require.True(t, m.out.has(row.why[4:]+": log in again."), m.out.String())
			m.email()
			require.Equal(t, 2, int(m.opened.Load()))
		})
	}
}

func TestProfilesAreSideBySide(t *testing.T) {
	m := newMachine(t, nil)
	m.email()
	m.o.Profile = "Work"
	m.visitor.UserUID = alan
	require.Equal(t, "alan@example.com", m.email())
	m.o.Profile = "work"
	require.Equal(t, "alan@example.com", m.email(), "whatever the case")
	m.o.Profile = ""
	require.Equal(t, "ada@example.com", m.email())
	require.Equal(t, 2, int(m.opened.Load()))
	dirs, err := os.ReadDir(m.o.Dir)
	require.NoError(t, err)
	names := map[string]bool{}
	for _, dir := range dirs {
		names[dir.Name()] = true
	}
	require.Equal(t, map[string]bool{"default": true, "work": true}, maps.Clone(names))
}

func TestFormerProgram(t *testing.T) {
	m := newMachine(t, nil)
	m.o.Dir = ""
	m.o.Program = "oldtool"
	m.email()
	m.o.Program, m.o.FormerPrograms = "newtool", []string{"oldertool", "oldtool"}
	m.email()
	require.Equal(t, 1, int(m.opened.Load()))
	s := m.session()
	require.NoError(t, s.Forget(t.Context()))
	m.email()
	require.Equal(t, 2, int(m.opened.Load()))
	m.o.FormerPrograms = nil
	m.email()
	require.Equal(t, 2, int(m.opened.Load()), "the new one is newtool's")
	require.NoError(t, m.session().Forget(t.Context()))
}

// TestLoginsThatComeToNothingShareAKey: otherwise each would leave one in the keyring.
func TestLoginsThatComeToNothingShareAKey(t *testing.T) {
	m := newMachine(t, nil)
	m.visitor.Deny = true
	m.o.NoLogin = true
	s := m.session()
	users := map[string]bool{}
	for range 3 {
		require.ErrorIs(t, s.Login(t.Context(), nil), csoauth.ErrDenied)
		var attempt struct{ Key struct{ User string } }
		require.NoError(t, json.Unmarshal(m.value("attempt"), &attempt))
		users[attempt.Key.User] = true
	}
	require.Len(t, users, 1)
	m.visitor.Deny = false
	require.NoError(t, s.Login(t.Context(), nil))
	require.True(t, users[m.state().Key.User])
	require.NotContains(t, m.values(), "attempt")

	require.NoError(t, s.Forget(t.Context()))
	m.visitor.Deny = true
	require.ErrorIs(t, s.Login(t.Context(), nil), csoauth.ErrDenied)
	var attempt struct{ Key struct{ User string } }
	require.NoError(t, json.Unmarshal(m.value("attempt"), &attempt))
	require.False(t, users[attempt.Key.User], "that one was removed")
	require.NoError(t, s.Forget(t.Context()))
	_, err := keyring.Get("mytool", attempt.Key.User)
	require.ErrorIs(t, err, keyring.ErrNotFound)
}

// TestKeyFileIsToldOfWhenItIsMade, and not by a login that comes to nothing.
func TestKeyFileIsToldOfWhenItIsMade(t *testing.T) {
	m := newMachine(t, nil)
	keyring.MockInitWithError(errors.New("no daemon"))
	m.o.NoLogin = true
	m.visitor.Deny = true
	s := m.session()
	require.ErrorIs(t, s.Login(t.Context(), nil), csoauth.ErrDenied)
	require.False(t, m.out.has("keyring"), m.out.String())
	m.visitor.Deny = false
	require.NoError(t, s.Login(t.Context(), nil))
	require.NoError(t, s.Login(t.Context(), nil))
	require.Equal(t, 1, strings.Count(m.out.String(), "The keyring cannot be used"))
}

// TestCopyHasAKeyOfItsOwn from its next login on: what is forgotten in one does not hurt the other.
func TestCopyHasAKeyOfItsOwn(t *testing.T) {
	m := newMachine(t, nil)
	m.email()
	original, copied := m.o.Dir, filepath.Join(t.TempDir(), "copy")
	require.NoError(t, os.CopyFS(copied, os.DirFS(original)))
	m.o.Dir = copied
	require.NoError(t, m.session().Login(t.Context(), nil))
	m.o.Dir = original
	require.NoError(t, m.session().Forget(t.Context()))
	m.o.Dir = copied
	m.email()
	require.Equal(t, 2, int(m.opened.Load()))
}

// TestKeyThatHasVanished from the keyring of a program that runs is not used for its next login.
func TestKeyThatHasVanished(t *testing.T) {
	m := newMachine(t, nil)
	s := m.session()
	old := m.state().Key
	require.NoError(t, keyring.Delete(old.Service, old.User))
	require.NoError(t, s.Login(t.Context(), nil))
	require.NotEqual(t, old, m.state().Key)
	m.email()
	require.Equal(t, 2, int(m.opened.Load()))
}

// TestKeyringThatIsBack for the second try is where the key is, and no file is spoken of.
func TestKeyringThatIsBack(t *testing.T) {
	m := newMachine(t, nil)
	keyring.MockInitWithError(errors.New("locked"))
	m.visitor.Deny = true
	m.o.NoLogin = true
	s := m.session()
	require.ErrorIs(t, s.Login(t.Context(), nil), csoauth.ErrDenied)
	keyring.MockInit()
	m.visitor.Deny = false
	require.NoError(t, s.Login(t.Context(), nil))
	require.Equal(t, "keyring", m.state().Key.Place)
	require.False(t, m.out.has("keyring"), m.out.String())
}
