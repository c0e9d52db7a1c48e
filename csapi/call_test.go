package csapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csapi"
)

// Law: A1
func TestWhatARequestHas(t *testing.T) {
	for name, row := range map[string]struct {
		do   func(ctx context.Context, c *csapi.Client) error
		want string // method, URL and body
		head map[string]string
	}{
		"Get": {func(ctx context.Context, c *csapi.Client) error {
			return c.Get(ctx, csapi.ContentManagement, "/v3/user?x=1", nil)
		}, "GET https://api.contentstack.io/v3/user?x=1 ", map[string]string{"organization_uid": press}},
		"no slash": {func(ctx context.Context, c *csapi.Client) error { return c.Get(ctx, csapi.Launch, "projects", nil) },
			"GET https://launch-api.contentstack.com/projects ", map[string]string{"organization_uid": press}},
		"Call": {func(ctx context.Context, c *csapi.Client) error {
			return c.Call(ctx, "PUT", csapi.DeveloperHub, "/manifests/a%2Fb", map[string]int{"n": 1}, nil)
		}, `PUT https://developerhub-api.contentstack.com/manifests/a%2Fb {"n":1}`, map[string]string{"organization_uid": press, "Content-Type": inJSON}},
		"null": {func(ctx context.Context, c *csapi.Client) error {
			return c.Call(ctx, "POST", csapi.BrandKit, "/", json.RawMessage("null"), nil)
		}, "POST https://brand-kits-api.contentstack.com/ null", map[string]string{"organization_uid": press, "Content-Type": inJSON}},
		"stack": {func(ctx context.Context, c *csapi.Client) error {
			return c.Stack("blt1").Get(ctx, "/v3/content_types", nil)
		}, "GET https://api.contentstack.io/v3/content_types ", map[string]string{"api_key": "blt1"}},
		"branch": {func(ctx context.Context, c *csapi.Client) error {
			return c.Stack("blt1").Branch("main").Call(ctx, "DELETE", "/v3/entries", nil, nil)
		}, "DELETE https://api.contentstack.io/v3/entries ", map[string]string{"api_key": "blt1", "branch": "main"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := &service{answer: says(200, inJSON, "{}")}
			require.NoError(t, row.do(t.Context(), clientOf(s)))
			r := s.requests[0]
			require.Equal(t, row.want, r.Method+" "+r.URL.String()+" "+s.bodies[0])
			got := map[string]string{}
			for name, values := range r.Header {
				require.Len(t, values, 1)
				require.NotEmpty(t, values[0])
				got[strings.ToLower(name)] = values[0]
			}
			require.Regexp(t, `^csoauth/`, got["user-agent"])
			want := map[string]string{"authorization": "Bearer the-access-token-1", "accept": inJSON, "user-agent": got["user-agent"]}
			for name, value := range row.head {
				want[strings.ToLower(name)] = value
			}
			require.Equal(t, want, got)
		})
	}
}

func TestTokenOfNoOrganization(t *testing.T) {
	s := &service{answer: says(200, inJSON, "{}")}
	token := aToken()
	token.OrganizationUID = ""
	require.NoError(t, csapi.New(aConfig(), csapi.Static(token), &csapi.Options{Base: s}).Get(t.Context(), csapi.Launch, "/x", nil))
	_, there := s.requests[0].Header["Organization_uid"]
	require.False(t, there)
}

// TestEachCallEndsWithItsContext, while the service hangs and while the Source does.
func TestEachCallEndsWithItsContext(t *testing.T) {
	for name, call := range map[string]func(ctx context.Context, c *csapi.Client) error{
		"Get":          func(ctx context.Context, c *csapi.Client) error { return c.Get(ctx, csapi.App, "/x", nil) },
		"Stack":        func(ctx context.Context, c *csapi.Client) error { return c.Stack("k").Get(ctx, "/x", nil) },
		"User":         func(ctx context.Context, c *csapi.Client) error { _, err := c.User(ctx); return err },
		"Organization": func(ctx context.Context, c *csapi.Client) error { _, err := c.Organization(ctx); return err },
		"Stacks": func(ctx context.Context, c *csapi.Client) (err error) {
			for _, err = range c.Stacks(ctx) {
			}
			return err
		},
		"Organizations": func(ctx context.Context, c *csapi.Client) (err error) {
			for _, err = range c.Organizations(ctx) {
			}
			return err
		},
		"Revoke": func(ctx context.Context, c *csapi.Client) error { return c.Revoke(ctx) },
		"HTTPClient": func(ctx context.Context, c *csapi.Client) error {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://api.contentstack.io/x", nil)
			if err == nil {
				_, err = c.HTTPClient().Do(req)
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for _, c := range []*csapi.Client{
					csapi.New(aConfig(), csapi.Static(aToken()), &csapi.Options{Base: hanging{}}),
					csapi.New(aConfig(), hangingSource{}, &csapi.Options{Base: hanging{}}),
				} {
					ctx, cancel := context.WithTimeout(t.Context(), time.Second)
					defer cancel()
					began := time.Now()
					require.ErrorIs(t, call(ctx, c), context.DeadlineExceeded)
					require.Equal(t, time.Second, time.Since(began))
				}
			})
		})
	}
}

