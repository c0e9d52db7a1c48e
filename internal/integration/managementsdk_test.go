package integration_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/csoauthtest"
)

// Contentstack's own JavaScript client, npm's @contentstack/management, logs in at the emulator, and nothing at the
// emulator makes way for it. These are the bugs of the client that get in the way. Each can be stepped around on the
// client's side, by its name in sdkOptions.mend:
//
//   - "authorization": at a refresh it sends the access token that it wants to replace, as Authorization, to the token
//     endpoint. The emulator refuses that. A plugin takes the header out.
//   - "secret": at a refresh it leaves out the secret that it sent for the code, though Contentstack's documents want it
//     repeated. A plugin puts it in.
//   - "redirect_uri": it leaves redirect_uri out of the authorize URL, but sends it with the code. That works only for the
//     app's first URL. The test puts it into the URL.
//   - "expiry": from a minute before its token's end on, it spins for ever and sends nothing. The test sets the end anew
//     before each call.
//
// Two more cannot be seen here, or do no harm: it sends no state, and its verifier comes from Math.random.

// sdkRedirectURI is the first of sdkApp: nobody listens there.
const sdkRedirectURI = "http://localhost:8184"

var sdkApp = csoauthtest.App{
	UID:          "65a1b2c3d4e5f60718293a4b",
	ClientID:     "Sdk-Client_0001x",
	ClientSecret: "s3cr3t-of-the-sdk:&+",
	Name:         "Made with the SDK",
	RedirectURIs: []string{sdkRedirectURI, "http://localhost:8184/second"},
	AllowPKCE:    true,
	Scopes:       []string{"user:read", "organization:read"},
}

type sdkOptions struct {
	redirectURI string // empty: sdkRedirectURI
	secret      bool   // the client is given its secret, so it does without PKCE
	mend        []string
}

// An sdk is Contentstack's client in a process of its own.
type sdk struct {
	t       *testing.T
	orders  *json.Encoder
	answers *json.Decoder
}

// An sdkAnswer is what a call of the client came to.
type sdkAnswer struct {
	Result json.RawMessage
	Error  string
}

func startSDK(t *testing.T, server *csoauthtest.Server, o sdkOptions) *sdk {
	t.Helper()
	const dir = "management-sdk"
	node, err := exec.LookPath("node")
	if err == nil {
		_, err = os.Stat(filepath.Join(dir, "node_modules", "@contentstack", "management"))
	}
	if err != nil {
		skipSuite(t, "management-sdk: run `make setup` or install Node.js 20 and run `npm ci` in internal/integration/management-sdk")
	}

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // it has a bug that hangs
	cmd := exec.CommandContext(ctx, node, "login.mjs")
	cmd.Dir = dir
	var stderr strings.Builder
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		stdin.Close() // ends the script
		cancel()      // and if it does not, this kills it
		cmd.Wait()    // the error is that we may have killed it
		if t.Failed() {
			t.Logf("the SDK's process wrote to stderr:\n%s", &stderr)
		}
	})

	s := &sdk{t, json.NewEncoder(stdin), json.NewDecoder(stdout)}
	oauth := map[string]any{"appId": sdkApp.UID, "clientId": sdkApp.ClientID, "redirectUri": sdkRedirectURI, "scope": []string{"user:read"}}
	if o.redirectURI != "" {
		oauth["redirectUri"] = o.redirectURI
	}
	if o.secret {
		oauth["clientSecret"] = sdkApp.ClientSecret
	}
	require.NoError(t, s.orders.Encode(map[string]any{"base": server.URL, "mend": append([]string{}, o.mend...), "oauth": oauth}))
	return s
}

// try has the client do something.
func (s *sdk) try(order map[string]any) sdkAnswer {
	s.t.Helper()
	require.NoError(s.t, s.orders.Encode(order))
	var answer sdkAnswer
	require.NoError(s.t, s.answers.Decode(&answer), "the SDK's process ended or was killed")
	return answer
}

// must has the client do something that succeeds.
func (s *sdk) must(result any, order map[string]any) {
	s.t.Helper()
	answer := s.try(order)
	require.Empty(s.t, answer.Error, "%v", order["do"])
	require.NoError(s.t, json.Unmarshal(answer.Result, result))
}

// authorizeURL returns the URL that the client made.
func (s *sdk) authorizeURL() (u string) {
	s.t.Helper()
	s.must(&u, map[string]any{"do": "authorize"})
	return u
}

// logIn approves the client's authorize URL and hands the code to the client.
func (s *sdk) logIn(server *csoauthtest.Server) (tokens sdkTokens) {
	s.t.Helper()
	callback := server.Callback(server.Browser(), s.authorizeURL())
	s.must(&tokens, map[string]any{"do": "exchange", "code": callback.Get("code")})
	return tokens
}

type sdkTokens struct {
	Access       string `json:"access_token"`
	Refresh      string `json:"refresh_token"`
	ExpiresIn    int    `json:"expires_in"`
	Location     string `json:"location"`
	Organization string `json:"organization_uid"`
	User         string `json:"user_uid"`
}

