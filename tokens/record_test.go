package tokens_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

// storedToken is the token of the record in testdata, with an hour left in a bubble that has just
// begun.
func storedToken() *csoauth.Token {
	return &csoauth.Token{
		AccessToken: "A", RefreshToken: "R", TokenType: "Bearer", Expiry: time.Date(2000, 1, 1, 1, 0, 0, 0, time.UTC),
		Scopes: []string{"a:read", "b:read"}, OrganizationUID: "blt1", UserUID: "blt2", AuthorizationType: "user", StackAPIKey: "blt3",
		Location: "EU", ClientID: "client", RedirectURI: "http://localhost:8184/callback",
	}
}

// storedIn is a store that holds raw for the key user.
func storedIn(tb testing.TB, raw []byte) *tokens.Memory {
	store := new(tokens.Memory)
	require.NoError(tb, store.CompareAndSwap(tb.Context(), "user", nil, raw))
	return store
}

// storedMasked is raw with placeholders for what is random in it.
func storedMasked(tb testing.TB, raw []byte) string {
	var record map[string]any
	require.NoError(tb, json.Unmarshal(raw, &record))
	if lease, _ := record["lease"].(string); lease != "" {
		assert.GreaterOrEqual(tb, len(lease), 26, "128 random bits")
		record["lease"] = "LEASE"
	}
	login, _ := record["login"].(string)
	assert.NotEmpty(tb, login)
	record["login"] = "1"
	masked, err := json.Marshal(record)
	require.NoError(tb, err)
	return string(masked)
}

// The file is what version 1 wrote. It stays, whatever version comes next: logins are stored in
// this form.
func TestRecordOfVersion1IsRead(t *testing.T) {
	golden, err := os.ReadFile("testdata/record-v1.json")
	require.NoError(t, err)
	synctest.Test(t, func(t *testing.T) {
		m := newManager(newProvider().config(), storedIn(t, golden), nil)
		token, err := m.Token(t.Context(), "user")
		require.NoError(t, err)
		assert.Equal(t, storedToken(), token)
		time.Sleep(59 * time.Minute)
		_, err = m.Token(t.Context(), "user")
		require.NoError(t, err)
		require.NoError(t, m.Close())
	})
}

func TestRecordIsWrittenAsVersion1(t *testing.T) {
	golden, err := os.ReadFile("testdata/record-v1.json")
	require.NoError(t, err)
	synctest.Test(t, func(t *testing.T) {
		store := new(tokens.Memory)
		m := newManager(newProvider().config(), store, nil)
		require.NoError(t, m.Put(t.Context(), "user", storedToken()))
		raw, err := store.Load(t.Context(), "user")
		require.NoError(t, err)
		assert.JSONEq(t, string(golden), storedMasked(t, raw))
		require.NoError(t, m.Close())
	})
}

// Replicas of all versions must find the lease of an attempt.
func TestMarkIsWrittenAsVersion1(t *testing.T) {
	golden, err := os.ReadFile("testdata/record-leased-v1.json")
	require.NoError(t, err)
	synctest.Test(t, func(t *testing.T) {
		store := new(tokens.Memory)
		m := newManager(storedRefresher(func() (*csoauth.Token, error) {
			raw, err := store.Load(t.Context(), "user")
			assert.NoError(t, err)
			assert.JSONEq(t, string(golden), storedMasked(t, raw))
			return nil, csoauth.ErrNotSent
		}), store, nil)
		require.NoError(t, m.Put(t.Context(), "user", storedToken()))
		time.Sleep(time.Hour)
		_, err := m.Token(t.Context(), "user")
		require.ErrorIs(t, err, csoauth.ErrNotSent)
		require.NoError(t, m.Close())
	})
}

// Replicas of all versions must find what the token endpoint has refused.
func TestRefusalIsWrittenAsVersion1(t *testing.T) {
	golden, err := os.ReadFile("testdata/record-refused-v1.json")
	require.NoError(t, err)
	synctest.Test(t, func(t *testing.T) {
		store := new(tokens.Memory)
		m := newManager(storedRefresher(func() (*csoauth.Token, error) {
			return nil, &csoauth.Error{StatusCode: 400, Code: "invalid_grant", Description: "it was revoked"}
		}), store, nil)
		require.NoError(t, m.Put(t.Context(), "user", storedToken()))
		time.Sleep(time.Hour)
		_, err := m.Token(t.Context(), "user")
		require.ErrorIs(t, err, csoauth.ErrLoginRequired)
		raw, err := store.Load(t.Context(), "user")
		require.NoError(t, err)
		assert.JSONEq(t, string(golden), storedMasked(t, raw))
		require.NoError(t, m.Close())
	})
}

// storedRefresher returns a token without a provider.
type storedRefresher func() (*csoauth.Token, error)

func (r storedRefresher) Refresh(context.Context, *csoauth.Token) (*csoauth.Token, error) { return r() }

