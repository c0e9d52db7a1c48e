package emulator_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/emulator"
)

func TestOptionsThatCannotWork(t *testing.T) {
	good := testApps()[0]
	change := func(f func(*emulator.App)) emulator.App { a := good; f(&a); return a }
	other := change(func(a *emulator.App) { a.UID, a.ClientID = "app9", "client9" })
	member := []emulator.Organization{{UID: press, Name: "Press"}}
	const lifetimes = "emulator: lifetimes: an access token lives a second at least, a code more than nothing"
	for name, row := range map[string]struct {
		o    emulator.Options
		want string
	}{
		"none":     {emulator.Options{}, ""},
		"two apps": {emulator.Options{Apps: []emulator.App{good, other}}, ""},
		"app without UID": {emulator.Options{Apps: []emulator.App{change(func(a *emulator.App) { a.UID = "" })}},
			"emulator: app 1: UID or ClientID is empty"},
		"app without client": {emulator.Options{Apps: []emulator.App{good, change(func(a *emulator.App) { a.ClientID = "" })}},
			"emulator: app 2: UID or ClientID is empty"},
		"two apps of one UID": {emulator.Options{Apps: []emulator.App{good, change(func(a *emulator.App) { a.ClientID = "client9" })}},
			"emulator: app 2: its UID or ClientID is another app's"},
		"two apps of one client": {emulator.Options{Apps: []emulator.App{good, other, change(func(a *emulator.App) { a.UID = "app8" })}},
			"emulator: app 3: its UID or ClientID is another app's"},
		"nothing proves the app": {emulator.Options{Apps: []emulator.App{change(func(a *emulator.App) { a.ClientSecret, a.AllowPKCE = "", false })}},
			"emulator: app app1: without AllowPKCE it needs a ClientSecret"},
		"only the secret does": {emulator.Options{Apps: []emulator.App{change(func(a *emulator.App) { a.AllowPKCE = false })}}, ""},
		"user without UID": {emulator.Options{Users: []emulator.User{{Organizations: member}}},
			"emulator: user 1: UID is empty, or there is no organization"},
		"user of no organization": {emulator.Options{Users: []emulator.User{{UID: ada, Organizations: member}, {UID: alan}}},
			"emulator: user 2: UID is empty, or there is no organization"},
		"two users of one UID": {emulator.Options{Users: []emulator.User{{UID: ada, Organizations: member}, {UID: ada, Organizations: member}}},
			"emulator: user 2: its UID is taken"},
		"tokens of a second":     {emulator.Options{AccessTokenLifetime: time.Second}, ""},
		"tokens of less":         {emulator.Options{AccessTokenLifetime: time.Second - 1}, lifetimes},
		"codes of a nanosecond":  {emulator.Options{CodeLifetime: 1}, ""},
		"codes that never lived": {emulator.Options{CodeLifetime: -1}, lifetimes},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := emulator.New(row.o)
			if row.want != "" {
				require.EqualError(t, err, row.want)
				return
			}
			require.NoError(t, err)
			require.NotEmpty(t, e.Apps())
			require.NotEmpty(t, e.Users())
		})
	}
}

func TestDefaultsAreAppsAndUsersThatWork(t *testing.T) {
	e, err := emulator.New(emulator.Options{})
	require.NoError(t, err)
	require.Equal(t, []emulator.App{emulator.DefaultApp()}, e.Apps())
	require.Equal(t, emulator.DefaultUsers(), e.Users())
	require.Equal(t, "Ada Lovelace", e.Users()[0].Name())
	require.Equal(t, "Ada", emulator.User{UID: ada, FirstName: "Ada"}.Name())
	require.Equal(t, "Lovelace", emulator.User{UID: ada, LastName: "Lovelace"}.Name())
	require.Equal(t, ada, emulator.User{UID: ada}.Name())
}

func TestRegisterAddsARedirectURIOnce(t *testing.T) {
	shared := append(make([]string, 0, 8), callbackURI)
	apps := []emulator.App{
		{UID: "app1", ClientID: "client1", AllowPKCE: true, RedirectURIs: shared},
		{UID: "app2", ClientID: "client2", AllowPKCE: true, RedirectURIs: shared},
	}
	s := start(t, emulator.Options{Apps: apps})
	for range 2 {
		require.NoError(t, s.Register("app1", "https://one.example.com/"))
		require.NoError(t, s.Register("app2", "https://two.example.com/"))
	}
	require.Equal(t, []string{callbackURI, "https://one.example.com/"}, s.Apps()[0].RedirectURIs, "although their slice was one")
	require.Equal(t, []string{callbackURI, "https://two.example.com/"}, s.Apps()[1].RedirectURIs)
	require.Equal(t, []string{callbackURI}, apps[0].RedirectURIs, "the caller's Options stay as they were")
	require.EqualError(t, s.Register("app0", otherURI), "emulator: there is no app app0")
}