// assertUser asks the API who the client's token stands for.
func (s *sdk) assertUser() {
	s.t.Helper()
	var user struct{ UID, Email string }
	s.must(&user, map[string]any{"do": "user"})
	assert.Equal(s.t, "blt00000000000ada01", user.UID)
	assert.Equal(s.t, "ada@example.com", user.Email)
}

// assertRefused has the client do what the token endpoint refuses. The client tells of a refusal its code, and with it the
// whole form that it sent, secrets and all: print no error of this client.
func (s *sdk) assertRefused(server *csoauthtest.Server, order map[string]any, refusal string) {
	s.t.Helper()
	code, _, _ := strings.Cut(refusal, ":")
	assert.True(s.t, strings.Contains(s.try(order).Error, `"error":"`+code+`"`), "want %s", code)
	sent := tokenRequests(server)
	require.NotEmpty(s.t, sent)
	assert.Equal(s.t, "refused: "+refusal, sent[len(sent)-1].Decision)
}

// tokenRequests returns what the token endpoint was sent.
func tokenRequests(server *csoauthtest.Server) (all []csoauthtest.Request) {
	for _, r := range server.Requests() {
		if strings.HasSuffix(r.Path, "/token") {
			all = append(all, r)
		}
	}
	return all
}

func keysOf(params map[string]string) (keys []string) {
	for key := range params {
		keys = append(keys, key)
	}
	return keys
}

func newSDKServer(t *testing.T, o csoauthtest.Options) *csoauthtest.Server {
	t.Parallel()
	o.Apps = []csoauthtest.App{sdkApp}
	return csoauthtest.NewServer(t, &o)
}

func TestManagementSDKLogsInAndRefreshes(t *testing.T) {
	server := newSDKServer(t, csoauthtest.Options{})
	s := startSDK(t, server, sdkOptions{mend: []string{"authorization"}})

	made, err := url.Parse(s.authorizeURL())
	require.NoError(t, err)
	assert.Equal(t, "/", made.Path)
	assert.Equal(t, "!/apps/"+sdkApp.UID+"/authorize", made.Fragment, "shape B: the query stands before the fragment")
	q := made.Query()
	assert.Len(t, q.Get("code_challenge"), 43)
	q.Del("code_challenge")
	assert.Equal(t, url.Values{ // it was given a redirect URI and a scope, and sends neither; and no state
		"response_type": {"code"}, "client_id": {sdkApp.ClientID}, "code_challenge_method": {"S256"},
	}, q)

	first := s.logIn(server)
	assert.Equal(t, []any{"blt00000000000ada01", "blt1a2b3c4d5e6f7081", "NA", 3600}, []any{first.User, first.Organization, first.Location, first.ExpiresIn})
	s.assertUser()

	var second sdkTokens
	s.must(&second, map[string]any{"do": "refresh"})
	assert.NotEqual(t, first.Access, second.Access)
	assert.NotEqual(t, first.Refresh, second.Refresh)
	s.assertUser()
	s.must(new(sdkTokens), map[string]any{"do": "refresh"}) // with the second refresh token: the first is used up
	s.assertUser()

	sent := tokenRequests(server)
	require.Len(t, sent, 3)
	exchange, refresh := sent[0], sent[1]
	assert.ElementsMatch(t, []string{"grant_type", "code", "redirect_uri", "client_id", "code_verifier"}, keysOf(exchange.Params))
	assert.Equal(t, "authorization_code", exchange.Params["grant_type"])
	assert.Equal(t, sdkRedirectURI, exchange.Params["redirect_uri"])
	assert.ElementsMatch(t, []string{"grant_type", "refresh_token", "redirect_uri", "client_id"}, keysOf(refresh.Params))
	assert.Equal(t, "refresh_token", refresh.Params["grant_type"])
	assert.Equal(t, exchange.Answer["refresh_token"], refresh.Params["refresh_token"])
	assert.Equal(t, refresh.Answer["refresh_token"], sent[2].Params["refresh_token"])
	for _, r := range sent {
		assert.Equal(t, "/token", r.Path, "all official SDKs use the Developer Hub's")
		assert.Equal(t, 200, r.Status)
	}
}

func TestManagementSDKHandlesARedirect(t *testing.T) {
	server := newSDKServer(t, csoauthtest.Options{})
	s := startSDK(t, server, sdkOptions{})
	callback := server.Callback(server.Browser(), s.authorizeURL())
	s.must(new(any), map[string]any{"do": "redirected", "url": sdkRedirectURI + "/?" + callback.Encode()})
	s.assertUser()

	denied := server.Callback(server.BrowserOf(csoauthtest.Visitor{Deny: true}), s.authorizeURL())
	assert.Equal(t, "access_denied", denied.Get("error"))
	answer := s.try(map[string]any{"do": "redirected", "url": sdkRedirectURI + "/?" + denied.Encode()})
	assert.NotEmpty(t, answer.Error)
	assert.NotContains(t, answer.Error, "denied", "it ignores error and only misses the code")
	assert.Len(t, tokenRequests(server), 1)
}

