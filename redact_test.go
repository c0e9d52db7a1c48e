package csoauth_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csoauthtest"
)

// A canary plants secrets and looks for them in whatever was printed.
type canary struct {
	t     *testing.T
	marks []string
}

// plant marks a secret. A test marks it as soon as it exists, no matter who made it.
func (c *canary) plant(secret string) string {
	require.NotEmpty(c.t, secret)
	c.marks = append(c.marks, secret, url.QueryEscape(secret), url.PathEscape(secret), strings.ReplaceAll(url.QueryEscape(secret), "+", "%20"))
	return secret
}

func (c *canary) absentIn(text, where string) {
	c.t.Helper()
	for _, mark := range c.marks {
		require.NotContains(c.t, text, mark, where)
	}
}

var verbs = []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%e", "%U", "%c", "%b", "%o"}

// absentInAnyForm prints v in every way a program may: by fmt, by slog as text and as JSON, and by
// encoders.
func (c *canary) absentInAnyForm(v any) {
	c.t.Helper()
	for _, verb := range verbs {
		c.absentIn(fmt.Sprintf(verb, v), verb)
	}
	c.absentIn(fmt.Sprint(v), "Sprint")
	for name, handler := range map[string]func(io.Writer) slog.Handler{
		"slog text": func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, nil) },
		"slog JSON": func(w io.Writer) slog.Handler { return slog.NewJSONHandler(w, nil) },
	} {
		var out bytes.Buffer
		slog.New(handler(&out)).Info("planted", "value", v, slog.Group("group", "value", v))
		require.Contains(c.t, out.String(), "planted")
		c.absentIn(out.String(), name)
	}
	data, _ := json.Marshal(v)
	c.absentIn(string(data), "JSON")
	data, _ = xml.Marshal(v)
	c.absentIn(string(data), "XML")
}

// everyHolder puts v wherever a caller may keep it: as it is, behind a pointer, and in exported
// fields, slices and maps.
func everyHolder[T any](v T) []any {
	type holder struct {
		Field   T
		Pointer *T
		Any     any
		Nested  struct{ Inner []T }
	}
	h := holder{Field: v, Pointer: &v, Any: v}
	h.Nested.Inner = []T{v}
	return []any{v, &v, []T{v}, []*T{&v}, [1]T{v}, map[string]T{"k": v}, map[string]*T{"k": &v}, h, &h, []any{v, &v}, fmt.Errorf("wrapped: %v", v)}
}

// Law: P8
func TestNoSecretIsPrinted(t *testing.T) {
	c := &canary{t: t}
	config := testConfig()
	config.ClientSecret = c.plant("C@nary client+secret/=")
	request, err := config.NewAuthRequest(nil)
	require.NoError(t, err)
	c.plant(request.State)
	c.plant(string(request.Verifier))
	mock(config, 200, `{"access_token":"C@naryAccess","refresh_token":"C@naryRefresh","stack_api_key":"C@naryStack"}`)
	c.plant("C@naryAccess")
	c.plant("C@naryRefresh")
	c.plant("C@naryStack")
	token, err := config.Exchange(t.Context(), request, url.Values{"state": {request.State}, "code": {c.plant("C@naryCode")}})
	require.NoError(t, err)

	var holders []any
	holders = append(holders, everyHolder(*config)...)
	holders = append(holders, everyHolder(*request)...)
	holders = append(holders, everyHolder(request.Verifier)...)
	holders = append(holders, everyHolder(*token)...)
	holders = append(holders, everyHolder(&csoauth.Error{Op: "refresh", Token: token})...)
	for _, holder := range holders {
		c.absentInAnyForm(holder)
	}
	c.absentIn(request.Verifier.String(), "String, which panic asks")
	for _, v := range []any{*config, *request, *token} {
		require.Contains(t, fmt.Sprint(v), "REDACTED", "that a secret is there is told")
		_, err := json.Marshal(v)
		require.ErrorContains(t, err, "does not marshal", "and not silently lost")
	}
	data, err := json.Marshal(&csoauth.Error{Op: "refresh", StatusCode: 400, Token: token})
	require.NoError(t, err, "an Error with a Token can be logged")
	require.Contains(t, string(data), `"StatusCode":400`)
	require.Contains(t, fmt.Sprint(csoauth.Token{}), `AccessToken:""`, "as is that none is")
	withPassword := "https://me:" + c.plant("hunter2") + "@example.com"
	for _, v := range []any{csoauth.Config{RedirectURI: withPassword}, csoauth.AuthRequest{RedirectURI: withPassword}, csoauth.Token{RedirectURI: withPassword}} {
		require.Contains(t, fmt.Sprint(v), "RedirectURI:\"REDACTED\"")
		c.absentInAnyForm(v)
	}
}

