package clilogin_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/clilogin"
	"github.com/contentstack/csoauth/loopback"
)

func TestOptionsThatCannotWork(t *testing.T) {
	m := newMachine(t, nil)
	for want, o := range map[string]clilogin.Options{
		`Options.Profile: "../../x" may have only letters, digits and - _`:     {Profile: "../../x"},
		`Options.Profile: "a/b" may have`:                                      {Profile: "a/b"},
		`Options.Profile: "." may have`:                                        {Profile: "."},
		`Options.Profile: "con" is the name of a device`:                       {Profile: "CON"},
		`Options.Profile: "work." may have`:                                    {Profile: "work."},
		`Options.Profile: "work " may have`:                                    {Profile: "work "},
		`Options.Profile: "a\nb" may have`:                                     {Profile: "a\nb"},
		`is longer than 64 characters`:                                         {Profile: strings.Repeat("a", 300)},
		`Options.Program: "../x" may have only letters, digits and - _   .`:    {Program: "../x"},
		`Options.Program: ".." begins or ends with a space or a dot`:           {Program: ".."},
		`Options.Program: "tool." begins or ends`:                              {Program: "tool."},
		`Options.Program: "nul.txt" is the name of a device`:                   {Program: "nul.txt"},
		`Options.Program: "a\\b" may have`:                                     {Program: `a\b`},
		`Options.Program: "x/y" may have`:                                      {FormerPrograms: []string{"x/y"}},
		`Options.Program: "" is empty`:                                         {FormerPrograms: []string{""}},
		`Options.Dir: "here" is relative`:                                      {Dir: "here"},
		`the Timeout -1s is negative`:                                          {Loopback: &loopback.Options{Timeout: -time.Second}},
		`redirect URI "https://example.com/callback" is not http on localhost`: {Loopback: &loopback.Options{RedirectURIs: []string{"https://example.com/callback"}}},
		`the SuccessURL is neither https nor http`:                             {Loopback: &loopback.Options{SuccessURL: "ftp://x"}},
		`Options.Hosts: `:                                                      {Hosts: []string{"https://x"}},
	} {
		_, err := clilogin.Open(t.Context(), m.config, &o)
		require.ErrorContains(t, err, want)
		require.False(t, strings.HasSuffix(want, "characters") && !strings.HasSuffix(err.Error(), want), "%v", err)
	}
	_, err := clilogin.Open(t.Context(), nil, nil)
	require.EqualError(t, err, "clilogin: the Config is missing")
	config := *m.config
	config.ClientID = ""
	_, err = clilogin.Open(t.Context(), &config, nil)
	require.ErrorIs(t, err, csoauth.ErrConfig)
}

// TestDefaults are a program named after its file, in the user's configuration directory.
func TestDefaults(t *testing.T) {
	m := newMachine(t, nil)
	s, err := clilogin.Open(t.Context(), m.config, &clilogin.Options{NoLogin: true})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	status, err := s.Status(t.Context())
	require.NoError(t, err)
	require.Equal(t, filepath.Join("clilogin.test", "default"), filepath.Join(filepath.Base(filepath.Dir(status.Dir)), filepath.Base(status.Dir)))
	require.True(t, filepath.IsAbs(status.Dir))
	require.NoDirExists(t, status.Dir)
}

func TestWithoutAHome(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Setenv("LocalAppData", "")
	}
	m := newMachine(t, nil)
	m.o.Dir = ""
	for name, home := range map[string]string{"unset": "", "relative": "home"} {
		for _, variable := range []string{"HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "LocalAppData"} {
			t.Setenv(variable, home)
		}
		_, err := clilogin.Open(t.Context(), m.config, &m.o)
		require.ErrorContains(t, err, "or set Options.Dir", name)
	}
	m.o.Dir = filepath.Join(t.TempDir(), "dir") // and the locks go there, too
	m.email()
}

// TestDirectoryThatCannotBeWritten is told before a browser opens. A token that is there is used.
func TestDirectoryThatCannotBeWritten(t *testing.T) {
	m := newMachine(t, nil)
	m.o.Dir = filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(m.o.Dir, nil, 0o600))
	_, err := clilogin.Open(t.Context(), m.config, &m.o)
	if err == nil { // the failure of its store is the methods' to tell
		err = m.refused()
	}
	require.ErrorContains(t, err, m.o.Dir)
	require.Zero(t, m.opened.Load())

	if runtime.GOOS == "windows" || os.Geteuid() == 0 {
		return // modes keep nobody out
	}
	m.o.Dir = filepath.Join(t.TempDir(), "dir")
	m.email()
	require.NoError(t, os.Chmod(m.profileDir(), 0o500))
	defer os.Chmod(m.profileDir(), 0o700)
	m.email()
	require.Error(t, m.session().Login(t.Context(), nil))
	require.Equal(t, 1, int(m.opened.Load()))
}