func TestRecordOfSomebodyElseIsRefused(t *testing.T) {
	const token = `"token":{"kind":"csoauth.Token","version":1,"access_token":"A","refresh_token":"R","expiry":"2000-01-01T01:00:00Z"}`
	for name, row := range map[string]struct{ raw, want string }{
		"a newer version":     {`{"kind":"csoauth/tokens.Record","version":2,"seq":1,` + token + `}`, "version 2, but this csoauth reads 1 to 1: update"},
		"no version":          {`{"kind":"csoauth/tokens.Record","seq":1,` + token + `}`, "version 0"},
		"a newer token":       {`{"kind":"csoauth/tokens.Record","version":1,"token":{"kind":"csoauth.Token","version":2}}`, "version 2, but this csoauth reads at most version 1"},
		"another kind":        {`{"kind":"session","version":1,"seq":1,` + token + `}`, "does another program write to this store?"},
		"no kind":             {`{"access_token":"A"}`, "does another program write to this store?"},
		"an x/oauth2 token":   {`{"access_token":"A","token_type":"Bearer","refresh_token":"R","expiry":"2000-01-01T01:00:00Z"}`, "does another program write to this store?"},
		"a bare token":        {`{"kind":"csoauth.Token","version":1,"access_token":"A"}`, "does another program write to this store?"},
		"empty":               {``, "0 bytes in the store are not a record"},
		"null":                {`null`, "does another program write to this store?"},
		"a list":              {`[]`, "does another program write to this store?"},
		"binary":              {"\x00\xff", "2 bytes in the store are not a record"},
		"sealed, cut off":     {"\x01" + strings.Repeat("x", 31), "32 bytes in the store are not a record"},
		"no token":            {`{"kind":"csoauth/tokens.Record","version":1,"seq":1}`, "csoauth.Token"},
		"a negative seq":      {`{"kind":"csoauth/tokens.Record","version":1,"seq":-1,` + token + `}`, "a number that no csoauth writes"},
		"a seq at the end":    {`{"kind":"csoauth/tokens.Record","version":1,"seq":9223372036854775807,` + token + `}`, "a number that no csoauth writes"},
		"something behind it": {`{"kind":"csoauth/tokens.Record","version":1,"seq":1,` + token + `}{}`, "are not a record"},
		"too large":           {`{"kind":"csoauth/tokens.Record","version":1,"seq":1,"x":"` + strings.Repeat("x", 1<<20) + `",` + token + `}`, "a record has at most 1048576"},
		"a negative life":     {`{"kind":"csoauth/tokens.Record","version":1,"lifetime_ms":-1,` + token + `}`, "a number that no csoauth writes"},
		"a negative lease":    {`{"kind":"csoauth/tokens.Record","version":1,"lease_ms":-1,` + token + `}`, "a number that no csoauth writes"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, store := newProvider(), storedIn(t, []byte(row.raw))
				m := newManager(p.config(), store, nil)
				_, err := m.Token(t.Context(), "user")
				require.ErrorContains(t, err, row.want)
				assert.Contains(t, err.Error(), "tokens: the store failed to return a readable record: ")
				assert.False(t, strings.HasPrefix(row.want, "a number") && !strings.HasSuffix(err.Error(), row.want), "%v", err)
				assert.NotErrorIs(t, err, csoauth.ErrLoginRequired, "the login may be fine; it cannot be read")
				require.ErrorIs(t, err, tokens.ErrUnreadable)
				assert.NotErrorIs(t, err, tokens.ErrNotFound)
				assert.Zero(t, p.asked())
				raw, err := store.Load(t.Context(), "user")
				require.NoError(t, err)
				assert.Equal(t, row.raw, string(raw), "and stays as it is")

				require.NoError(t, m.Put(t.Context(), "user", p.login("user")), "but a new login takes its place")
				_, err = m.Token(t.Context(), "user")
				require.NoError(t, err)
				require.NoError(t, m.Close())
			})
		})
	}
}

func TestSealedRecordReadUnsealedSaysHowToOpenIt(t *testing.T) {
	store, p := new(tokens.Memory), newProvider()
	sealed, err := tokens.Sealed(store, bytes.Repeat([]byte{1}, 32))
	require.NoError(t, err)
	m := newManager(p.config(), sealed, nil)
	require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
	require.NoError(t, m.Close())

	unsealed := newManager(p.config(), store, nil)
	_, err = unsealed.Token(t.Context(), "user")
	require.ErrorContains(t, err, "is sealed: wrap the store in tokens.Sealed, with its key")
	require.NotErrorIs(t, err, csoauth.ErrLoginRequired, "the login may be fine; it cannot be read")
	require.NoError(t, unsealed.Close())
}

func TestTokenThatDoesNotStoreIsRefused(t *testing.T) {
	m := newManager(newProvider().config(), new(tokens.Memory), nil)
	err := m.Put(t.Context(), "user", &csoauth.Token{AccessToken: "a", UserUID: "\xff"})
	require.ErrorContains(t, err, "UTF-8")
	_, err = m.Token(t.Context(), "user")
	require.ErrorIs(t, err, tokens.ErrNotFound)
	require.NoError(t, m.Close())
}

// FuzzRecord: what can be read can be written and read again, and a Manager that finds anything at
// all neither panics nor hangs.
func FuzzRecord(f *testing.F) {
	for _, file := range []string{"testdata/record-v1.json", "testdata/record-leased-v1.json"} {
		golden, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(golden)
	}
	f.Add([]byte(`{"kind":"csoauth/tokens.Record","version":1,"seq":9223372036854775807,"lifetime_ms":9223372036854775807,"lease":"m","lease_ms":1,"token":{"kind":"csoauth.Token","version":1,"refresh_token":"R","expiry":"9999-12-31T23:59:59Z"}}`))
	f.Add([]byte(`{"kind":"csoauth/tokens.Record","version":1,"token":{"kind":"csoauth.Token","version":1,"access_token":"A","expiry":"0001-01-01T00:00:01Z"}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if once, err := tokens.Reencode(raw); err == nil {
			twice, err := tokens.Reencode(once)
			require.NoError(t, err)
			require.Equal(t, string(once), string(twice))
		}
		synctest.Test(t, func(t *testing.T) {
			m := newManager(storedRefresher(func() (*csoauth.Token, error) { return nil, csoauth.ErrNotSent }), storedIn(t, raw), nil)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			for range 3 {
				_, _ = m.Token(ctx, "user")
			}
			require.NoError(t, m.Close())
		})
	})
}
