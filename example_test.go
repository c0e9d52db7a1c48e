package csoauth_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/contentstack/csoauth"
)

// A whole login in a web application: two handlers, and a place for the attempt in between.
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
		Endpoints:      map[csoauth.Region]csoauth.Endpoints{csoauth.NA: {App: contentstack.URL}}, // leave it out for the real one
	}
	session := map[string]*csoauth.AuthRequest{} // the user's own

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
		delete(session, callback.Get("state")) // it is good for one
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
	fmt.Println(config.Validate())
	// Output:
	// csoauth: config: RedirectURI: "http://app.example.com/callback" is http on a host that is not loopback: use https
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
		fmt.Println("send the user to log in again:", err)
	case errors.As(err, &said):
		fmt.Println("Contentstack said no, and a new login does not help:", err)
	case err != nil:
		fmt.Println("no answer:", err)
	}
	// Output:
	// send the user to log in again: csoauth: refresh: login required: 400 Bad Request: Invalid refresh token
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
	fmt.Println(err)
	// Output:
	// eu https://eu-app.contentstack.com <nil>
	// na https://app.contentstack.com <nil>
	// azure-eu https://azure-eu-app.contentstack.com <nil>
	// csoauth: unknown region "evil.example": want one of na, eu, au, azure-na, azure-eu, gcp-na, gcp-eu, or an alias such as us or AWS_EU
}

func ExampleToken_OAuth2() {
	token := &csoauth.Token{AccessToken: "an access token", OrganizationUID: "blt0123456789abcdef"}
	o := token.OAuth2() // for whatever takes a *oauth2.Token
	fmt.Println(o.Type(), o.Extra("organization_uid"))
	fmt.Println(csoauth.FromOAuth2(o).OrganizationUID)
	// Output:
	// Bearer blt0123456789abcdef
	// blt0123456789abcdef
}
