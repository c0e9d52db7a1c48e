package csoauth_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csoauthtest"
)

// A complete login in a web application: two handlers, and a session that stores the attempt.
func Example() {
	contentstack := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `{"access_token":"a1","refresh_token":"r1","expires_in":3600,"organization_uid":"blt0123456789abcdef"}`)
	}))
	defer contentstack.Close()

	config := &csoauth.Config{
		AppUID:      "64e0f1a2b3c4d5e6f7a8b9c0",
		ClientID:    "Ie0FEfTzlfAHL4xM",
		RedirectURI: "https://app.example.com/callback",

		AuthorizeRoute: csoauth.RoutePath,                                                         // works for users who are not logged in yet
		Endpoints:      map[csoauth.Region]csoauth.Endpoints{csoauth.NA: {App: contentstack.URL}}, // leave it out for Contentstack itself
	}
	session := map[string]*csoauth.AuthRequest{} // of this user

	login := func(w http.ResponseWriter, r *http.Request) {
		request, err := config.NewAuthRequest(nil)
		if err != nil {
			http.Error(w, "login is not set up", http.StatusInternalServerError)
			return
		}
		session[request.State] = request
		http.Redirect(w, r, config.AuthorizeURL(request), http.StatusFound)
	}
	callback := func(w http.ResponseWriter, r *http.Request) {
		callback, err := csoauth.ParseCallback(r.URL.RawQuery)
		if err != nil {
			http.Error(w, "login failed", http.StatusBadRequest)
			return
		}
		request := session[callback.Get("state")]
		delete(session, callback.Get("state")) // it can be used once
		token, err := config.Exchange(r.Context(), request, callback)
		switch {
		case errors.Is(err, csoauth.ErrDenied):
			http.Error(w, "you said no", http.StatusForbidden)
		case err != nil:
			http.Error(w, "login failed", http.StatusBadRequest)
		default:
			fmt.Fprint(w, "logged in to ", token.OrganizationUID)
		}
	}

	w := httptest.NewRecorder()
	login(w, httptest.NewRequest("GET", "/login", nil))
	fmt.Println(w.Code, "to the consent page, which redirects to the callback")
	back := url.Values{"code": {"a code"}, "location": {"NA"}}
	for state := range session {
		back.Set("state", state)
	}
	w = httptest.NewRecorder()
	callback(w, httptest.NewRequest("GET", "/callback?"+back.Encode(), nil))
	fmt.Println(w.Code, w.Body)
	// Output:
	// 302 to the consent page, which redirects to the callback
	// 200 logged in to blt0123456789abcdef
}

func ExampleConfig_Validate() {
	config := &csoauth.Config{
		AppUID:      "64e0f1a2b3c4d5e6f7a8b9c0",
		ClientID:    "Ie0FEfTzlfAHL4xM",
		RedirectURI: "http://app.example.com/callback",
	}
	fmt.Println(strings.ReplaceAll(config.Validate().Error(), " is http", "\nis http"))
	// Output:
	// csoauth: config: RedirectURI: "http://app.example.com/callback"
	// is http on a host that is not loopback: use https
}

