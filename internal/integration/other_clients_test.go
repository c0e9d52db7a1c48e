package integration_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/emulator"
)

var otherApp = emulator.App{
	UID:          "65a1b2c3d4e5f60718293a4c",
	ClientID:     "Other-Client_01x",
	ClientSecret: "s3cr3t-of-the-others:&+",
	Name:         "Made with other clients",
	RedirectURIs: []string{"http://localhost:3000/api/auth/callback/contentstack", "http://localhost:3000/second"}, // nobody listens
	AllowPKCE:    true,
	Scopes:       []string{"user:read", "organization:read"},
}

// An otherClient is a client of OAuth that others wrote. Each method returns the client's error.
type otherClient interface {
	authorizeURL() (string, error)
	callback(url.Values) error // logs in
	refresh(extra map[string]string) error
	user() (uid string, err error) // asks the API
}

// otherSettings are what a client of other-clients/clients.mjs takes, besides the app.
type otherSettings map[string]any

// What these tests find is the table of docs/emulator.md.
func TestOtherClients(t *testing.T) {
	t.Parallel()
	withRedirectURI := map[string]string{"redirect_uri": otherApp.RedirectURIs[0]}
	careful := otherSettings{"options": otherSettings{"state": true, "pkce": true}}                                   // of passport-oauth2
	checks := func(names ...string) otherSettings { return otherSettings{"options": otherSettings{"checks": names}} } // of Auth.js
	secretInBody := otherSettings{"options": otherSettings{
		"checks": []string{"pkce", "state"}, "client": otherSettings{"token_endpoint_auth_method": "client_secret_post"},
	}}

	for _, row := range []struct {
		client       string
		how          string // is in the name of the test
		preset       string
		settings     otherSettings
		tolerate     string            // a further finding
		regionNames  string            // empty: those of the preset
		extra        map[string]string // parameters that the client is told to add to a refresh
		loginError   string            // a part of the client's error; empty: the login succeeds
		refreshError string
		findings     []string
	}{
		{
			client: "passport-oauth2", preset: "realistic",
			findings: []string{"no-pkce", "no-state", "refresh-without-redirect-uri"},
		},
		{
			client: "passport-oauth2", preset: "strict",
			refreshError: "redirect_uri is missing",
			findings:     []string{"no-pkce", "no-state", "refused: refresh-without-redirect-uri"},
		},
		{
			client: "passport-oauth2", how: "with PKCE and state", preset: "realistic", settings: careful,
			findings: []string{"refresh-without-redirect-uri"},
		},
		{
			client: "passport-oauth2", how: "with PKCE, state and redirect URI", preset: "strict", settings: careful,
			extra: withRedirectURI,
		},
		{
			client: "passport-oauth2", how: "with the token in the URL", preset: "realistic",
			settings:   otherSettings{"tokenInURL": true, "options": careful["options"]},
			loginError: `\"error_code\":105`,
			findings:   []string{"secret-in-url"},
		},
		{
			client: "passport-oauth2", how: "with the token in the URL", preset: "strict",
			settings:   otherSettings{"tokenInURL": true, "options": careful["options"]},
			loginError: `\"error_code\":105`,
			findings:   []string{"refused: secret-in-url"},
		},
		{
			client: "passport-contentstack", preset: "realistic",
			findings: []string{"no-pkce", "no-state"},
		},
		{
			client: "passport-contentstack", preset: "strict",
			loginError: "Please provide config for undefined", // the callback has no region
			findings:   []string{"no-pkce", "no-state"},
		},
		{
			client: "passport-contentstack", how: "with a region", preset: "strict", regionNames: "both",
			findings: []string{"no-pkce", "no-state"},
		},
		{
			client: "auth.js", how: "that checks state", preset: "realistic", settings: checks("state"),
			findings: []string{"basic-at-token-endpoint", "no-pkce", "refresh-without-redirect-uri"},
		},
		{
			client: "auth.js", how: "that checks PKCE and state", preset: "realistic", settings: checks("pkce", "state"),
			findings: []string{"basic-at-token-endpoint", "refresh-without-redirect-uri"},
		},
		{
			client: "auth.js", how: "that checks PKCE and state", preset: "strict", settings: checks("pkce", "state"),
			loginError: "Configuration", // the name of its error page
			findings:   []string{"refused: basic-at-token-endpoint"},
		},
		{
			client: "auth.js", how: "with the secret in the body", preset: "strict", settings: secretInBody,
			refreshError: "redirect_uri is missing",
			findings:     []string{"refused: refresh-without-redirect-uri"},
		},
		{
			client: "auth.js", how: "with the secret in the body and redirect URI", preset: "strict", settings: secretInBody,
			extra: withRedirectURI,
		},
		{
			client: "simple-oauth2", preset: "realistic",
			findings: []string{"refresh-without-redirect-uri"},
		},
		{
			client: "simple-oauth2", preset: "strict",
			refreshError: "400 Bad Request",
			findings:     []string{"refused: refresh-without-redirect-uri"},
		},
		{
			client: "simple-oauth2", how: "with redirect URI", preset: "strict", extra: withRedirectURI,
		},
		{
			client: "python", preset: "realistic",
			findings: []string{"bearer-at-token-endpoint", "no-state", "refresh-without-redirect-uri", "verifier-out-of-bounds"},
		},
		{
			client: "python", preset: "strict",
			loginError: "POST /token: 400",
			findings:   []string{"no-state", "refused: verifier-out-of-bounds"},
		},
		{
			client: "python", how: "with its verifier tolerated", preset: "strict", tolerate: "verifier-out-of-bounds",
			refreshError: "POST /token: 400",
			findings:     []string{"no-state", "refused: bearer-at-token-endpoint", "verifier-out-of-bounds"},
		},
		{
			client: "python", how: "with a secret", preset: "realistic", settings: otherSettings{"secret": true},
			findings: []string{"bearer-at-token-endpoint", "no-pkce", "no-state", "refresh-without-redirect-uri"},
		},
		{
			client: "python", how: "with a secret", preset: "strict", settings: otherSettings{"secret": true},
			refreshError: "POST /token: 400",
			findings:     []string{"no-pkce", "no-state", "refused: bearer-at-token-endpoint"},
		},
	} {
		t.Run(strings.TrimSpace(row.client+" "+row.how)+": "+row.preset, func(t *testing.T) {
			t.Parallel()
			o, err := emulator.Preset(row.preset)
			require.NoError(t, err)
			if row.tolerate != "" {
				o.Tolerate = append(o.Tolerate, row.tolerate)
			}
			o.Unknowns.RegionNames = cmp.Or(row.regionNames, o.Unknowns.RegionNames)
			c := newLocalContentstack(t, o, otherApp)
			client := startOtherClient(t, c, row.client, row.settings)

			authorizeURL, err := client.authorizeURL()
			require.NoError(t, err)
			err = client.callback(c.callback(authorizeURL, member))
			if row.loginError != "" {
				assert.ErrorContains(t, err, row.loginError)
				c.assertFindings(row.findings...)
				return
			}
			require.NoError(t, err)
			assertOtherUser(t, client)

			switch {
			case row.client == "passport-contentstack": // it has no refresh
			case row.refreshError != "":
				assert.ErrorContains(t, client.refresh(row.extra), row.refreshError)
				assertOtherUser(t, client) // the refused refresh spent nothing
			default:
				require.NoError(t, client.refresh(row.extra))
				assertOtherUser(t, client)
				require.NoError(t, client.refresh(row.extra), "with the second refresh token: the first is used up")
				assertOtherUser(t, client)
			}
			c.assertFindings(row.findings...)
		})
	}
}

