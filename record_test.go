package csoauth_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"net/url"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
)

// fullToken has every member set, the terms by a real exchange.
func fullToken(t testing.TB) *csoauth.Token {
	c := testConfig()
	c.ClientSecret = "s3cret"
	mock(c, 200, `{"access_token":"A","refresh_token":"R","scope":"a:read b:read","location":"EU","organization_uid":"blt1",
		"user_uid":"blt2","authorization_type":"user","stack_api_key":"blt3"}`)
	r := goldenRequest(t, c, nil)
	token, err := c.Exchange(t.Context(), r, url.Values{"state": {r.State}, "code": {"c"}, "region": {"EU"}})
	require.NoError(t, err)
	token.Expiry = time.Date(2026, 11, 22, 20, 30, 40, 123456789, time.UTC)
	return token
}

func fullRequest(t testing.TB) *csoauth.AuthRequest {
	c := testConfig()
	c.ChallengeMethod, c.Scopes = csoauth.Plain, []string{"a:read"}
	r := goldenRequest(t, c, &csoauth.AuthOptions{OmitMethod: true, Params: map[string]string{"p": "1"}, OrganizationUID: "blt1"})
	r.Expires = time.Date(2026, 11, 22, 20, 30, 40, 0, time.UTC)
	return r
}

func requireStoredFormRoundTrips(t testing.TB, token *csoauth.Token) {
	data, err := token.MarshalBinary()
	require.NoError(t, err)
	var back csoauth.Token
	require.NoError(t, back.UnmarshalBinary(data))
	require.Equal(t, *token, back)
}

func TestStoredFormKeepsEverything(t *testing.T) {
	requireStoredFormRoundTrips(t, fullToken(t))
	requireStoredFormRoundTrips(t, &csoauth.Token{})
	requireStoredFormRoundTrips(t, old())

	r := fullRequest(t)
	data, err := r.MarshalBinary()
	require.NoError(t, err)
	var back csoauth.AuthRequest
	require.NoError(t, back.UnmarshalBinary(data))
	require.Equal(t, *r, back)
}

func TestStoredFormIsTheVersionedOne(t *testing.T) {
	token, err := fullToken(t).MarshalBinary()
	require.NoError(t, err)
	request, err := fullRequest(t).MarshalBinary()
	require.NoError(t, err)
	for file, data := range map[string][]byte{"testdata/records/token-v1.json": token, "testdata/records/authrequest-v1.json": request} {
		want, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, strings.TrimSpace(string(want)), string(data), "a change that old versions misread needs a new version and a new file")
	}
}

func TestOlderVersionsAreRead(t *testing.T) {
	data, err := os.ReadFile("testdata/records/token-v1.json")
	require.NoError(t, err)
	var token csoauth.Token
	require.NoError(t, token.UnmarshalBinary(data))
	require.Equal(t, *fullToken(t), token)
	require.NoError(t, csoauth.ReadRecordAs(2, data), "a csoauth of version 2 reads version 1")

	data, err = os.ReadFile("testdata/records/authrequest-v1.json")
	require.NoError(t, err)
	var r csoauth.AuthRequest
	require.NoError(t, r.UnmarshalBinary(data))
	require.Equal(t, *fullRequest(t), r)
}

func TestGobUsesTheStoredForm(t *testing.T) {
	type session struct {
		Request *csoauth.AuthRequest
		Token   csoauth.Token
	}
	in := session{fullRequest(t), *fullToken(t)}
	var buf bytes.Buffer
	require.NoError(t, gob.NewEncoder(&buf).Encode(in))
	var out session
	require.NoError(t, gob.NewDecoder(&buf).Decode(&out))
	require.Equal(t, in, out)
}

func TestStoredAttemptCanBeExchangedOnce(t *testing.T) {
	c, _ := sentTo()
	r, err := c.NewAuthRequest(nil)
	require.NoError(t, err)
	data, err := r.MarshalBinary()
	require.NoError(t, err)
	var back csoauth.AuthRequest
	require.NoError(t, back.UnmarshalBinary(data))
	callback := url.Values{"state": {r.State}, "code": {"c"}}
	_, err = c.Exchange(t.Context(), &back, callback)
	require.ErrorIs(t, err, errSent)
	_, err = c.Exchange(t.Context(), &back, callback)
	require.ErrorIs(t, err, csoauth.ErrAttemptExpired)
}

