package csoauthtest_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/csoauthtest"
)

// TestAppPrintsWithItsSecretsMasked: the rest of it is what explains a test that fails.
func TestAppPrintsWithItsSecretsMasked(t *testing.T) {
	app := csoauthtest.App{
		UID: "u1", ClientID: "c1", ClientSecret: "s3cret", AllowPKCE: true,
		RedirectURIs: []string{"http://localhost:8184", "https://me:hunter2@example.com"},
	}
	const want = `{UID:u1 ClientID:c1 ClientSecret:REDACTED Name: RedirectURIs:[http://localhost:8184 REDACTED] AllowPKCE:true Scopes:[]}`
	for _, verb := range []string{"%v", "%s", "%d"} {
		require.Equal(t, want, fmt.Sprintf(verb, app), verb)
		require.Contains(t, fmt.Sprintf(verb, []*csoauthtest.Options{{Apps: []csoauthtest.App{app}}}), want, verb)
	}
	require.Equal(t, want, fmt.Sprintf("%+v", app.LogValue().Any()))
	require.Equal(t, "https://me:hunter2@example.com", app.RedirectURIs[1], "the App itself keeps its own")
	require.Contains(t, fmt.Sprint(csoauthtest.App{}), "ClientSecret: ", "that there is no secret is told")
	_, err := json.Marshal(app)
	require.ErrorContains(t, err, "csoauthtest: an App may hold a client secret and does not marshal")

	server := csoauthtest.NewServer(t, nil)
	require.Equal(t, "csoauthtest.Server("+server.URL+")", fmt.Sprint(server))
}