func assertOtherUser(t *testing.T, client otherClient) {
	t.Helper()
	uid, err := client.user()
	require.NoError(t, err)
	assert.Equal(t, alan, uid)
}

// What the clients send is why they break the rules that they break.
func TestOtherClientsSend(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		client            string
		settings          otherSettings
		authorize         string
		exchange, refresh string // names of the parameters
	}{
		{
			client: "passport-oauth2", settings: otherSettings{"options": otherSettings{"state": true, "pkce": true}},
			authorize: "client_id code_challenge code_challenge_method redirect_uri response_type scope state",
			exchange:  "client_id client_secret code code_verifier grant_type redirect_uri",
			refresh:   "client_id client_secret grant_type refresh_token",
		},
		{
			client: "passport-contentstack", authorize: "client_id redirect_uri response_type",
			exchange: "client_id client_secret code grant_type redirect_uri",
		},
		{
			client: "auth.js", settings: otherSettings{"options": otherSettings{"checks": []string{"pkce", "state"}}},
			authorize: "client_id code_challenge code_challenge_method redirect_uri response_type scope state",
			exchange:  "code code_verifier grant_type redirect_uri",
			refresh:   "client_id client_secret grant_type refresh_token",
		},
		{
			client:    "simple-oauth2",
			authorize: "client_id code_challenge code_challenge_method redirect_uri response_type scope state",
			exchange:  "client_id client_secret code code_verifier grant_type redirect_uri",
			refresh:   "client_id client_secret grant_type refresh_token",
		},
	} {
		t.Run(row.client, func(t *testing.T) {
			t.Parallel()
			c := newLocalContentstack(t, emulator.Realistic(), otherApp)
			client := startOtherClient(t, c, row.client, row.settings)
			authorizeURL, err := client.authorizeURL()
			require.NoError(t, err)
			made, err := url.Parse(authorizeURL)
			require.NoError(t, err)
			assert.Equal(t, "/apps/"+otherApp.UID+"/authorize", made.Path)
			require.NoError(t, client.callback(c.callback(authorizeURL, member)))
			if row.refresh != "" {
				require.NoError(t, client.refresh(nil))
			}

			assert.Equal(t, row.authorize, names(c.Requests()[0]))
			sent := []string{}
			for _, r := range c.tokenRequests() {
				sent = append(sent, names(r))
			}
			assert.Equal(t, strings.Split(strings.TrimSuffix(row.exchange+"\n"+row.refresh, "\n"), "\n"), sent)
		})
	}
}