type hangingSource struct{}

func (hangingSource) Token(ctx context.Context) (*csoauth.Token, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}
func (hangingSource) Invalidate(context.Context, string) error { return nil }

func TestEachServiceHasItsHost(t *testing.T) {
	s := &service{answer: says(200, inJSON, "{}")}
	c := clientOf(s)
	hosts := map[string]bool{}
	for service := csapi.ContentManagement; service <= csapi.App; service++ {
		require.NoError(t, c.Get(t.Context(), service, "/x", nil))
		base, err := c.BaseURL(t.Context(), service)
		require.NoError(t, err)
		r := s.requests[len(s.requests)-1]
		require.Equal(t, base+"/x", r.URL.String())
		hosts[r.URL.Host] = true
		require.NotContains(t, service.String(), "Service(")
	}
	require.Len(t, hosts, 8)
	require.ElementsMatch(t, aConfig().HostsFor(aToken()), keys(hosts), "these and no others get a token")
	require.Equal(t, "[ContentManagement DeveloperHub Launch BrandKit PersonalizeManagement ComposableStudio Auth App]", fmt.Sprint([]csapi.Service{
		csapi.ContentManagement, csapi.DeveloperHub, csapi.Launch, csapi.BrandKit, csapi.PersonalizeManagement, csapi.ComposableStudio, csapi.Auth, csapi.App,
	}))
	require.Equal(t, "Service(8)", csapi.Service(8).String())
	_, err := csapi.New(aConfig(), csapi.Static(nil), nil).BaseURL(t.Context(), csapi.App)
	require.ErrorIs(t, err, csoauth.ErrLoginRequired)
	_, err = c.BaseURL(t.Context(), csapi.Service(8))
	require.EqualError(t, err, "csapi: the Config's Endpoints have no Service(8)")
}

func keys[V any](m map[string]V) (all []string) {
	for key := range m {
		all = append(all, key)
	}
	return all
}

// Law: A3
func TestPathsThatLeadElsewhere(t *testing.T) {
	s := &service{answer: says(200, inJSON, "{}")}
	for path, want := range map[string]string{
		"//evil.example/v3":          "two slashes",
		"///evil.example/v3":         "two slashes",
		"/v3/../../etc":              "the segment . or ..",
		"/v3/%2e%2E/x":               "the segment . or ..",
		"..":                         "the segment . or ..",
		"/v3/./user":                 "the segment . or ..",
		"/v3#x":                      "fragment",
		"/v3#":                       "fragment",
		"/v3\\x":                     "backslash",
		"/v3/%zz":                    "does not parse",
		"/v3\x7f":                    "does not parse",
		"/v3/ user\n":                "does not parse",
		"/v3/x?y=\x00":               "does not parse",
		"https://evil.example/%":     "does not parse",
		"/v3/user?next=//evil/../x":  "",
		"https://evil.example/v3":    "",
		"/v3/entries/a..b":           "",
		"@evil.example/":             "",
		"/v3/x?redirect=http://evil": "",
	} {
		err := clientOf(s).Get(t.Context(), csapi.ContentManagement, path, nil)
		if want == "" {
			require.NoError(t, err, path)
			require.Equal(t, "api.contentstack.io", s.requests[len(s.requests)-1].URL.Host)
			continue
		}
		require.ErrorContains(t, err, want, path)
		require.ErrorContains(t, err, "csapi: GET /")
	}
}

