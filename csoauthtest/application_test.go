package csoauthtest_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csoauthtest"
)

// TestOwnCallbackHandler tests the application below from its login page to its callback handler:
// the emulated user opens /login, consents at the emulated Contentstack, and comes back.
func TestOwnCallbackHandler(t *testing.T) {
	server := csoauthtest.NewServer(t, nil)
	app := &application{}
	web := httptest.NewServer(app)
	t.Cleanup(web.Close)
	app.config = server.Config(web.URL + "/callback")

	resp, err := server.Browser().Get(web.URL + "/login")
	require.NoError(t, err)
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, "logged in: blt00000000000ada01", string(page))
}

// An application sends its visitors to Contentstack and takes them back.
type application struct {
	config   *csoauth.Config
	attempts sync.Map // of *csoauth.AuthRequest, by the state that the visitor's cookie holds
}

func (a *application) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/login":
		a.login(w, r)
	case "/callback":
		a.callback(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (a *application) login(w http.ResponseWriter, r *http.Request) {
	attempt, err := a.config.NewAuthRequest(nil)
	if err != nil {
		http.Error(w, "login is not configured", http.StatusInternalServerError)
		return
	}
	a.attempts.Store(attempt.State, attempt)
	http.SetCookie(w, &http.Cookie{Name: "attempt", Value: attempt.State, HttpOnly: true, SameSite: http.SameSiteLaxMode})
	http.Redirect(w, r, a.config.AuthorizeURL(attempt), http.StatusFound)
}

func (a *application) callback(w http.ResponseWriter, r *http.Request) {
	var attempt *csoauth.AuthRequest
	if cookie, err := r.Cookie("attempt"); err == nil {
		known, _ := a.attempts.LoadAndDelete(cookie.Value)
		attempt, _ = known.(*csoauth.AuthRequest) // nil if there is none, which Exchange refuses
	}
	callback, err := csoauth.ParseCallback(r.URL.RawQuery)
	if err != nil {
		http.Error(w, "not a callback", http.StatusBadRequest)
		return
	}
	token, err := a.config.Exchange(r.Context(), attempt, callback)
	if err != nil {
		http.Error(w, "not logged in", http.StatusForbidden)
		return
	}
	fmt.Fprint(w, "logged in: "+token.UserUID)
}

func TestOwnCallbackHandlerWhenThingsGoWrong(t *testing.T) {
	server := csoauthtest.NewServer(t, nil)
	app := &application{}
	web := httptest.NewServer(app)
	t.Cleanup(web.Close)
	app.config = server.Config(web.URL + "/callback")
	for name, row := range map[string]struct {
		path    string
		visitor csoauthtest.Visitor
		faults  []csoauthtest.Fault
		status  int
	}{
		"another user":      {"/login", csoauthtest.Visitor{UserUID: "blt0000000000alan02"}, nil, http.StatusOK},
		"denied":            {"/login", csoauthtest.Visitor{Deny: true}, nil, http.StatusForbidden},
		"the token is late": {"/login", csoauthtest.Visitor{}, []csoauthtest.Fault{{Cut: csoauthtest.CutAfter}}, http.StatusForbidden},
		"forged callback":   {"/callback?code=guess&state=guess", csoauthtest.Visitor{}, nil, http.StatusForbidden},
		"another page":      {"/", csoauthtest.Visitor{}, nil, http.StatusNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			server.FailNext(row.faults...)
			resp, err := server.BrowserOf(row.visitor).Get(web.URL + row.path)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			require.Equal(t, row.status, resp.StatusCode)
		})
	}
}