func names(r emulator.Request) string { return strings.Join(keysOf(r.Params), " ") }

// passport-contentstack takes a login over at the callback. It does not look at the state.
func TestPassportContentstackLeavesTheStartToTheApp(t *testing.T) {
	t.Parallel()
	c := newLocalContentstack(t, emulator.Realistic(), otherApp)
	n := startOtherClient(t, c, "passport-contentstack", nil).(*passportContentstack).nodeClient
	_, err := n.authorizeURL()
	assert.ErrorContains(t, err, "Please provide config for undefined", "it has no page that begins a login")
	require.NoError(t, n.callback(c.callback(linkOf(c)+"&state=of-another-browser", member)))
	c.assertFindings("no-pkce")
}

// newLocalContentstack is newContentstack for clients whose base URL can be set. It listens on a
// port of this machine.
func newLocalContentstack(t *testing.T, o emulator.Options, app emulator.App) *contentstack {
	t.Helper()
	o.Apps = []emulator.App{app}
	e, err := emulator.New(o)
	require.NoError(t, err)
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &contentstack{Emulator: e, t: t, app: server.URL, transport: transport}
}

func startOtherClient(t *testing.T, c *contentstack, name string, s otherSettings) otherClient {
	t.Helper()
	switch name {
	case "python":
		return newPythonClient(t, c, s["secret"] == true)
	case "passport-contentstack":
		return &passportContentstack{startNodeClient(t, c, name, s), linkOf(c)}
	}
	return startNodeClient(t, c, name, s)
}

// linkOf returns the simplest link to the authorize page, as an app writes it by hand.
func linkOf(c *contentstack) string {
	q := url.Values{"response_type": {"code"}, "client_id": {otherApp.ClientID}, "redirect_uri": {otherApp.RedirectURIs[0]}}
	return c.app + "/apps/" + otherApp.UID + "/authorize?" + q.Encode()
}

// passportContentstack begins a login by a link of the app: the strategy makes no authorize URL.
type passportContentstack struct {
	*nodeClient
	link string
}

func (p *passportContentstack) authorizeURL() (string, error) { return p.link, nil }

// A nodeClient is a client of other-clients/clients.mjs, in a process of its own.
type nodeClient struct{ *nodeScript }

func startNodeClient(t *testing.T, c *contentstack, name string, s otherSettings) *nodeClient {
	t.Helper()
	n := &nodeClient{startNodeScript(t, "other-clients", "simple-oauth2")}
	first := map[string]any{
		"client": name, "base": c.app, "appUid": otherApp.UID,
		"clientId": otherApp.ClientID, "clientSecret": otherApp.ClientSecret, "redirectUri": otherApp.RedirectURIs[0],
	}
	for key, value := range s {
		first[key] = value
	}
	n.send(first)
	return n
}

// do has the client do something, and returns the client's error.
func (n *nodeClient) do(result any, order map[string]any) error {
	n.t.Helper()
	answer := n.ask(order)
	if answer.Error != "" {
		return fmt.Errorf("%v: %s", order["do"], answer.Error)
	}
	return json.Unmarshal(answer.Result, result)
}

func (n *nodeClient) authorizeURL() (u string, err error) {
	err = n.do(&u, map[string]any{"do": "authorize"})
	return u, err
}

func (n *nodeClient) callback(q url.Values) error {
	return n.do(new(any), map[string]any{"do": "callback", "query": q.Encode()})
}

func (n *nodeClient) refresh(extra map[string]string) error {
	return n.do(new(any), map[string]any{"do": "refresh", "extra": extra})
}

func (n *nodeClient) user() (uid string, err error) {
	err = n.do(&uid, map[string]any{"do": "user"})
	return uid, err
}