// TestDirectoryOfOthers is refused, and a link in the place of a value is not followed.
func TestDirectoryOfOthers(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // no modes
	}
	m := newMachine(t, nil)
	m.email()
	require.NoError(t, filepath.WalkDir(m.o.Dir, func(name string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		require.Zero(t, info.Mode().Perm()&0o077, name)
		return err
	}))
	require.NoError(t, os.Chmod(m.profileDir(), os.ModeSticky|0o777)) // meant to be shared
	m.o.NoLogin = true
	require.ErrorContains(t, m.refused(), "others can write to "+m.profileDir())
	require.Error(t, m.session().Forget(t.Context()))
	require.NoError(t, os.Chmod(m.profileDir(), 0o777)) // a platform's slip
	m.email()
	info, err := os.Stat(m.profileDir())
	require.NoError(t, err)
	require.Zero(t, info.Mode().Perm()&0o022)

	files, err := filepath.Glob(filepath.Join(m.profileDir(), "*.token"))
	require.NoError(t, err)
	require.Len(t, files, 2)
	for _, file := range files {
		elsewhere := filepath.Join(t.TempDir(), "moved")
		require.NoError(t, os.Rename(file, elsewhere))
		require.NoError(t, os.Symlink(elsewhere, file))
	}
	require.ErrorIs(t, m.refused(), csoauth.ErrLoginRequired)
	m.o.NoLogin = false
	m.email()
	require.Equal(t, 2, int(m.opened.Load()))
}

// TestOutage is no reason to log in: neither at Contentstack nor on the way there.
func TestOutage(t *testing.T) {
	m := newMachine(t, nil)
	m.email()
	m.server.Expire(nil)
	down := errors.New("no route")
	m.config.HTTPClient = &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) { return nil, down })}
	err := m.refused()
	require.ErrorIs(t, err, down)
	require.NotErrorIs(t, err, csoauth.ErrLoginRequired)
	s := m.session()
	status, err := s.Status(t.Context())
	require.NoError(t, err)
	require.Equal(t, clilogin.StateUnknown, status.State)
	require.ErrorIs(t, status.Err, down)
	require.Equal(t, "Ada Lovelace", status.UserName, "what is known here")
	require.ErrorIs(t, s.Logout(t.Context()), down)
	require.NotContains(t, m.values(), "doubt", "it works as well as before")
	m.config.HTTPClient = nil
	m.email()
	require.Equal(t, 1, int(m.opened.Load()))
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestStatus(t *testing.T) {
	m := newMachine(t, nil)
	began := time.Now().Add(-time.Second)
	m.email()
	s := m.session()
	status, err := s.Status(t.Context())
	require.NoError(t, err)
	require.WithinRange(t, status.Made, began, time.Now())
	host, err := os.Hostname()
	require.NoError(t, err)
	require.WithinRange(t, status.Expires, time.Now().Add(59*time.Minute), time.Now().Add(time.Hour))
	require.Equal(t, clilogin.Status{State: clilogin.StateValid, Expires: status.Expires, Profile: clilogin.Profile{
		Name: "default", Dir: m.profileDir(), LoggedIn: true,
		UserUID: ada, UserName: "Ada Lovelace", Email: "ada@example.com", OrganizationUID: press, OrganizationName: "Emulated Press",
		AppUID: m.config.AppUID, ClientID: m.config.ClientID, Server: m.server.URL,
		Made: status.Made, Host: host, KeyPlace: "keyring",
	}}, *status)

	m.server.Revoke(nil)
	status, err = s.Status(t.Context())
	require.NoError(t, err)
	require.Equal(t, clilogin.StateOver, status.State)
	require.ErrorIs(t, status.Err, csoauth.ErrLoginRequired)
	require.Equal(t, ada, status.UserUID)

	require.NoError(t, s.Forget(t.Context()))
	status, err = s.Status(t.Context())
	require.NoError(t, err)
	require.ErrorContains(t, status.Err, "nobody is logged in to mytool")
	require.Equal(t, clilogin.Status{State: clilogin.StateOver, Err: status.Err, Profile: clilogin.Profile{Name: "default", Dir: m.profileDir()}}, *status)
}
