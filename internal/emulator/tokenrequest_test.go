package emulator_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/emulator"
)

func TestEveryTokenPathServesBothGrants(t *testing.T) {
	s := start(t, emulator.Options{})
	paths := []string{"/apps-api/apps/token", "/apps-api/token", "/token", "/apps/token"}
	require.ElementsMatch(t, paths, emulator.TokenPaths())
	require.Equal(t, paths[0], emulator.TokenPaths()[0], "the documented one")
	for _, path := range paths {
		t.Run(path, func(t *testing.T) {
			said := s.do(s.client, s.request(http.MethodPost, s.url+path, redemption(s.code()).Encode()))
			require.Equal(t, http.StatusOK, said.status, said.body)
			var tokens tokenAnswer
			require.NoError(t, json.Unmarshal([]byte(said.body), &tokens))
			said = s.do(s.client, s.request(http.MethodPost, s.url+path, renewal(tokens.Refresh).Encode()))
			require.Equal(t, http.StatusOK, said.status, said.body)
			require.Equal(t, path, s.last().Path)
		})
	}
	require.Equal(t, http.StatusNotFound, s.do(s.client, s.request(http.MethodPost, s.url+"/token/", "a=b")).status)
}

func TestTokenAnswerHasEveryMember(t *testing.T) {
	s := start(t, emulator.Options{Location: "AZURE_EU"})
	said := s.do(s.client, s.request(http.MethodPost, s.url+"/token", redemption(s.code()).Encode()))
	require.Equal(t, "application/json; charset=utf-8", said.header.Get("Content-Type"))
	require.Equal(t, "no-store", said.header.Get("Cache-Control"))
	var members map[string]any
	require.NoError(t, json.Unmarshal([]byte(said.body), &members))
	for _, name := range []string{"access_token", "refresh_token"} {
		require.Regexp(t, "^[0-9a-f]{32}$", members[name])
		delete(members, name)
	}
	require.Equal(t, map[string]any{
		"token_type": "Bearer", "expires_in": 3600.0, "location": "AZURE_EU", "organization_uid": press,
		"user_uid": ada, "authorization_type": "user", "stack_api_key": "",
	}, members)
}

