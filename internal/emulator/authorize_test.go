package emulator_test

import (
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/emulator"
)

func TestAuthorizeRefusals(t *testing.T) {
	s := start(t, emulator.Options{})
	for name, row := range map[string]struct {
		app    string
		change url.Values
		want   string // empty: the consent form
	}{
		"good":         {"app1", nil, ""},
		"client as ID": {"client1", nil, `there is no app "client1": the path takes the App UID (Developer Hub, Basic Information), not the Client ID`},
		"another app's client": {"app1", url.Values{"client_id": {"client2"}},
			`client_id is "client2", and this app's is "client1" (Developer Hub, OAuth)`},
		"no client": {"app1", url.Values{"client_id": nil}, `client_id is "", and this app's is "client1" (Developer Hub, OAuth)`},
		"client in capitals": {"app1", url.Values{"client_id": {"Client1"}},
			`client_id is "Client1", and this app's is "client1" (Developer Hub, OAuth)`},
		"implicit flow":    {"app1", url.Values{"response_type": {"token"}}, `response_type is "token", want "code"`},
		"no response type": {"app1", url.Values{"response_type": nil}, `response_type is "", want "code"`},
		"configured scope": {"app1", url.Values{"scope": {"cm.stack:share"}}, ""},
		"both scopes":      {"app1", url.Values{"scope": {"user:read cm.stack:share"}}, ""},
		"scope of no app": {"app1", url.Values{"scope": {"user:read user:write"}},
			`scope "user:write" is not configured for this app (Developer Hub, OAuth, User Token)`},
		"no state":           {"app1", url.Values{"state": nil}, ""},
		"an extra parameter": {"app1", url.Values{"auto_select_organization": {"true"}}, ""},
		"a repeated parameter": {"app1", url.Values{"state": {"1", "2"}},
			`parameter "state" occurs 2 times (RFC 6749, 3.1)`},
		"a repeated extra parameter": {"app1", url.Values{"x": {"1", "1", "1"}},
			`parameter "x" occurs 3 times (RFC 6749, 3.1)`},
		"app without redirect URL": {"app4", url.Values{"client_id": {"client4"}}, "this app has no redirect URL (Developer Hub, OAuth)"},
	} {
		t.Run(name, func(t *testing.T) { requirePage(t, s, s.byPath(row.app, authorization(row.change)), row.want) })
	}
	t.Run("not form-encoded", func(t *testing.T) {
		requirePage(t, s, s.byPath("app1", authorization())+"&x=%zz", "the parameters are not form-encoded")
	})
}

func TestRedirectURIIsMatchedToTheByte(t *testing.T) {
	s := start(t, emulator.Options{})
	for name, row := range map[string]struct {
		uri string
		ok  bool
	}{
		"the first":           {callbackURI, true},
		"the second":          {otherURI, true},
		"none":                {"", true},
		"a slash more":        {otherURI + "/", false},
		"a letter less":       {otherURI[:len(otherURI)-1], false},
		"host in capitals":    {strings.Replace(otherURI, "app", "APP", 1), false},
		"its default port":    {strings.Replace(otherURI, ".com", ".com:443", 1), false},
		"http for https":      {strings.Replace(otherURI, "https", "http", 1), false},
		"a query more":        {otherURI + "?a=b", false},
		"without its query":   {strings.TrimSuffix(callbackURI, "?tenant=1"), false},
		"a query value more":  {callbackURI + "1", false},
		"an escape for a dot": {strings.Replace(otherURI, "app.", "app%2E", 1), false},
	} {
		t.Run(name, func(t *testing.T) {
			want := ""
			if !row.ok {
				// The query may be that of a callback, with its code.
				shown, query, hasQuery := strings.Cut(row.uri, "?")
				where := ""
				if hasQuery {
					shown += "?"
				}
				if strings.HasPrefix(query, "tenant") {
					where = ", with its query"
				}
				want = `redirect_uri "` + shown + `" is not registered for this app: it must match one of "` +
					callbackURI + `", "` + otherURI + `" exactly` + where + ` (Developer Hub, OAuth)`
			}
			requirePage(t, s, s.byPath("app1", authorization(url.Values{"redirect_uri": {row.uri}})), want)
		})
	}
}

// requirePage opens an authorize URL as it is, and finds that page: the consent form, or the error.
func requirePage(t *testing.T, s *site, authorizeURL, want string) {
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		body := ""
		if method == http.MethodPost {
			body = "decision=deny"
		}
		page := s.do(s.client, s.request(method, authorizeURL, body))
		switch {
		case want != "":
			require.Equal(t, http.StatusBadRequest, page.status, method)
			require.Contains(t, html.UnescapeString(page.body), `<p class="note" id="rule">`+want+"</p>", method)
			require.Empty(t, page.header.Get("Location"), "what a developer has to fix is not sent to the app")
			require.Equal(t, "refused: "+want, s.last().Decision, method)
		case method == http.MethodGet:
			require.Equal(t, http.StatusOK, page.status, page.body)
			require.Equal(t, "consent", page.header.Get("Emulator-Page"))
		default:
			require.Equal(t, "access_denied", page.callback(t).Get("error"))
		}
	}
}

func TestDefaultRedirectURIMustBeRepeatedForTheToken(t *testing.T) {
	s := start(t, emulator.Options{})
	for want, uri := range map[string][]string{
		"": {callbackURI},
		"400 invalid_grant: redirect_uri is not the one of the authorize URL": nil,
	} {
		code := s.code(url.Values{"redirect_uri": nil})
		require.Equal(t, want, s.token(redemption(code, url.Values{"redirect_uri": uri})).reason())
	}
}

func TestScopesThatWereAskedForLimitTheToken(t *testing.T) {
	s := start(t, emulator.Options{})
	for scope, want := range map[string]int{"": 200, "user:read": 200, "cm.stack:share": 403, "cm.stack:share user:read": 200} {
		tokens := s.token(redemption(s.code(url.Values{"scope": {scope}})))
		require.Empty(t, tokens.reason())
		require.Equal(t, want, s.user("Bearer "+tokens.Access).status, "scope=%s", scope)
	}
}