func TestManagementSDKSendsTheOldTokenAtRefresh(t *testing.T) {
	server := newSDKServer(t, csoauthtest.Options{})
	s := startSDK(t, server, sdkOptions{}) // "authorization" is not mended
	s.logIn(server)
	s.assertRefused(server, map[string]any{"do": "refresh"}, "invalid_request: there is an Authorization header: the client proves itself in the body")
	s.assertUser() // what was refused for its form has spent nothing
}

func TestManagementSDKWithASecret(t *testing.T) {
	server := newSDKServer(t, csoauthtest.Options{})
	s := startSDK(t, server, sdkOptions{secret: true, mend: []string{"authorization"}}) // "secret" is not mended
	made, err := url.Parse(s.authorizeURL())
	require.NoError(t, err)
	assert.Equal(t, url.Values{"response_type": {"code"}, "client_id": {sdkApp.ClientID}}, made.Query())
	s.logIn(server)
	s.assertUser()
	s.assertRefused(server, map[string]any{"do": "refresh"}, "invalid_client: client_secret was sent for the token, so it must be sent for its refresh")

	mended := startSDK(t, server, sdkOptions{secret: true, mend: []string{"authorization", "secret"}})
	mended.logIn(server)
	mended.must(new(sdkTokens), map[string]any{"do": "refresh"})
	mended.assertUser()

	sent := tokenRequests(server)
	require.Len(t, sent, 4)
	assert.ElementsMatch(t, []string{"grant_type", "code", "redirect_uri", "client_id", "client_secret"}, keysOf(sent[0].Params))
	assert.NotContains(t, sent[1].Params, "client_secret")
	assert.Equal(t, sent[2].Params["client_secret"], sent[3].Params["client_secret"])
}

func TestManagementSDKWithTheSecondRedirectURI(t *testing.T) {
	server := newSDKServer(t, csoauthtest.Options{})
	s := startSDK(t, server, sdkOptions{redirectURI: sdkApp.RedirectURIs[1]}) // "redirect_uri" is not mended
	callback := server.Callback(server.Browser(), s.authorizeURL())
	s.assertRefused(server, map[string]any{"do": "exchange", "code": callback.Get("code")}, "invalid_grant: redirect_uri is not the one of the authorize URL")

	mended := startSDK(t, server, sdkOptions{redirectURI: sdkApp.RedirectURIs[1], mend: []string{"redirect_uri", "authorization"}})
	mended.logIn(server)
	mended.must(new(sdkTokens), map[string]any{"do": "refresh"})
	mended.assertUser()
}

func TestManagementSDKWithShortTokens(t *testing.T) {
	server := newSDKServer(t, csoauthtest.Options{AccessTokenLifetime: 30 * time.Second})
	s := startSDK(t, server, sdkOptions{mend: []string{"authorization", "expiry"}})
	s.logIn(server)
	var expiry int64
	s.must(&expiry, map[string]any{"do": "expiry"})
	require.Less(t, expiry, time.Now().UnixMilli(), "it takes a minute off, so this token is expired from the start, and the next call would hang")
	s.assertUser()

	server.Expire(nil)
	answer := s.try(map[string]any{"do": "user"})
	assert.Contains(t, answer.Error, "not allowed in here unless you're logged in")
	s.must(new(sdkTokens), map[string]any{"do": "refresh"})
	s.assertUser()
}

// A person approves the client's own authorize URL in a browser.
func TestManagementSDKInChromium(t *testing.T) {
	t.Parallel()
	callbacks := make(chan url.Values, 1)
	listener := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("code") != "" {
			callbacks <- r.URL.Query()
		}
		fmt.Fprint(w, `<!doctype html><html lang="en"><title>App</title><body data-page="app">`)
	}))
	t.Cleanup(listener.Close)
	app := sdkApp
	app.RedirectURIs = []string{strings.Replace(listener.URL, "127.0.0.1", "localhost", 1)}
	server := csoauthtest.NewServer(t, &csoauthtest.Options{Apps: []csoauthtest.App{app}})
	s := startSDK(t, server, sdkOptions{redirectURI: app.RedirectURIs[0], mend: []string{"authorization"}})

	b := newChrome(t).tab()
	b.open(s.authorizeURL())
	b.await("login") // and its parameters are lost behind the #: the client's shape has that from Contentstack's page
	b.click(asAda)
	b.await("index")
	b.open(s.authorizeURL())
	b.await("consent")
	b.choose("select[name=organization]", shop)
	b.click(allow)
	b.await("app")

	var tokens sdkTokens
	s.must(&tokens, map[string]any{"do": "exchange", "code": (<-callbacks).Get("code")})
	assert.Equal(t, []string{ada, shop}, []string{tokens.User, tokens.Organization})
	s.assertUser()
	s.must(&tokens, map[string]any{"do": "refresh"})
	s.assertUser()
}