// TestTokenRequestsThatACarefulClientDoesNotSend starts from a good request, so that each row has
// one thing wrong.
func TestTokenRequestsThatACarefulClientDoesNotSend(t *testing.T) {
	const prefix = "400 invalid_request: "
	const authorizationHeader = "there is an Authorization header: the client proves itself in the body"
	pad := func(size int) func(*http.Request, string) (*http.Request, string) {
		return func(r *http.Request, form string) (*http.Request, string) {
			form += "&pad="
			return r, form + strings.Repeat("a", size-len(form))
		}
	}
	header := func(name string, values ...string) func(*http.Request, string) (*http.Request, string) {
		return func(r *http.Request, form string) (*http.Request, string) {
			r.Header[name] = values
			return r, form
		}
	}
	add := func(more string) func(*http.Request, string) (*http.Request, string) {
		return func(r *http.Request, form string) (*http.Request, string) { return r, form + more }
	}
	for name, row := range map[string]struct {
		change func(r *http.Request, form string) (*http.Request, string)
		want   string
	}{
		"good":                   {add(""), ""},
		"with a charset":         {header("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8"), ""},
		"media in capitals":      {header("Content-Type", "Application/X-WWW-Form-URLEncoded"), ""},
		"an extra parameter":     {add("&x=y"), ""},
		"JSON":                   {header("Content-Type", "application/json"), prefix + `Content-Type is "application/json", want application/x-www-form-urlencoded`},
		"multipart":              {header("Content-Type", "multipart/form-data; boundary=x"), prefix + `Content-Type is "multipart/form-data; boundary=x", want application/x-www-form-urlencoded`},
		"no media type":          {header("Content-Type", ""), prefix + `Content-Type is "", want application/x-www-form-urlencoded`},
		"odd media type":         {header("Content-Type", "application/x-www-form-urlencoded;;"), prefix + `Content-Type is "application/x-www-form-urlencoded;;", want application/x-www-form-urlencoded`},
		"endless media type":     {header("Content-Type", strings.Repeat("a", 900)), prefix + `Content-Type is "` + strings.Repeat("a", 60) + `", want application/x-www-form-urlencoded`},
		"a repeated code":        {add("&code=another"), prefix + `parameter "code" occurs 2 times (RFC 6749, 3.1)`},
		"a repeated client":      {add("&client_id=client1&client_id=client1"), prefix + `parameter "client_id" occurs 3 times (RFC 6749, 3.1)`},
		"a repeated unknown":     {add("&x=1&x=1"), prefix + `parameter "x" occurs 2 times (RFC 6749, 3.1)`},
		"a bad escape":           {add("&x=%zz"), prefix + "the parameters are not form-encoded"},
		"a semicolon":            {add("&x=1;y=2"), prefix + "the parameters are not form-encoded"},
		"basic authorization":    {header("Authorization", "Basic Y2xpZW50MTpz"), prefix + authorizationHeader},
		"a bearer token":         {header("Authorization", "Bearer x"), prefix + authorizationHeader},
		"a cookie":               {header("Cookie", "session=1"), prefix + "there is a cookie"},
		"an empty authorization": {header("Authorization", ""), prefix + authorizationHeader},
		"two authorizations":     {header("Authorization", "Basic Y2xpZW50MTpz", "Bearer x"), prefix + "there are 2 Authorization headers"},
		"the second one counts":  {header("Authorization", "", "Bearer x"), prefix + "there are 2 Authorization headers"},
		"an empty cookie":        {header("Cookie", ""), prefix + "there is a cookie"},
		"two cookies":            {header("Cookie", "", "session=1"), prefix + "there is a cookie"},
		"64 KiB":                 {pad(emulator.MaxForm), ""},
		"a byte over 64 KiB":     {pad(emulator.MaxForm + 1), prefix + "the body is over 65536 bytes"},
		"in the URL": {func(r *http.Request, form string) (*http.Request, string) {
			r.URL.RawQuery = form
			return r, form
		}, prefix + "there are parameters in the URL, where logs keep them: send them in the body"},
		"by GET":  {method(http.MethodGet), "405 invalid_request: the method is GET, want POST"},
		"by PUT":  {method(http.MethodPut), "405 invalid_request: the method is PUT, want POST"},
		"no body": {func(r *http.Request, _ string) (*http.Request, string) { return r, "" }, `401 invalid_client: client_id "" is not known`},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, emulator.Options{})
			code := s.code()
			changed, form := row.change(s.request(http.MethodPost, s.url+"/token", "replaced"), redemption(code).Encode())
			r := s.request(changed.Method, changed.URL.String(), form)
			r.Header = changed.Header
			said := s.do(s.client, r)
			answer := tokenAnswer{status: said.status}
			require.NoError(t, json.Unmarshal([]byte(said.body), &answer), said.body)
			require.Equal(t, row.want, answer.reason())
			if row.want != "" {
				require.Equal(t, "refused: "+row.want[len("400 "):], s.last().Decision)
				require.Empty(t, s.token(redemption(code)).reason(), "what cannot be read spends nothing")
			}
		})
	}
}

func method(name string) func(*http.Request, string) (*http.Request, string) {
	return func(r *http.Request, form string) (*http.Request, string) {
		r.Method = name
		return r, form
	}
}

func TestBodyThatBreaksOff(t *testing.T) {
	r := (&site{t: t}).request(http.MethodPost, "http://localhost/", "x")
	r.Body = http.MaxBytesReader(nil, r.Body, 0)
	_, err := emulator.ParseForm(r)
	require.EqualError(t, err, "the body broke off")
}

func TestTokenRefusalsAreNotCached(t *testing.T) {
	s := start(t, emulator.Options{})
	said := s.do(s.client, s.request(http.MethodPost, s.url+"/token", url.Values{"client_id": {"client1"}}.Encode()))
	require.Equal(t, "no-store", said.header.Get("Cache-Control"))
	require.Equal(t, "application/json; charset=utf-8", said.header.Get("Content-Type"))
}
