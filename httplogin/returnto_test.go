package httplogin_test

import (
	"bytes"
	"cmp"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/httplogin"
)

func TestReturnTo(t *testing.T) {
	tests := map[string]string{ // to where; empty: refused
		"/": "/", "/a/b?c=d&e=%2F#f": "/a/b?c=d&e=%2F#f", "/über": "/%C3%BCber", "/?u=https://example.com//x": "/?u=https://example.com//x",
		"/?q=ü b~\u2028#ü": "/?q=%C3%BC%20b~%E2%80%A8#%C3%BC", "/%20%7e%21": "/%20%7e%21", "/?q=%0a%5c//": "/?q=%0a%5c//",
		"": "", "a": "", "//evil": "", `/\evil`: "", `\/evil`: "", "/%2fevil": "", "/%5cevil": "", "/%2F%2Fevil": "", "///evil": "", "/a//b": "",
		"https://evil": "", "HTTPS:evil": "", "javascript:alert(1)": "", "/\t/evil": "", "/\nSet-Cookie: a=b": "", "/\x00": "", "/%0d%0aa": "", "/%zz": "",
		"/%1f": "", "/%7f": "", "/a\x7f": "", `/?q=\`: "", `/#\`: "", "/#\x1f": "", "//user@evil": "", " /a": "",
		"/" + strings.Repeat("a", 511): "/" + strings.Repeat("a", 511), "/" + strings.Repeat("a", 512): "", "/" + strings.Repeat("a", 511) + "#": "",
		"/a" + strings.Repeat("ü", 85): "/a" + strings.Repeat("%C3%BC", 85), "/aa" + strings.Repeat("ü", 85): "", // escaped: 512, 513
	}
	for returnTo, want := range tests {
		t.Run(returnTo, func(t *testing.T) {
			assertReturn(t, "return_to="+url.QueryEscape(returnTo), want)
		})
	}
}

// What comes before return_to is decoded, and the rest of the query.
func TestReturnToInTheQuery(t *testing.T) {
	tests := map[string]string{
		"": "/", "next=/there": "/", "return_to=/here&next=//evil": "/here", "return_to=/ü%20b": "/%C3%BC%20b", "return_to=/a+b": "/a%20b",
		"return_to": "", "return_to=": "", "return_to=%zz": "", "return_to=/%zz": "", "return_to=/here&a=%zz": "", "return_to=/here;a": "",
		"return_to=/here&return_to=//evil": "", "return_to=//evil&return_to=/here": "", "return_to=/here&return_to=/here": "", "return_to=/here&return_to=": "",
	}
	for query, want := range tests {
		t.Run(query, func(t *testing.T) { assertReturn(t, query, want) })
	}
}

// assertReturn logs a user in who begins with this query, and asserts where that ends: empty for a
// return_to that is of no use, which is logged.
func assertReturn(t *testing.T, query, want string) {
	t.Helper()
	h := httpsHandlers()
	h.Config.HTTPClient = &http.Client{Transport: roundTrip(tokenFor)}
	var out bytes.Buffer
	h.Logger = slog.New(slog.NewTextHandler(&out, nil))
	cookie, state := start(t, h, "/login?"+query)
	w, err := comeBack(h, "code=c&state="+state, cookie)
	require.NoError(t, err)
	assert.Equal(t, http.StatusSeeOther, w.Code)
	assert.Equal(t, []string{cmp.Or(want, "/")}, w.Header().Values("Location"))
	assert.Equal(t, want == "", strings.Contains(out.String(), "level=INFO") && strings.Contains(out.String(), `err="httplogin: return_to is not a path of this site: `))
}

// An attempt that began with an earlier release may hold what is not safe any more.
func TestReturnToIsCheckedAgain(t *testing.T) {
	h := httpsHandlers()
	require.NoError(t, h.Validate())
	request, err := h.Config.NewAuthRequest(nil)
	require.NoError(t, err)
	h.Config.HTTPClient = &http.Client{Transport: roundTrip(tokenFor)}
	for to, want := range map[string]string{"//evil": "/", "/here": "/here"} {
		request.State = "state of " + to
		w, err := comeBack(h, url.Values{"code": {"code for " + to}, "state": {request.State}}.Encode(), h.Seal(request, to))
		require.NoError(t, err)
		assert.Equal(t, want, w.Header().Get("Location"))
	}
}

// The log says it to the developer who wrote the link.
func TestWhyAReturnToIsRefused(t *testing.T) {
	for path, why := range map[string]string{
		"/" + strings.Repeat("a", 512): "more than 512 bytes", "/" + strings.Repeat("ü", 255): "when it is escaped", "here": "begin with /",
		`/\\evil`: "backslash", "/\n": "control character", "/%zz": "path, query and fragment",
		"//evil": "path, query and fragment", "/a//b": "two slashes",
	} {
		_, err := httplogin.CheckReturnTo(path)
		require.ErrorIs(t, err, httplogin.ErrReturnTo)
		assert.ErrorContains(t, err, why)
	}
}

func FuzzReturnTo(f *testing.F) {
	for _, seed := range []string{"/", "//evil", `/\evil`, "/%2f%2fevil", "/a?b#c", "https://evil/", "/\u2028/", "/;@evil"} {
		f.Add(seed)
	}
	site, _ := url.Parse("https://example.com/login")
	f.Fuzz(func(t *testing.T, returnTo string) {
		safe, err := httplogin.CheckReturnTo(returnTo)
		if err != nil {
			return
		}
		to, err := site.Parse(safe)
		require.NoError(t, err)
		assert.Equal(t, "https://example.com", to.Scheme+"://"+to.Host)
		assert.Regexp(t, `^/($|[^/\\])`, safe)
		again, err := httplogin.CheckReturnTo(safe)
		require.NoError(t, err)
		assert.Equal(t, safe, again)
	})
}