// TestWhatIsNoSecretIsPrinted: each member under its own name, or nobody can tell from a log what
// went wrong.
func TestWhatIsNoSecretIsPrinted(t *testing.T) {
	config := testConfig()
	config.ClientSecret, config.Scopes, config.Region = "s3cret", []string{"a:read", "b:read"}, csoauth.EU
	config.AuthorizeRoute, config.IgnoreCallbackRegion, config.UserAgent = csoauth.RoutePath, true, "tool/1"
	for want, v := range map[string]any{
		`csoauth.Config{AppUID:"64e0f1a2b3c4d5e6f7a8b9c0" ClientID:"Ie0FEfTzlfAHL4xM" RedirectURI:"https://app.example.com/oauth/callback" ` +
			`ClientSecret:"REDACTED" Scopes:"a:read b:read" Region:"eu" ChallengeMethod:"S256" AuthorizeRoute:"path" IgnoreCallbackRegion:"true" UserAgent:"tool/1"}`: config,
		`csoauth.AuthRequest{ClientID:"Ie0FEfTzlfAHL4xM" State:"REDACTED" RedirectURI:"https://app.example.com/oauth/callback" Verifier:"REDACTED" ` +
			`ChallengeMethod:"plain" Scopes:"a:read" OrganizationUID:"blt1" Expires:"2026-11-22T20:30:40Z"}`: fullRequest(t),
		`csoauth.Token{AccessToken:"REDACTED" RefreshToken:"REDACTED" TokenType:"Bearer" Expiry:"2026-11-22T20:30:40Z" Scopes:"a:read b:read" ` +
			`OrganizationUID:"blt1" UserUID:"blt2" AuthorizationType:"user" StackAPIKey:"REDACTED" Location:"EU" ` +
			`ClientID:"Ie0FEfTzlfAHL4xM" RedirectURI:"https://app.example.com/oauth/callback"}`: fullToken(t),
	} {
		require.Equal(t, want, fmt.Sprint(v))
		var out bytes.Buffer
		slog.New(slog.NewTextHandler(&out, nil)).Info("", "v", v)
		_, members, _ := strings.Cut(strings.TrimSuffix(want, "}"), "{")
		for _, member := range strings.Split(members, `" `) {
			name, value, _ := strings.Cut(member, `:"`)
			require.Contains(t, strings.ReplaceAll(out.String(), `"`, ""), "v."+name+"="+strings.TrimRight(value, `Z"`)) // slog's times have a fraction
		}
	}
}

// TestNoSecretInAnyError drives every flow into every fault, with a server that repeats all it was
// sent in every way it can, and looks for each secret in what comes back.
//
// Law: P8
func TestNoSecretInAnyError(t *testing.T) {
	var c *canary // of the running subtest
	echoes := map[string]func(form string, values url.Values) (contentType, body string){
		"in the code": func(_ string, v url.Values) (string, string) { return "application/json", jsonOf("error", flat(v)) },
		"in the description": func(_ string, v url.Values) (string, string) {
			return "application/json", jsonOf("error", "e", "error_description", flat(v))
		},
		"form-encoded": func(form string, _ url.Values) (string, string) {
			return "application/json", jsonOf("error", "e", "error_description", form)
		},
		"lower-case escapes": func(form string, _ url.Values) (string, string) {
			return "application/json", jsonOf("error", "e", "error_description", lowerEscapes(form))
		},
		"as a message": func(form string, v url.Values) (string, string) {
			return "application/json", jsonOf("message", []string{form, flat(v)})
		},
		"as an object": func(form string, v url.Values) (string, string) {
			return "application/json", jsonOf("error", map[string]string{"code": form, "message": flat(v)})
		},
		"in JSON inside": func(_ string, v url.Values) (string, string) {
			return "application/json", jsonOf("error_message", jsonOf("sent", v))
		},
		"in errors": func(_ string, v url.Values) (string, string) {
			return "application/json", jsonOf("error_code", 1, "errors", v)
		},
		"with zero-width characters": func(_ string, v url.Values) (string, string) {
			return "application/json", jsonOf("error", "e", "error_description", strings.ReplaceAll(flat(v), "C@nary", "C@n\u200bary"))
		},
		"as HTML": func(form string, _ url.Values) (string, string) { return "text/html", form },
		"in a media type": func(form string, v url.Values) (string, string) {
			return "text/" + v.Get("client_id") + "; x=" + form, form
		},
		"as a token type": func(_ string, v url.Values) (string, string) {
			return "application/json", jsonOf("access_token", c.plant("C@naryNew1"), "token_type", flat(v))
		},
		"with a new token": func(_ string, v url.Values) (string, string) {
			return "application/json", jsonOf("access_token", c.plant("C@naryNew2"), "error", "it is C@naryNew2")
		},
		"as another user": func(_ string, v url.Values) (string, string) {
			return "application/json", jsonOf("access_token", c.plant("C@naryNew3"), "user_uid", flat(v))
		},
	}
	for name, echo := range echoes {
		for _, status := range []int{200, 400, 401, 403, 429, 500} {
			t.Run(fmt.Sprintf("%s %d", name, status), func(t *testing.T) {
				c = &canary{t: t}
				secret := c.plant(`C@nary "client" <secret>&+=%/\é`)
				config := testConfig()
				config.ClientSecret = secret
				config.HTTPClient = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
					form, err := io.ReadAll(r.Body)
					require.NoError(t, err)
					values, err := url.ParseQuery(string(form))
					require.NoError(t, err)
					contentType, body := echo(string(form), values)
					return &http.Response{
						StatusCode: status, Status: flat(values), Body: io.NopCloser(strings.NewReader(body)),
						Header: http.Header{"Content-Type": {contentType}, "X-Request-Id": {flat(values)}, "Set-Cookie": {flat(values)}, "Retry-After": {"60"}},
					}, nil
				})}
				request, err := config.NewAuthRequest(nil)
				require.NoError(t, err)
				code := c.plant("C@nary+code/" + name)
				c.plant(request.State)
				c.plant(string(request.Verifier))
				_, err = config.Exchange(t.Context(), request, url.Values{"state": {request.State}, "code": {code}})
				if err != nil || name != "as another user" || status != 200 { // a first token has no owner to differ from
					c.absentInError(err)
				}

				token := old()
				token.AccessToken, token.RefreshToken = c.plant("C@naryOldAccess"), c.plant("C@nary+old refresh&")
				_, err = config.Refresh(t.Context(), token)
				c.absentInError(err)
			})
		}
	}
}

