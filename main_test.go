package csoauth_test

import (
	"net/http"
	"testing"

	"go.uber.org/goleak"

	"github.com/contentstack/csoauth"
	_ "github.com/contentstack/csoauth/internal/offline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const callbackURI = "https://app.example.com/oauth/callback"

// testConfig has every required field, and hosts of its own so that no test can reach a real one.
func testConfig() *csoauth.Config {
	return &csoauth.Config{
		AppUID:      "64e0f1a2b3c4d5e6f7a8b9c0",
		ClientID:    "Ie0FEfTzlfAHL4xM",
		RedirectURI: callbackURI,
		Endpoints: map[csoauth.Region]csoauth.Endpoints{
			csoauth.NA: {App: "https://app.example.org", ContentManagement: "https://api.example.org"},
			csoauth.EU: {App: "https://eu-app.example.org", ContentManagement: "https://eu-api.example.org"},
		},
		HTTPClient: &http.Client{Transport: refuseAll{}},
	}
}

// refuseAll ends the test binary's request before it goes anywhere.
type refuseAll struct{}

func (refuseAll) RoundTrip(r *http.Request) (*http.Response, error) {
	panic("a test that sends nothing sent a request to " + r.URL.Host)
}

// roundTrip is a RoundTripper made of a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
