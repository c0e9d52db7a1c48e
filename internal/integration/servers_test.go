package integration_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/internal/integration/fositeserver"
)

// An app is one client that is registered at every server. The same two are in
// oidc-provider/server.mjs.
type app struct {
	name, clientID, clientSecret, redirectURI string
}

var (
	publicApp = app{
		name:        "public",
		clientID:    "public-app",
		redirectURI: "http://127.0.0.1:8184/callback", // nobody listens there: the browser of these tests stops before
	}
	secretApp = app{
		name:         "confidential",
		clientID:     "secret-app",
		clientSecret: "s3cr3t-with-special:&+chars",
		redirectURI:  "https://app.example.com/oauth/callback",
	}
	apps = []app{publicApp, secretApp}

	allowedScopes = []string{"openid", "user:read", "organization:read"}
)

// refusedScope is one that the servers know and give to neither app.
const refusedScope = "cm.stacks.management:write"

// servers are the OAuth servers that others wrote. Each start returns a base URL, good until the
// end of the test. Access tokens live so long; 0 is an hour.
var servers = []struct {
	name  string
	start func(t *testing.T, lifetime time.Duration) string
}{
	{"oidc-provider", startOIDCProvider},
	{"fosite", func(t *testing.T, lifetime time.Duration) string {
		return startFosite(t, &fositeserver.Options{AccessTokenLifetime: lifetime})
	}},
}

// onEachServer runs a test once with each server, freshly started.
func onEachServer(t *testing.T, test func(*testing.T, *front)) {
	t.Parallel()
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			test(t, newFront(t, s.start(t, 0)))
		})
	}
}

// withEachApp runs a test once with each app at each server.
func withEachApp(t *testing.T, test func(*testing.T, *front, app)) {
	onEachServer(t, func(t *testing.T, f *front) {
		for _, a := range apps {
			t.Run(a.name, func(t *testing.T) { test(t, f, a) })
		}
	})
}

func startFosite(t *testing.T, o *fositeserver.Options) string {
	var clients []fositeserver.Client
	for _, a := range apps {
		clients = append(clients, fositeserver.Client{
			ID: a.clientID, Secret: a.clientSecret, RedirectURI: a.redirectURI, Scopes: allowedScopes,
		})
	}
	handler, err := fositeserver.New(clients, o)
	require.NoError(t, err)
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return s.URL
}

// config is what a program that uses the app a would have, with the front's hosts as the only ones.
func (f *front) config(a app) *csoauth.Config {
	return &csoauth.Config{
		AppUID:         "app-uid",
		ClientID:       a.clientID,
		ClientSecret:   a.clientSecret,
		RedirectURI:    a.redirectURI,
		Endpoints:      map[csoauth.Region]csoauth.Endpoints{csoauth.NA: {App: f.URL}},
		AuthorizeRoute: csoauth.RoutePath, // what stands behind # never reaches a server without a page
	}
}
