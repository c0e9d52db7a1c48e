package integration_test

import (
	"errors"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
)

// browse opens an authorize URL in a fresh browser, follows it to the redirect URI, and returns the
// callback's query. It does not open the redirect URI itself: there the app would take over.
func (f *front) browse(t *testing.T, authorizeURL, redirectURI string) url.Values {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	browser := &http.Client{
		Jar:       jar,
		Transport: f.Client().Transport,
		CheckRedirect: func(next *http.Request, via []*http.Request) error {
			switch {
			case strings.HasPrefix(next.URL.String(), redirectURI+"?"):
				return http.ErrUseLastResponse
			case !strings.HasPrefix(next.URL.String(), f.URL+"/"):
				return errors.New("the server sends its user elsewhere")
			case len(via) > 10:
				return errors.New("the login does not end")
			}
			return nil
		},
	}
	resp, err := browser.Get(authorizeURL)
	require.NoError(t, err)
	defer resp.Body.Close()
	callback, err := resp.Location()
	require.NoError(t, err, "the browser ends at %s with %s", resp.Request.URL.Path, resp.Status)
	return callback.Query()
}

// ask has the user of a fresh browser log in, and returns the attempt and its callback.
func (f *front) ask(t *testing.T, c *csoauth.Config, o *csoauth.AuthOptions) (*csoauth.AuthRequest, url.Values) {
	t.Helper()
	request, err := c.NewAuthRequest(o)
	require.NoError(t, err)
	return request, f.browse(t, c.AuthorizeURL(request), request.RedirectURI)
}

// logIn is a whole login.
func (f *front) logIn(t *testing.T, c *csoauth.Config, o *csoauth.AuthOptions) *csoauth.Token {
	t.Helper()
	request, callback := f.ask(t, c, o)
	token, err := c.Exchange(t.Context(), request, callback)
	require.NoError(t, err)
	return token
}

// refresh is a refresh that must succeed.
func refresh(t *testing.T, c *csoauth.Config, token *csoauth.Token) *csoauth.Token {
	t.Helper()
	renewed, err := c.Refresh(t.Context(), token)
	require.NoError(t, err)
	return renewed
}