func TestResponses(t *testing.T) {
	type out struct{ Name string }
	for name, row := range map[string]struct {
		status      int
		contentType string
		body        string
		want        out
		err         string
	}{
		"JSON":            {200, inJSON, `{"name":"a"}`, out{"a"}, ""},
		"created":         {201, inJSON, `{"name":"a"}`, out{"a"}, ""},
		"no content":      {204, "", "", out{"before"}, ""},
		"empty":           {200, inJSON, " \n", out{"before"}, ""},
		"some success":    {299, inJSON, `{"name":"a"}`, out{"a"}, ""},
		"of no type":      {200, "", `{"name":"a"}`, out{"a"}, ""},
		"another type":    {200, inJSON, `{"name":1}`, out{"before"}, "csapi: GET /x: the response: json: cannot unmarshal number"},
		"a page":          {200, "text/html", "<html><b>Log in</b> to the proxy", out{"before"}, "csapi: GET /x: 200 OK: the response is a page, perhaps of a proxy: Log in to the proxy"},
		"text":            {200, "text/plain", "hello\x1b[31m", out{"before"}, "csapi: GET /x: 200 OK: the response is no JSON object: hello[31m"},
		"byte order mark": {200, inJSON, "\uFEFF" + `{"name":"a"}`, out{"a"}, ""},
		"cut":             {200, inJSON, `{"name":"a`, out{"before"}, "csapi: GET /x: 200 OK: the response is no JSON object: "},
		"redirect":        {302, "", "", out{"before"}, "csapi: GET /x: 302 Found: the response is a redirect, which is not followed"},
		"any redirect":    {399, "", "", out{"before"}, "csapi: GET /x: 399: the response is a redirect, which is not followed"},
		"page of failure": {403, "text/html; charset=utf-8", "<h1>Forbidden</h1>", out{"before"}, "csapi: GET /x: 403 Forbidden: the response is a page, perhaps of a proxy: Forbidden"},
		"empty failure":   {404, "", "", out{"before"}, "csapi: GET /x: 404 Not Found: the response is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			got := out{"before"}
			s := &service{answer: says(row.status, row.contentType, row.body)}
			err := clientOf(s).Get(t.Context(), csapi.ContentManagement, "/x?secret=1", &got)
			require.Zero(t, s.open)
			require.Equal(t, row.want, got)
			if row.err == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, row.err)
			require.NotContains(t, err.Error(), "secret")
		})
	}
	t.Run("it breaks off", func(t *testing.T) {
		s := &service{answer: func(int, *http.Request) *http.Response {
			resp := response(200, inJSON, "")
			resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"na`), iotest.ErrReader(errors.New("reset"))))
			return resp
		}}
		require.EqualError(t, clientOf(s).Get(t.Context(), csapi.ContentManagement, "/x", nil), "csapi: GET /x: the response broke off: reset")
	})
	t.Run("nobody wants it", func(t *testing.T) {
		s := &service{answer: says(200, "text/html", "<html>")}
		require.NoError(t, clientOf(s).Call(t.Context(), "DELETE", csapi.DeveloperHub, "/x", nil, nil))
	})
	t.Run("too large", func(t *testing.T) {
		s := &service{answer: says(200, inJSON, strings.Repeat(" ", 16<<20+1))}
		require.ErrorContains(t, clientOf(s).Get(t.Context(), csapi.ContentManagement, "/x", nil), "the response is over 16777216 bytes")
	})
}