// absentInError also looks into what errors.As finds.
func (c *canary) absentInError(err error) {
	c.t.Helper()
	require.Error(c.t, err)
	c.absentInAnyForm(err)
	var said *csoauth.Error
	if errors.As(err, &said) {
		c.absentInAnyForm(*said)
		c.absentInAnyForm(said.Description + said.Code)
	}
	for cause := err; cause != nil; cause = errors.Unwrap(cause) {
		c.absentIn(cause.Error(), "a cause")
	}
}

// Law: P8
func TestNoSecretOfACallbackInItsError(t *testing.T) {
	c := &canary{t: t}
	config := testConfig()
	request, err := config.NewAuthRequest(nil)
	require.NoError(t, err)
	c.plant(request.State)
	c.plant(string(request.Verifier))
	code := c.plant("C@nary+code")
	said := request.State + " " + string(request.Verifier) + " " + code + " " + url.QueryEscape(code)
	for _, callback := range []url.Values{
		{"state": {request.State}, "code": {code}, "error": {said}, "error_description": {said}},
		{"state": {request.State}, "code": {code, code}},
		{"state": {code}, "code": {code}},
		{"state": {request.State, request.State}, "code": {code}},
		{"state": {request.State}, "code": {code}, "location": {"NA"}, "region": {"EU"}},
		{"state": {request.State}},
	} {
		_, err := config.Exchange(t.Context(), request, callback)
		c.absentInError(err)
	}
}

// Law: P8
func TestNoSecretInTheEmulatorsLog(t *testing.T) {
	c := &canary{t: t}
	server := csoauthtest.NewServer(t, &csoauthtest.Options{Allow: []string{"plain-challenge"}})
	config := server.Config("http://localhost:8184")
	config.ClientSecret = c.plant("emulated-secret-of-the-default-app")
	for _, method := range []csoauth.ChallengeMethod{csoauth.S256, csoauth.Plain} {
		config.ChallengeMethod = method
		request, err := config.NewAuthRequest(&csoauth.AuthOptions{Params: map[string]string{"unknown": c.plant("C@nary+parameter")}})
		require.NoError(t, err)
		c.plant(request.State)
		c.plant(string(request.Verifier))
		callback := server.Callback(server.Browser(), config.AuthorizeURL(request))
		c.plant(callback.Get("code"))
		token, err := config.Exchange(t.Context(), request, callback)
		require.NoError(t, err)
		for range 2 {
			c.plant(token.AccessToken)
			c.plant(token.RefreshToken)
			token, _ = config.Refresh(context.Background(), token)
		}
	}
	require.NotEmpty(t, server.Requests())
	c.absentInAnyForm(server.Requests())
}

func jsonOf(pairs ...any) string {
	m := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i].(string)] = pairs[i+1]
	}
	data, _ := json.Marshal(m)
	return string(data)
}

func flat(v url.Values) string {
	var all []string
	for name := range v {
		all = append(all, name+"="+v.Get(name))
	}
	return strings.Join(all, " ")
}

// lowerEscapes writes %2B as %2b.
func lowerEscapes(form string) string {
	b := []byte(form)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i:i+3], strings.ToLower(form[i:i+3]))
		}
	}
	return string(b)
}