func TestRecordsThatCannotBeRead(t *testing.T) {
	token, err := fullToken(t).MarshalBinary()
	require.NoError(t, err)
	request, err := fullRequest(t).MarshalBinary()
	require.NoError(t, err)
	with := func(data []byte, member string, value any) []byte {
		var m map[string]any
		require.NoError(t, json.Unmarshal(data, &m))
		m[member] = value
		changed, err := json.Marshal(m)
		require.NoError(t, err)
		return changed
	}
	for name, row := range map[string]struct {
		data  []byte
		token string // want of Token's error
		other string // want of AuthRequest's
	}{
		"empty":           {nil, "0 bytes are not the JSON object", "0 bytes are not the JSON object"},
		"no JSON":         {[]byte("gob?"), "4 bytes are not the JSON object", "4 bytes are not the JSON object"},
		"cut":             {token[:40], "40 bytes are not the JSON object", "40 bytes are not the JSON object"},
		"two records":     {append(bytes.Clone(token), token...), "are not the JSON object", "are not the JSON object"},
		"no kind":         {[]byte("{}"), `the record is of kind ""`, `the record is of kind ""`},
		"the other kind":  {request, `the record is of kind "csoauth.AuthRequest"`, ""},
		"its other kind":  {token, "", `the record is of kind "csoauth.Token"`},
		"a newer version": {with(token, "version", 2), "the record has version 2, but this csoauth reads at most version 1: update csoauth in all programs", `kind "csoauth.Token"`},
		"a newer request": {with(request, "version", 7), "kind", "the record has version 7, but this csoauth reads at most version 1"},
		"version zero":    {with(token, "version", 0), "the record has version 0, but versions begin at 1", "kind"},
		"a negative one":  {with(request, "version", -1), "kind", "the record has version -1"},
		"a wrong type":    {with(token, "access_token", []int{1}), "a member of the record has the wrong type", "kind"},
		"a wrong region":  {with(token, "region", "mars"), "a member of the record has the wrong type", "kind"},
		"a bad verifier":  {with(request, "verifier", "short"), "kind", "verifier: 5 characters, want 43 to 128"},
		"a bad method":    {with(request, "challenge_method", "none"), "kind", "unknown challenge method"},
		"S256, omitted":   {with(request, "challenge_method", "S256"), "kind", "omit_method is set, but the method is not plain"},
		"no state":        {with(request, "state", ""), "kind", "client_id, state, redirect_uri or expires is missing"},
		"no client":       {with(request, "client_id", ""), "kind", "is missing"},
		"no redirect URI": {with(request, "redirect_uri", ""), "kind", "is missing"},
		"no end":          {with(request, "expires", "0001-01-01T00:00:00Z"), "kind", "is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			if row.token != "" {
				kept := *old()
				before := kept
				require.ErrorContains(t, kept.UnmarshalBinary(row.data), "csoauth: stored csoauth.Token: ")
				require.ErrorContains(t, kept.UnmarshalBinary(row.data), row.token)
				require.Equal(t, before, kept, "what was there stays")
			}
			if row.other != "" {
				var kept csoauth.AuthRequest
				require.ErrorContains(t, kept.UnmarshalBinary(row.data), "csoauth: stored csoauth.AuthRequest: ")
				require.ErrorContains(t, kept.UnmarshalBinary(row.data), row.other)
				require.Equal(t, csoauth.AuthRequest{}, kept)
			}
		})
	}
}

func TestStoredFormRefusesWhatItWouldChange(t *testing.T) {
	const broken = "\xff"
	for name := range stringsOf(fullToken(t)) {
		token := fullToken(t)
		stringsOf(token)[name].SetString(broken)
		_, err := token.MarshalBinary()
		require.ErrorContains(t, err, "csoauth: stored csoauth.Token: a string is not valid UTF-8", name)
	}
	for name := range stringsOf(fullRequest(t)) {
		r := fullRequest(t)
		stringsOf(r)[name].SetString(broken)
		_, err := r.MarshalBinary()
		require.ErrorContains(t, err, "csoauth: stored csoauth.AuthRequest: a string is not valid UTF-8", name)
	}
	for _, params := range []map[string]string{{"p": broken}, {broken: "1"}} {
		r := fullRequest(t)
		r.Params = params
		_, err := r.MarshalBinary()
		require.ErrorContains(t, err, "csoauth: stored csoauth.AuthRequest: a string is not valid UTF-8", "%q", params)
	}

	token := fullToken(t)
	token.Expiry = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	_, err := token.MarshalBinary()
	require.ErrorContains(t, err, "csoauth: stored csoauth.Token: ")
}

// stringsOf returns the exported strings of a struct, and the last of each slice of strings.
func stringsOf(pointer any) map[string]reflect.Value {
	all := map[string]reflect.Value{}
	for field, value := range reflect.ValueOf(pointer).Elem().Fields() {
		switch {
		case !field.IsExported():
		case value.Kind() == reflect.String:
			all[field.Name] = value
		case value.Type() == reflect.TypeFor[[]string]():
			all[field.Name] = value.Index(value.Len() - 1)
		}
	}
	return all
}

func FuzzStoredToken(f *testing.F) {
	data, err := fullToken(f).MarshalBinary()
	require.NoError(f, err)
	f.Add(data)
	f.Add([]byte(`{"kind":"csoauth.Token","version":1,"expiry":"2026-01-02T03:04:05.6+02:00","scopes":[],"secret_sent":false}`))
	f.Add([]byte(`{"kind":"csoauth.Token","version":2}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var token csoauth.Token
		if token.UnmarshalBinary(data) == nil {
			requireStoredFormRoundTrips(t, &token)
		}
	})
}

func FuzzStoredAuthRequest(f *testing.F) {
	data, err := fullRequest(f).MarshalBinary()
	require.NoError(f, err)
	f.Add(data)
	f.Add(bytes.Replace(data, []byte(`"plain"`), []byte(`""`), 1))
	f.Add(bytes.Replace(data, []byte(`{"p":"1"}`), []byte(`{}`), 1))
	f.Fuzz(func(t *testing.T, data []byte) {
		var r, back csoauth.AuthRequest
		if r.UnmarshalBinary(data) != nil {
			return
		}
		again, err := r.MarshalBinary()
		require.NoError(t, err)
		require.NoError(t, back.UnmarshalBinary(again))
		require.Equal(t, r, back)
	})
}
