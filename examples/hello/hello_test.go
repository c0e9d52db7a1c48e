package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/contentstack/csoauth/csoauthtest"
	"github.com/contentstack/csoauth/tokens"
)

func TestLogin(t *testing.T) {
	contentstack := csoauthtest.NewServer(t, nil)
	site := newSite(t, contentstack)
	ada := contentstack.Browser() // a user who allows everything
	get(t, ada, site+"/", http.StatusUnauthorized, "open /login\n")
	get(t, ada, site+"/login", http.StatusOK, "Hello, Ada\n")
	get(t, ada, site+"/", http.StatusOK, "Hello, Ada\n")
}

func TestUserWhoSaysNo(t *testing.T) {
	contentstack := csoauthtest.NewServer(t, nil)
	site := newSite(t, contentstack)
	alan := contentstack.BrowserOf(csoauthtest.Visitor{UserUID: "blt0000000000alan02", Deny: true})
	get(t, alan, site+"/login", http.StatusForbidden, "")
	get(t, alan, site+"/", http.StatusUnauthorized, "open /login\n")
}

func TestOutageDuringALogin(t *testing.T) {
	contentstack := csoauthtest.NewServer(t, nil)
	site := newSite(t, contentstack)
	ada := contentstack.Browser()
	contentstack.FailNext(csoauthtest.Fault{Status: http.StatusInternalServerError}) // the next token request
	get(t, ada, site+"/login", http.StatusBadGateway, "")
	get(t, ada, site+"/login", http.StatusOK, "Hello, Ada\n")
}

func TestUserWhoRemovesTheApp(t *testing.T) {
	contentstack := csoauthtest.NewServer(t, nil)
	site := newSite(t, contentstack)
	ada := contentstack.Browser()
	get(t, ada, site+"/login", http.StatusOK, "Hello, Ada\n")
	contentstack.Revoke(nil) // as a user does under Authorized Apps
	get(t, ada, site+"/", http.StatusUnauthorized, "open /login\n")
}

// TestADay has a clock of its own, which moves on when nothing is left to do.
func TestADay(t *testing.T) {
	contentstack := csoauthtest.NewServer(t, nil)
	config := contentstack.Config("https://app.example.com/callback")
	// The clock stands still while a connection is open, so no connection stays open.
	config.HTTPClient = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	token := contentstack.Login(config)
	synctest.Test(t, func(t *testing.T) {
		token.Expiry = time.Now().Add(time.Hour) // by this clock
		users, err := tokens.New(config, new(tokens.Memory), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := users.Put(t.Context(), "ada", token); err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for minute := range 24 * 60 { // Ada comes every minute
			if minute == 12*60 { // at noon, Contentstack fails three times
				down := csoauthtest.Fault{Status: http.StatusInternalServerError}
				contentstack.FailNext(down, down, down)
			}
			token, err := users.Token(t.Context(), "ada")
			if err != nil {
				t.Fatal(err)
			}
			seen[token.AccessToken] = true
			time.Sleep(time.Minute)
		}
		if len(seen) < 24 {
			t.Errorf("%d access tokens in 24 hours", len(seen))
		}
		if err := users.Close(); err != nil {
			t.Error(err)
		}
	})
}

// newSite serves the application, and returns where it is.
func newSite(t *testing.T, contentstack *csoauthtest.Server) string {
	var app http.Handler
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { app.ServeHTTP(w, r) }))
	t.Cleanup(site.Close)
	config := contentstack.Config(site.URL + "/callback") // registers the redirect URI
	users, err := tokens.New(config, new(tokens.Memory), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := users.Close(); err != nil {
			t.Error(err)
		}
	})
	if app, err = newApp(config, users, []byte("a key of 32 bytes, for tests only"[:32])); err != nil {
		t.Fatal(err)
	}
	return site.URL
}

// get opens a page. An empty page stands for any.
func get(t *testing.T, browser *http.Client, address string, status int, page string) {
	t.Helper()
	resp, err := browser.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != status || page != "" && string(got) != page {
		t.Errorf("%s: %s, %q; want %d, %q", address, resp.Status, got, status, page)
	}
}