func ExampleConfig_AuthorizeURL() {
	config := &csoauth.Config{
		AppUID:      "64e0f1a2b3c4d5e6f7a8b9c0",
		ClientID:    "Ie0FEfTzlfAHL4xM",
		RedirectURI: "http://localhost:8184",
		Scopes:      []string{"user:read", "organization:read"},
		Region:      csoauth.EU,
	}
	request, err := config.NewAuthRequest(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	documented, parameters, _ := strings.Cut(config.AuthorizeURL(request), "?")
	fmt.Println(documented)
	for _, parameter := range strings.Split(parameters, "&") {
		name, value, _ := strings.Cut(parameter, "=")
		if value == request.State || name == "code_challenge" {
			value = "(43 characters, fresh every time)"
		}
		fmt.Println(" ", name, value)
	}
	// Output:
	// https://eu-app.contentstack.com/#!/apps/64e0f1a2b3c4d5e6f7a8b9c0/authorize
	//   response_type code
	//   client_id Ie0FEfTzlfAHL4xM
	//   redirect_uri http%3A%2F%2Flocalhost%3A8184
	//   scope user%3Aread%20organization%3Aread
	//   state (43 characters, fresh every time)
	//   code_challenge (43 characters, fresh every time)
	//   code_challenge_method S256
}

// A login for one scope and one organization, with less time for the user.
func ExampleConfig_NewAuthRequest() {
	config := &csoauth.Config{AppUID: "64e0f1a2b3c4d5e6f7a8b9c0", ClientID: "Ie0FEfTzlfAHL4xM", RedirectURI: "http://localhost:8184"}
	request, err := config.NewAuthRequest(&csoauth.AuthOptions{
		Scopes:          []string{"user:read"},
		OrganizationUID: "blt0123456789abcdef", // Exchange refuses a token for any other
		Lifetime:        2 * time.Minute,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(request.Scopes, request.OrganizationUID)
	fmt.Println(request.State != "", request.Verifier) // secrets: a Verifier prints as REDACTED
	// Output:
	// [user:read] blt0123456789abcdef
	// true REDACTED
}

// The callback comes to the redirect URI. Exchange checks it and returns the token.
func ExampleConfig_Exchange() {
	contentstack, end := emulated() // for this example
	defer end()
	config := contentstack.Config("http://localhost:8184/callback") // your app
	ctx := context.Background()

	request, err := config.NewAuthRequest(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	callback := contentstack.Callback(contentstack.Browser(), config.AuthorizeURL(request)) // ParseCallback(r.URL.RawQuery)
	token, err := config.Exchange(ctx, request, callback)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(token.UserUID, "in", token.OrganizationUID)

	_, err = config.Exchange(ctx, request, callback)
	fmt.Println("once more:", errors.Is(err, csoauth.ErrAttemptExpired))
	// Output:
	// blt00000000000ada01 in blt1a2b3c4d5e6f7081
	// once more: true
}

// Store the new Token before you use it: the old refresh token does not work again.
func ExampleConfig_Refresh_store() {
	contentstack, end := emulated() // for this example
	defer end()
	config := contentstack.Config("http://localhost:8184/callback") // your app
	token := contentstack.Login(config)                             // the stored one

	next, err := config.Refresh(context.Background(), token)
	var said *csoauth.Error
	if errors.As(err, &said) && said.Token != nil {
		next = said.Token // it has the new refresh token; store it, too
	} else if err != nil {
		fmt.Println(err)
		return
	}
	stored, err := next.MarshalBinary() // seal it before you write it to a disk
	if err != nil {
		fmt.Println(err)
		return
	}
	var read csoauth.Token
	fmt.Println(read.UnmarshalBinary(stored), read.AccessToken == next.AccessToken)
	// Output: <nil> true
}

// What Contentstack said, and what to do next.
func ExampleError() {
	config := &csoauth.Config{AppUID: "64e0f1a2b3c4d5e6f7a8b9c0", ClientID: "Ie0FEfTzlfAHL4xM", RedirectURI: "http://localhost:8184"}
	request, err := config.NewAuthRequest(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	callback := url.Values{"state": {request.State}, "error": {"access_denied"}, "error_description": {"The user said no"}}
	_, err = config.Exchange(context.Background(), request, callback)

	var said *csoauth.Error
	fmt.Println("denied:", errors.Is(err, csoauth.ErrDenied))
	if errors.As(err, &said) {
		fmt.Println(said.Op, said.Code, said.Description)
	}
	// Output:
	// denied: true
	// authorize access_denied The user said no
}

// ParseCallback refuses a query that does not parse completely.
func ExampleParseCallback() {
	callback, err := csoauth.ParseCallback("code=a&state=b&location=EU") // r.URL.RawQuery
	fmt.Println(callback.Get("location"), err)
	_, err = csoauth.ParseCallback("error=a;b&code=c")
	fmt.Println(errors.Is(err, csoauth.ErrState))
	// Output:
	// EU <nil>
	// true
}

// The hosts that may get an access token.
func ExampleConfig_HostsFor() {
	config := &csoauth.Config{AppUID: "64e0f1a2b3c4d5e6f7a8b9c0", ClientID: "Ie0FEfTzlfAHL4xM", RedirectURI: "http://localhost:8184"}
	hosts := config.HostsFor(&csoauth.Token{Location: "EU"})
	fmt.Println(slices.Contains(hosts, "eu-api.contentstack.com"), slices.Contains(hosts, "api.contentstack.io"))
	// Output: true false
}

// A refresh token that was revoked.
func ExampleConfig_Refresh() {
	contentstack := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		io.WriteString(w, `{"statusCode":400,"message":"Invalid refresh token","error":"Bad Request"}`)
	}))
	defer contentstack.Close()
	config := &csoauth.Config{
		AppUID: "64e0f1a2b3c4d5e6f7a8b9c0", ClientID: "Ie0FEfTzlfAHL4xM", RedirectURI: "http://localhost:8184",
		Endpoints: map[csoauth.Region]csoauth.Endpoints{csoauth.NA: {App: contentstack.URL}},
	}

	_, err := config.Refresh(context.Background(), &csoauth.Token{RefreshToken: "one that was revoked"})
	var said *csoauth.Error
	switch {
	case errors.Is(err, csoauth.ErrLoginRequired):
		fmt.Printf("send the user to log in again:\n%v\n", err)
	case errors.As(err, &said):
		fmt.Println("Contentstack said no, and a new login does not help:", err)
	case err != nil:
		fmt.Println("no response:", err)
	}
	// Output:
	// send the user to log in again:
	// csoauth: refresh: login required: 400 Bad Request: Invalid refresh token
}

func ExampleVerifier() {
	verifier := csoauth.NewVerifier()
	fmt.Println(verifier, len(string(verifier)), len(verifier.Challenge(csoauth.S256)))
	// Output: REDACTED 43 43
}

func ExampleParseRegion() {
	for _, name := range []string{"EU", "AWS-NA", "azure_eu"} {
		region, err := csoauth.ParseRegion(name)
		fmt.Println(region, region.Endpoints().App, err)
	}
	_, err := csoauth.ParseRegion("evil.example")
	fmt.Println(strings.ReplaceAll(err.Error(), ": ", ":\n"))
	// Output:
	// eu https://eu-app.contentstack.com <nil>
	// na https://app.contentstack.com <nil>
	// azure-eu https://azure-eu-app.contentstack.com <nil>
	// csoauth:
	// unknown region "evil.example":
	// want one of na, eu, au, azure-na, azure-eu, gcp-na, gcp-eu, or an alias such as us or AWS_EU
}

func ExampleToken_OAuth2() {
	token := &csoauth.Token{AccessToken: "an access token", OrganizationUID: "blt0123456789abcdef"}
	o := token.OAuth2() // for code that takes an *oauth2.Token
	fmt.Println(o.Type(), o.Extra("organization_uid"))
	fmt.Println(csoauth.FromOAuth2(o).OrganizationUID)
	// Output:
	// Bearer blt0123456789abcdef
	// blt0123456789abcdef
}

// emulated starts a Contentstack.
func emulated() (server *csoauthtest.Server, end func()) {
	t := &exampleT{}
	return csoauthtest.NewServer(t, nil), t.end
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
