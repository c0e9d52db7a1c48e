package tokens_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

// The other defaults show in the tests of what they do: windows, recheck, lease and the number of
// refreshes.
func TestHundredThousandKeysAreCachedByDefault(t *testing.T) {
	m := newManager(newProvider().config(), new(tokens.Memory), nil)
	assert.Equal(t, 100_000, m.MaxCached())
	require.NoError(t, m.Close())
}

func TestNewNamesWhatCannotWork(t *testing.T) {
	config, store := newProvider().config(), new(tokens.Memory)
	var nilConfig *csoauth.Config
	var nilStore *tokens.Memory
	for want, row := range map[string]struct {
		r tokens.Refresher
		s tokens.Store
		o *tokens.Options
	}{
		"there is no Refresher":                       {nil, store, nil},
		"there is no Refresher, such":                 {nilConfig, store, nil},
		"AppUID":                                      {&csoauth.Config{}, store, nil},
		"there is no Store":                           {config, nil, nil},
		"there is no Store, such":                     {config, nilStore, nil},
		"Options.SoftWindow: -1s is negative":         {config, store, &tokens.Options{SoftWindow: -time.Second}},
		"Options.Lease: 999ms is less than 1s":        {config, store, &tokens.Options{Lease: 999 * time.Millisecond}},
		"Options.Lease: -1s is less than 1s":          {config, store, &tokens.Options{Lease: -time.Second}},
		"Options.Lease: 1h0m1s is more than 1h0m0s":   {config, store, &tokens.Options{Lease: time.Hour + time.Second}},
		"Options.MaxRefreshesPerHost: -1 is negative": {config, store, &tokens.Options{MaxRefreshesPerHost: -1}},
		"Options.MaxCached: -1 is negative":           {config, store, &tokens.Options{MaxCached: -1}},
	} {
		m, err := tokens.New(row.r, row.s, row.o)
		assert.Nil(t, m)
		if assert.Error(t, err, want) {
			assert.ErrorContains(t, err, want)
			assert.True(t, strings.HasPrefix(err.Error(), "tokens: "), err)
		}
	}
}

func TestNewTakesWhatCanWork(t *testing.T) {
	for _, o := range []tokens.Options{
		{}, {Lease: time.Second}, {Lease: time.Hour}, {Recheck: -1}, {SoftWindow: time.Nanosecond}, {MaxRefreshesPerHost: 1, MaxCached: 1},
	} {
		require.NoError(t, newManager(newProvider().config(), new(tokens.Memory), &o).Close())
	}
	// A Refresher without Validate, which csoauth.Config has.
	var r struct{ tokens.Refresher }
	require.NoError(t, newManager(r, new(tokens.Memory), nil).Close())
}

func TestOptionsAreNotChanged(t *testing.T) {
	o := tokens.Options{MaxCached: 7}
	require.NoError(t, newManager(newProvider().config(), new(tokens.Memory), &o).Close())
	assert.Equal(t, tokens.Options{MaxCached: 7}, o)
}

func TestKeysThatCannotBe(t *testing.T) {
	p, store := newProvider(), &hooked{Store: new(tokens.Memory)}
	m := newManager(p.config(), store, nil)
	for key, want := range map[string]string{
		"":                       "the key is empty",
		strings.Repeat("k", 513): "the key has 513 bytes, but at most 512 are allowed",
	} {
		token, err := m.Token(t.Context(), key)
		assert.Nil(t, token)
		source, sourceErr := m.For(key).TokenSource(t.Context()).Token()
		assert.Nil(t, source)
		for what, err := range map[string]error{
			"Token": err, "TokenSource": sourceErr,
			"Put": m.Put(t.Context(), key, p.login("user")), "Delete": m.Delete(t.Context(), key),
		} {
			require.ErrorContains(t, err, want, what)
			assert.True(t, strings.HasPrefix(err.Error(), "tokens: "), "%s: %s", what, err)
			assert.NotErrorIs(t, err, csoauth.ErrLoginRequired)
		}
	}
	assert.Zero(t, store.loads, "nobody is asked")
	assert.Zero(t, m.Cached())

	longest := strings.Repeat("\x00", 512)
	require.NoError(t, m.Put(t.Context(), longest, p.login("user")))
	_, err := m.Token(t.Context(), longest)
	require.NoError(t, err)
	require.NoError(t, m.Close())
}

func TestTokensThatCannotBePut(t *testing.T) {
	store := &hooked{Store: new(tokens.Memory)}
	m := newManager(newProvider().config(), store, nil)
	for name, token := range map[string]*csoauth.Token{"nil": nil, "empty": {}, "without tokens": {UserUID: "user", Expiry: time.Now()}} {
		assert.ErrorContains(t, m.Put(t.Context(), "user", token), "neither an access token nor a refresh token", name)
	}
	assert.Zero(t, store.loads)
	assert.Zero(t, store.swaps)
	require.NoError(t, m.Close())
}

func TestPutKeepsACopy(t *testing.T) {
	p := newProvider()
	m := newManager(p.config(), new(tokens.Memory), nil)
	login := p.login("user")
	login.Scopes = []string{"a:read"}
	require.NoError(t, m.Put(t.Context(), "user", login))
	login.AccessToken, login.Scopes[0] = "another", "b:read"
	token, err := m.Token(t.Context(), "user")
	require.NoError(t, err)
	assert.NotEqual(t, "another", token.AccessToken)
	assert.Equal(t, []string{"a:read"}, token.Scopes)
	require.NoError(t, m.Close())
}

func TestTokensThatLackSomething(t *testing.T) {
	for name, row := range map[string]struct {
		edit      func(*csoauth.Token)
		refreshes int // by the first call
		more      int // a day later
		later     error
	}{
		"no expiry: it never ends by itself":     {func(t *csoauth.Token) { t.Expiry = time.Time{} }, 0, 0, nil},
		"no access token: refreshed at once":     {func(t *csoauth.Token) { t.AccessToken = "" }, 1, 1, nil},
		"expired: refreshed at once":             {func(t *csoauth.Token) { t.Expiry = time.Now().Add(-time.Hour) }, 1, 1, nil},
		"no refresh token: good until it ends":   {func(t *csoauth.Token) { t.RefreshToken = "" }, 0, 0, csoauth.ErrLoginRequired},
		"an expiry in a year: good for a year":   {func(t *csoauth.Token) { t.Expiry = t.Expiry.AddDate(1, 0, 0) }, 0, 0, nil},
		"neither expiry nor refresh token: good": {func(t *csoauth.Token) { t.Expiry, t.RefreshToken = time.Time{}, "" }, 0, 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newProvider()
				m := replica(t, p, new(tokens.Memory), nil)
				login := p.login("user")
				row.edit(login)
				require.NoError(t, m.Put(t.Context(), "user", login))
				access(t, m)
				assert.Equal(t, row.refreshes, p.asked())

				time.Sleep(25 * time.Hour)
				token, err := m.Token(t.Context(), "user")
				require.ErrorIs(t, err, row.later)
				assert.Equal(t, row.refreshes+row.more, p.asked())
				if p.asked() == 0 && err == nil {
					assert.Equal(t, login.AccessToken, token.AccessToken)
				}
			})
		})
	}
}