// TestEachShapeOfAnError has those of Contentstack's services, as they are documented or were seen.
func TestEachShapeOfAnError(t *testing.T) {
	for name, row := range map[string]struct {
		status int
		body   string
		want   csapi.Error
		is     []error
	}{
		"content management": {401, `{"error_message":"The provided access token is invalid or expired or revoked","error_code":105,"errors":{}}`,
			csapi.Error{Code: 105, Message: "The provided access token is invalid or expired or revoked"}, nil},
		"code as text": {403, `{"error_message":"You don't have the permission to do this operation.","error_code":"316"}`,
			csapi.Error{Code: 316, Message: "You don't have the permission to do this operation."}, []error{csapi.ErrForbidden}},
		"scope": {403, `{"error_message":"The provided access token has insufficient scopes"}`,
			csapi.Error{Message: "The provided access token has insufficient scopes"}, []error{csapi.ErrForbidden, csapi.ErrInsufficientScope}},
		"fields": {422, `{"error_message":"Entry creation failed.","error_code":119,"errors":{"title":["is not unique","is short"],"url":"is missing"}}`,
			csapi.Error{Code: 119, Message: "Entry creation failed.", Fields: map[string][]string{"title": {"is not unique", "is short"}, "url": {"is missing"}}}, []error{csapi.ErrInvalid}},
		"list of errors":  {422, `{"error_message":"Failed.","errors":["one","two"]}`, csapi.Error{Message: "Failed. one, two"}, []error{csapi.ErrInvalid}},
		"list of nothing": {422, `{"error_message":"Failed.","errors":[{}]}`, csapi.Error{Message: "Failed."}, []error{csapi.ErrInvalid}},
		"api key":         {412, `{"error_message":"The api_key is not valid.","error_code":109}`, csapi.Error{Code: 109, Message: "The api_key is not valid."}, []error{csapi.ErrInvalid}},
		"developer hub":   {404, `{"statusCode":404,"message":"App with id x not found","error":"Not Found"}`, csapi.Error{Message: "App with id x not found"}, []error{csapi.ErrNotFound}},
		"an array":        {400, `{"statusCode":400,"message":["one","two"],"error":"Bad Request"}`, csapi.Error{Message: "one, two"}, []error{csapi.ErrInvalid}},
		"error alone":     {400, `{"error":"bad thing"}`, csapi.Error{Message: "bad thing"}, []error{csapi.ErrInvalid}},
		"launch":          {409, `{"errors":[{"code":"launch.PROJECTS.DUPLICATE","message":"Project exists"}],"status":409}`, csapi.Error{Message: "launch.PROJECTS.DUPLICATE Project exists"}, nil},
		"too many":        {429, `{"error_message":"slow down"}`, csapi.Error{Message: "slow down"}, []error{csapi.ErrRateLimited}},
		"with a mark":     {400, "\uFEFF" + `{"message":"bad"}`, csapi.Error{Message: "bad"}, []error{csapi.ErrInvalid}},
		"no object":       {500, `[1]`, csapi.Error{Message: "the response is no JSON object: [1]"}, nil},
		"nothing known":   {400, `{"x":1}`, csapi.Error{}, []error{csapi.ErrInvalid}},
		"a secret":        {400, `{"message":"the-access-token-1 is bad"}`, csapi.Error{Message: "(text withheld: it contains a secret)"}, []error{csapi.ErrInvalid}},
		"a terminal":      {400, `{"message":"\u001b[31mred\nline"}`, csapi.Error{Message: "[31mred line"}, []error{csapi.ErrInvalid}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &service{answer: says(row.status, inJSON, row.body)}
				err := clientOf(s).Call(t.Context(), "POST", csapi.Launch, "/a/b?c=d", 1, nil)
				e, ok := errors.AsType[*csapi.Error](err)
				require.True(t, ok, "%v", err)
				row.want.Service, row.want.Method, row.want.Path, row.want.StatusCode = csapi.Launch, "POST", "/a/b", row.status
				want := row.want
				e.RetryAfter = 0
				got := *e
				require.Equal(t, want.Message, got.Message)
				require.Equal(t, want.Fields, got.Fields)
				require.Equal(t, [5]any{want.Service, want.Method, want.Path, want.StatusCode, want.Code}, [5]any{got.Service, got.Method, got.Path, got.StatusCode, got.Code})
				for _, sentinel := range []error{csapi.ErrForbidden, csapi.ErrInsufficientScope, csapi.ErrRateLimited, csapi.ErrNotFound, csapi.ErrInvalid, csapi.ErrNoUser, csoauth.ErrLoginRequired} {
					isOne := false
					for _, is := range row.is {
						isOne = isOne || is == sentinel
					}
					require.Equal(t, isOne, errors.Is(err, sentinel), "%v", sentinel)
				}
			})
		})
	}
}

func TestFieldsAreBounded(t *testing.T) {
	fields := map[string][]string{}
	for i := range 100 {
		fields[fmt.Sprint("field ", i)] = strings.Split(strings.Repeat("x ", 100), " ")
	}
	body, err := json.Marshal(map[string]any{"errors": fields})
	require.NoError(t, err)
	s := &service{answer: says(422, inJSON, string(body))}
	err = clientOf(s).Get(t.Context(), csapi.ContentManagement, "/x", nil)
	e, ok := errors.AsType[*csapi.Error](err)
	require.True(t, ok)
	require.Len(t, e.Fields, 20)
	for _, texts := range e.Fields {
		require.Len(t, texts, 5)
	}
	require.Less(t, len(err.Error()), 1000)
}

