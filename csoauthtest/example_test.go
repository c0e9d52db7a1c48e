package csoauthtest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csoauthtest"
)

// A Server logs its user in, and issues and refreshes tokens.
func ExampleNewServer() {
	t := &exampleT{} // in a test: its *testing.T
	defer t.end()

	server := csoauthtest.NewServer(t, nil)
	config := server.Config("http://localhost:8184/callback")
	token := server.Login(config)
	fmt.Println("logged in:", token.UserUID)

	next, err := config.Refresh(t.Context(), token)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("another refresh token:", next.RefreshToken != token.RefreshToken)
	// Output:
	// logged in: blt00000000000ada01
	// another refresh token: true
}

// A user who denies access.
func ExampleServer_BrowserOf() {
	t := &exampleT{} // in a test: its *testing.T
	defer t.end()
	server := csoauthtest.NewServer(t, nil)
	config := server.Config("http://localhost:8184/callback")

	request, err := config.NewAuthRequest(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	browser := server.BrowserOf(csoauthtest.Visitor{Deny: true})
	callback := server.Callback(browser, config.AuthorizeURL(request))
	_, err = config.Exchange(t.Context(), request, callback)
	fmt.Println("denied:", errors.Is(err, csoauth.ErrDenied))
	// Output: denied: true
}

// A token endpoint that fails, and a connection that breaks after the request was processed.
func ExampleServer_FailNext() {
	t := &exampleT{} // in a test: its *testing.T
	defer t.end()
	server := csoauthtest.NewServer(t, nil)
	config := server.Config("http://localhost:8184/callback")
	token := server.Login(config)

	server.FailNext(
		csoauthtest.Fault{Status: http.StatusInternalServerError, Body: "out of order"},
		csoauthtest.Fault{Cut: csoauthtest.CutAfter},
	)
	_, err := config.Refresh(t.Context(), token)
	var said *csoauth.Error
	fmt.Println("the server responded:", errors.As(err, &said) && said.StatusCode == http.StatusInternalServerError)
	_, err = config.Refresh(t.Context(), token)
	fmt.Println("the refresh token may be spent:", err != nil && !errors.As(err, &said) && !errors.Is(err, csoauth.ErrNotSent))
	// Output:
	// the server responded: true
	// the refresh token may be spent: true
}

// An API of your own, behind the Server's tokens. The access token expires.
func ExampleServer_API() {
	t := &exampleT{} // in a test: its *testing.T
	defer t.end()
	server := csoauthtest.NewServer(t, nil)
	server.API("GET /v3/locales", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"locales":[]}`) })
	config := server.Config("http://localhost:8184/callback")
	token := server.Login(config)

	get := func() int {
		request, _ := http.NewRequest(http.MethodGet, server.URL+"/v3/locales", nil)
		request.Header.Set("Authorization", "Bearer "+token.AccessToken)
		response, err := config.HTTPClient.Do(request)
		if err != nil {
			return 0
		}
		defer response.Body.Close()
		return response.StatusCode
	}
	fmt.Println(get())
	server.Expire(token)
	fmt.Println(get())
	// Output:
	// 200
	// 401
}

// Findings are the rules that a client broke. Without Allow they fail the test.
func ExampleServer_Findings() {
	t := &exampleT{} // in a test: its *testing.T
	defer t.end()
	server := csoauthtest.NewServer(t, &csoauthtest.Options{Allow: []string{"refresh-token-reused"}})
	config := server.Config("http://localhost:8184/callback")
	token := server.Login(config)
	for range 2 { // the second one repeats a refresh token that was used
		if _, err := config.Refresh(t.Context(), token); err != nil {
			fmt.Println("login required:", errors.Is(err, csoauth.ErrLoginRequired))
		}
	}
	for _, finding := range server.Findings() {
		fmt.Println(finding.ID, finding.Source)
	}
	// Output:
	// login required: true
	// refresh-token-reused RFC 9700, section 4.14.2
}

// Requests show what a client sent, without its secrets.
func ExampleServer_Requests() {
	t := &exampleT{} // in a test: its *testing.T
	defer t.end()
	server := csoauthtest.NewServer(t, nil)
	server.Login(server.Config("http://localhost:8184/callback"))
	for _, request := range server.Requests() {
		fmt.Println(request.Method, request.Path, request.Status)
	}
	// Output:
	// GET /apps/64e0f1a2b3c4d5e6f7a8b9c0/authorize 200
	// POST /apps/64e0f1a2b3c4d5e6f7a8b9c0/authorize 302
	// POST /apps-api/apps/token 200
}

// The Server behaves as "csoauth probe" saw the service. In this report, a used refresh token is
// refused, but does not end the login.
func ExampleOptions_observed() {
	t := &exampleT{} // in a test: its *testing.T
	defer t.end()
	server := csoauthtest.NewServer(t, &csoauthtest.Options{
		Observed: "../testdata/observed/emulated/observed.json",
		Allow:    []string{"refresh-token-reused"},
	})
	config := server.Config("http://localhost:8184/callback")
	token := server.Login(config)
	next, err := config.Refresh(t.Context(), token)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = config.Refresh(t.Context(), token)
	fmt.Println("the used one is refused:", err != nil)
	_, err = config.Refresh(t.Context(), next)
	fmt.Println("the new one works:", err == nil)
	// Output:
	// the used one is refused: true
	// the new one works: true
}

// An exampleT takes the place of a *testing.T, which an Example does not have.
type exampleT struct {
	testing.TB
	cleanups []func()
}

func (t *exampleT) Helper()                           {}
func (t *exampleT) Context() context.Context          { return context.Background() }
func (t *exampleT) Cleanup(f func())                  { t.cleanups = append(t.cleanups, f) }
func (t *exampleT) Errorf(format string, args ...any) { fmt.Printf(format+"\n", args...) }
func (t *exampleT) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

// end does what happens at the end of a test.
func (t *exampleT) end() {
	for _, f := range slices.Backward(t.cleanups) {
		f()
	}
}
