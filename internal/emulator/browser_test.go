package emulator_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/emulator"
)

func TestBrowserFollowsEachShapeOfAuthorizeURL(t *testing.T) {
	s := start(t, emulator.Options{})
	query := authorization().Encode()
	for name, authorizeURL := range map[string]string{
		"hash, query inside":    s.url + "/#!/apps/app1/authorize?" + query,
		"hash, query before":    s.url + "/?" + query + "#!/apps/app1/authorize",
		"hash, a query of both": s.url + "/?client_id=other#!/apps/app1/authorize?" + query,
		"path":                  s.byPath("app1", authorization()),
		"path, and some anchor": s.byPath("app1", authorization()) + "#!/apps/app2/authorize",
	} {
		t.Run(name, func(t *testing.T) {
			back := s.visit(emulator.Visitor{}, authorizeURL).callback(t)
			require.Equal(t, "a state", back.Get("state"))
			require.Empty(t, s.token(redemption(back.Get("code"))).reason())
		})
	}
}

func TestBrowserFollowsNoOtherRoute(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("a route behind # led to another server")
	}))
	t.Cleanup(elsewhere.Close)
	s := start(t, emulator.Options{})
	for _, route := range []string{
		"", "#", "#!", "#!/", "#!/stacks", "#/apps/app1/authorize", "#!/apps/app1/authorize/", "#!/apps/a/b/authorize",
		"#!apps/app1/authorize", "#%21/apps/app1/authorize", "#!/v3/user", "#!" + elsewhere.URL + "/apps/app1/authorize",
		"#!//" + elsewhere.Listener.Addr().String() + "/apps/app1/authorize",
	} {
		page := s.visit(emulator.Visitor{}, s.url+"/"+route)
		require.Equal(t, http.StatusOK, page.status, route)
		require.Contains(t, page.body, "<h1>Emulated Contentstack</h1>", route)
	}
	require.Empty(t, s.Requests())
}

func TestBrowserShowsTheErrorPage(t *testing.T) {
	s := start(t, emulator.Options{})
	page := s.visit(emulator.Visitor{}, s.url+"/#!/apps/client1/authorize?"+authorization().Encode())
	require.Equal(t, http.StatusBadRequest, page.status)
	require.Contains(t, page.body, "there is no app &#34;client1&#34;")
	require.Len(t, s.Requests(), 1, "there was no form to answer")
}

func TestBrowserDoesNothingElsewhere(t *testing.T) {
	s := start(t, emulator.Options{})
	var asked []string
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.String())
		w.Header().Set("Emulator-Page", "consent")
	}))
	t.Cleanup(shop.Close)
	page := s.visit(emulator.Visitor{}, shop.URL+"/#!/apps/app1/authorize?"+authorization().Encode())
	require.Equal(t, http.StatusOK, page.status)
	require.Equal(t, []string{"GET /"}, asked)
}

func TestBrowserTellsNoOtherHostWhoIsLoggedIn(t *testing.T) {
	for _, address := range []string{"http://e.example.org/", "http://e.example:80/", "https://e.example/", "http://e.example@x.example/"} {
		browser := &emulator.Browser{Emulator: "http://e.example", Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			require.Empty(t, r.Header, address)
			return nil, http.ErrHandlerTimeout
		})}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		require.NoError(t, err)
		_, err = browser.RoundTrip(r)
		require.ErrorIs(t, err, http.ErrHandlerTimeout)
	}
}

func TestBrowserWithoutTransportUsesTheDefaultOne(t *testing.T) {
	s := start(t, emulator.Options{})
	t.Cleanup(http.DefaultTransport.(*http.Transport).CloseIdleConnections)
	s.client.Transport = nil
	require.NotEmpty(t, s.code())
}

func TestBrowserStopsWithItsRequest(t *testing.T) {
	s := start(t, emulator.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	browser := &emulator.Browser{Emulator: s.url, Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.Method == http.MethodPost {
			cancel()
		}
		return s.client.Transport.RoundTrip(r)
	})}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.byPath("app1", authorization()), nil)
	require.NoError(t, err)
	_, err = browser.RoundTrip(r)
	require.ErrorIs(t, err, context.Canceled)
}

// roundTrip is a RoundTripper made of a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestBrowserLeavesItsRequestAsItWas(t *testing.T) {
	s := start(t, emulator.Options{})
	r := s.request(http.MethodGet, s.url+"/?"+authorization().Encode()+"#!/apps/app1/authorize", "")
	before := *r.URL
	browser := &emulator.Browser{Emulator: s.url, Transport: s.client.Transport}
	resp, err := browser.RoundTrip(r)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, before, *r.URL, "as the contract of a RoundTripper has it")
	back, err := resp.Location()
	require.NoError(t, err)
	require.Equal(t, "app.example.com", back.Host)
}