// Law: A3
func TestConfigThatDoesNotFit(t *testing.T) {
	s := &service{answer: says(200, inJSON, "{}")}
	for name, row := range map[string]struct {
		endpoints csoauth.Endpoints
		want      string
	}{
		"no such service": {csoauth.Endpoints{App: "https://app.example.com"}, "the Config's Endpoints have no ContentManagement"},
		"without TLS":     {csoauth.Endpoints{App: "https://app.example.com", ContentManagement: "http://api.example.com"}, "api.example.com is not a host for a token, or the URL is not https"},
		"not a URL":       {csoauth.Endpoints{App: "https://app.example.com", ContentManagement: "api.example.com"}, "is not a host for a token"},
	} {
		c := aConfig()
		c.Endpoints = map[csoauth.Region]csoauth.Endpoints{csoauth.NA: row.endpoints}
		err := csapi.New(c, csapi.Static(aToken()), &csapi.Options{Base: s}).Get(t.Context(), csapi.ContentManagement, "/x", nil)
		require.ErrorContains(t, err, row.want, name)
	}
	require.Zero(t, s.count())
	require.ErrorContains(t, csapi.New(aConfig(), csapi.Static(nil), nil).Get(t.Context(), csapi.App, "/", nil), "there is no access token")
	require.ErrorIs(t, csapi.New(aConfig(), csapi.Static(&csoauth.Token{}), nil).Get(t.Context(), csapi.App, "/", nil), csoauth.ErrLoginRequired)
	require.EqualError(t, clientOf(s).Stack("").Get(t.Context(), "/v3/entries", nil), "csapi: the stack's API key is empty")
	require.ErrorContains(t, clientOf(s).Call(t.Context(), "POST", csapi.App, "/x", func() {}, nil), "csapi: POST /x: the body: json: unsupported type")
	require.ErrorContains(t, clientOf(s).Call(t.Context(), "BAD METHOD", csapi.App, "/x", nil, nil), "csapi: BAD METHOD /x: ")
}

// TestTimeoutIsOfOneTry, and the caller's context is the caller's.
func TestTimeoutIsOfOneTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangs := &hanging{}
		c := csapi.New(aConfig(), csapi.Static(aToken()), &csapi.Options{Base: hangs})
		began := time.Now()
		err := c.Get(t.Context(), csapi.ContentManagement, "/x", nil)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "Timeout")
		require.Equal(t, 30*time.Second, time.Since(began))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err = c.Get(ctx, csapi.ContentManagement, "/x", nil)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotContains(t, err.Error(), "Options' Timeout")
	})
}

type hanging struct{}

func (hanging) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestNothingSecretIsPrinted(t *testing.T) {
	c := csapi.New(aConfig(), csapi.Static(aToken()), nil)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		assert.NotContains(t, fmt.Sprintf(verb, c), "the-access-token")
		assert.NotContains(t, fmt.Sprintf(verb, csapi.Static(aToken())), "the-access-token")
		assert.NotContains(t, fmt.Sprintf(verb, c.Stack("blt1")), "the-access-token")
		assert.NotContains(t, fmt.Sprintf(verb, c.HTTPClient()), "the-access-token")
		assert.Equal(t, "csapi.Transport", fmt.Sprintf(verb, c.HTTPClient().Transport))
	}
}

// TestContextThatHasEnded sends nothing, whatever the transport makes of it.
func TestContextThatHasEnded(t *testing.T) {
	s := &service{answer: says(200, inJSON, "{}")}
	c := clientOf(s)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, c.Get(ctx, csapi.ContentManagement, "/x", nil), context.Canceled)
	require.Zero(t, s.count())
}

// TestTimeoutSaysWhatItIs.
func TestTimeoutSaysWhatItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := csapi.New(aConfig(), csapi.Static(aToken()), &csapi.Options{Base: hanging{}, Timeout: time.Second})
		err := c.Get(t.Context(), csapi.ContentManagement, "/x", nil)
		require.ErrorContains(t, err, ": Options.Timeout has passed")
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}
