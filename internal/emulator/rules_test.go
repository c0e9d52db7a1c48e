package emulator_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/emulator"
)

// A loginSite is a site with a client that logs in afresh each time.
type loginSite struct{ *site }

func startLogins(t *testing.T, o emulator.Options) loginSite {
	if o.Tolerate == nil {
		o.Tolerate = []string{} // nothing
	}
	return loginSite{start(t, o)}
}

// A loginAttempt is the authorize URL and the token request of one login.
type loginAttempt struct{ authorize, redeem url.Values }

// attempt makes a login with a new state and verifier.
func (loginSite) attempt() loginAttempt {
	verifier := rand.Text() + rand.Text()
	return loginAttempt{
		authorization(url.Values{"state": {rand.Text()}, "code_challenge": {s256(verifier)}}),
		redemption("", url.Values{"code_verifier": {verifier}}),
	}
}

// consent opens the authorize URL and consents. It returns the status of the page, and keeps the
// code for the token request.
func (s loginSite) consent(a loginAttempt) int {
	page := s.visit(emulator.Visitor{}, s.byPath("app1", a.authorize))
	if page.status == http.StatusFound {
		a.redeem.Set("code", page.callback(s.t).Get("code"))
	}
	return page.status
}

// after logs in with what change makes of a login, and returns the status of the last request.
func (s loginSite) after(change func(a loginAttempt)) int {
	a := s.attempt()
	if change != nil {
		change(a)
	}
	if status := s.consent(a); status != http.StatusFound {
		return status
	}
	return s.token(a.redeem).status
}

// tokens logs in.
func (s loginSite) tokens(changes ...url.Values) tokenAnswer {
	a := s.attempt()
	require.Equal(s.t, http.StatusFound, s.consent(a))
	tokens := s.token(with(a.redeem, changes...))
	require.Equal(s.t, http.StatusOK, tokens.status)
	return tokens
}

// send sends the token request of a login that has consent, changed.
func (s loginSite) send(change func(r *http.Request)) int {
	a := s.attempt()
	require.Equal(s.t, http.StatusFound, s.consent(a))
	r := s.request(http.MethodPost, s.url+"/token", a.redeem.Encode())
	change(r)
	return s.do(s.client, r).status
}

// call asks an API with the token of a new login, and with these headers.
func (s loginSite) call(path string, headers http.Header) int {
	r := s.request(http.MethodGet, s.url+path, "")
	r.Header.Set("Authorization", "Bearer "+s.tokens().Access)
	maps.Copy(r.Header, headers)
	return s.do(s.client, r).status
}

// A ruleClient breaks one rule, and returns the status of its last request.
type ruleClient struct {
	id                string
	strict, realistic bool // whether that preset refuses it
	do                func(s loginSite) int
}

func ruleClients() []ruleClient {
	const refused, passes = true, false
	one := func(name, value string) func(loginAttempt) {
		return func(a loginAttempt) { a.authorize.Set(name, value) }
	}
	form := func(name, value string) func(loginAttempt) {
		return func(a loginAttempt) { a.redeem.Set(name, value) }
	}
	header := func(name string, values ...string) func(*http.Request) {
		return func(r *http.Request) { r.Header[name] = values }
	}
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("client1:"+url.QueryEscape(secret)))
	return []ruleClient{
		{"secret-in-url", refused, passes, func(s loginSite) int { return s.after(one("code_verifier", "x")) }},
		{"secret-in-url", refused, passes, func(s loginSite) int { return s.after(one("client_secret", "x")) }},
		{"secret-in-url", refused, passes, func(s loginSite) int { return s.after(one("refresh_token", "x")) }},
		{"secret-in-url", refused, passes, func(s loginSite) int { return s.call("/v3/user?access_token=x", nil) }},
		{"repeated-parameter", refused, refused, func(s loginSite) int {
			return s.after(func(a loginAttempt) { a.authorize["scope"] = []string{"user:read", "user:read"} })
		}},
		{"repeated-parameter", refused, refused, func(s loginSite) int {
			return s.after(func(a loginAttempt) { a.redeem["client_id"] = []string{"client1", "client1"} })
		}},
		{"unreadable-parameters", refused, refused, func(s loginSite) int {
			return s.do(s.client, s.request(http.MethodPost, s.url+"/token", "code=%zz")).status
		}},
		{"unreadable-parameters", refused, refused, func(s loginSite) int {
			return s.do(s.client, s.request(http.MethodPost, s.url+"/token", strings.Repeat("x", emulator.MaxForm+1))).status
		}},
		{"wrong-client", refused, refused, func(s loginSite) int { return s.after(one("client_id", "client2")) }},
		{"wrong-client", refused, refused, func(s loginSite) int { return s.after(form("client_id", "nobody")) }},
		{"wrong-client", refused, refused, func(s loginSite) int {
			return s.visit(emulator.Visitor{}, s.byPath("client1", s.attempt().authorize)).status
		}},
		{"two-authorization-headers", refused, refused, func(s loginSite) int {
			return s.call("/v3/user", http.Header{"Authorization": {"Bearer a", "Bearer b"}})
		}},
		{"two-authorization-headers", refused, refused, func(s loginSite) int { return s.send(header("Authorization", basic, basic)) }},
		{"two-authorization-headers", refused, refused, func(s loginSite) int {
			r := s.request(http.MethodPost, s.url+"/introspect", url.Values{"token": {s.tokens().Access}}.Encode())
			r.Header["Authorization"] = []string{basic, basic}
			return s.do(s.client, r).status
		}},

		{"no-state", passes, passes, func(s loginSite) int { return s.after(func(a loginAttempt) { a.authorize.Del("state") }) }},
		{"no-state", passes, passes, func(s loginSite) int { return s.after(one("state", "")) }},
		{"state-reused", refused, passes, func(s loginSite) int {
			first := s.attempt()
			s.consent(first)
			return s.after(one("state", first.authorize.Get("state")))
		}},
		{"state-reused", refused, passes, func(s loginSite) int { // after a denial
			first := s.attempt()
			s.visit(emulator.Visitor{Deny: true}, s.byPath("app1", first.authorize))
			return s.after(one("state", first.authorize.Get("state")))
		}},
		{"no-pkce", passes, passes, func(s loginSite) int {
			return s.after(func(a loginAttempt) {
				a.authorize.Del("code_challenge")
				a.authorize.Del("code_challenge_method")
				a.redeem.Del("code_verifier")
				a.redeem.Set("client_secret", secret)
			})
		}},
		{"plain-challenge", passes, passes, func(s loginSite) int {
			return s.after(func(a loginAttempt) {
				a.authorize.Set("code_challenge_method", "plain")
				a.authorize.Set("code_challenge", a.redeem.Get("code_verifier"))
			})
		}},
		{"plain-challenge", passes, passes, func(s loginSite) int {
			return s.after(func(a loginAttempt) {
				a.authorize.Del("code_challenge_method")
				a.authorize.Set("code_challenge", a.redeem.Get("code_verifier"))
			})
		}},
		{"challenge-reused", refused, passes, func(s loginSite) int {
			first := s.attempt()
			s.consent(first)
			return s.after(func(a loginAttempt) {
				a.authorize.Set("code_challenge", first.authorize.Get("code_challenge"))
				a.redeem.Set("code_verifier", first.redeem.Get("code_verifier"))
			})
		}},
		{"malformed-challenge", refused, refused, func(s loginSite) int { return s.after(one("code_challenge", "short")) }},
		{"malformed-challenge", refused, refused, func(s loginSite) int { return s.after(one("code_challenge_method", "S512")) }},
		{"malformed-challenge", refused, refused, func(s loginSite) int {
			return s.after(func(a loginAttempt) { a.authorize.Del("code_challenge") })
		}},
		{"wrong-response-type", refused, refused, func(s loginSite) int { return s.after(one("response_type", "token")) }},
		{"no-redirect-uri", passes, passes, func(s loginSite) int { return s.after(func(a loginAttempt) { a.authorize.Del("redirect_uri") }) }},
		{"unregistered-redirect-uri", refused, refused, func(s loginSite) int { return s.after(one("redirect_uri", callbackURI+"&x=1")) }},
		{"scope-not-configured", refused, refused, func(s loginSite) int { return s.after(one("scope", "user:read user:write")) }},

		{"not-post", refused, refused, func(s loginSite) int {
			return s.do(s.client, s.request(http.MethodGet, s.url+"/token", "")).status
		}},
		{"not-form-encoded", refused, refused, func(s loginSite) int {
			r := s.request(http.MethodPost, s.url+"/token", `{"grant_type":"refresh_token"}`)
			r.Header.Set("Content-Type", "application/json")
			return s.do(s.client, r).status
		}},
		{"query-at-token-endpoint", refused, passes, func(s loginSite) int {
			return s.send(func(r *http.Request) { r.URL.RawQuery = "app_id=app1" })
		}},
		{"bearer-at-token-endpoint", refused, passes, func(s loginSite) int { return s.send(header("Authorization", "Bearer old")) }},
		{"bearer-at-token-endpoint", refused, passes, func(s loginSite) int { return s.send(header("Authorization", "")) }},
		{"basic-at-token-endpoint", refused, passes, func(s loginSite) int { return s.send(header("Authorization", basic)) }},
		{"cookie-at-token-endpoint", refused, passes, func(s loginSite) int { return s.send(header("Cookie", "a=b")) }},
		{"wrong-secret", refused, refused, func(s loginSite) int { return s.after(form("client_secret", secret+"x")) }},
		{"no-secret", refused, refused, func(s loginSite) int {
			return s.token(redemption("x", url.Values{"client_id": {"client2"}})).status
		}},
		{"wrong-grant-type", refused, refused, func(s loginSite) int { return s.after(form("grant_type", "password")) }},
		{"missing-parameter", refused, refused, func(s loginSite) int { return s.token(redemption("")).status }},
		{"missing-parameter", refused, refused, func(s loginSite) int { return s.token(renewal("")).status }},
		{"anothers-grant", refused, refused, func(s loginSite) int { return s.after(form("client_id", "client3")) }},
		{"anothers-grant", refused, refused, func(s loginSite) int {
			return s.token(renewal(s.tokens().Refresh, url.Values{"client_id": {"client3"}})).status
		}},

		{"code-reused", refused, refused, func(s loginSite) int {
			a := s.attempt()
			s.consent(a)
			s.token(a.redeem)
			return s.token(a.redeem).status
		}},
		{"redirect-uri-mismatch", refused, refused, func(s loginSite) int { return s.after(form("redirect_uri", otherURI)) }},
		{"redirect-uri-mismatch", refused, refused, func(s loginSite) int {
			return s.token(renewal(s.tokens().Refresh, url.Values{"redirect_uri": {otherURI}})).status
		}},
		{"no-verifier", refused, refused, func(s loginSite) int {
			return s.after(func(a loginAttempt) { a.redeem.Del("code_verifier") })
		}},
		{"verifier-out-of-bounds", refused, passes, func(s loginSite) int { // 171 characters, as Contentstack's Python client makes them
			long := strings.Repeat("a", 171)
			return s.after(func(a loginAttempt) {
				a.authorize.Set("code_challenge", s256(long))
				a.redeem.Set("code_verifier", long)
			})
		}},
		{"wrong-verifier", refused, refused, func(s loginSite) int { return s.after(form("code_verifier", verifier)) }},

		{"refresh-token-reused", refused, refused, func(s loginSite) int {
			tokens := s.tokens()
			s.token(renewal(tokens.Refresh))
			return s.token(renewal(tokens.Refresh)).status
		}},
		{"refresh-without-redirect-uri", refused, passes, func(s loginSite) int {
			return s.token(renewal(s.tokens().Refresh, url.Values{"redirect_uri": nil})).status
		}},
		{"refresh-without-secret", refused, passes, func(s loginSite) int {
			return s.token(renewal(s.tokens(url.Values{"client_secret": {secret}}).Refresh)).status
		}},
		{"refresh-with-new-secret", refused, passes, func(s loginSite) int {
			return s.token(renewal(s.tokens().Refresh, url.Values{"client_secret": {secret}})).status
		}},
		{"scope-widened", refused, passes, func(s loginSite) int {
			a := s.attempt()
			a.authorize.Set("scope", "user:read")
			s.consent(a)
			return s.token(renewal(s.token(a.redeem).Refresh, url.Values{"scope": {"user:read cm.stack:share"}})).status
		}},

		{"no-bearer-scheme", refused, refused, func(s loginSite) int {
			return s.call("/v3/user", http.Header{"Authorization": {s.tokens().Access}})
		}},
		{"no-bearer-scheme", refused, refused, func(s loginSite) int {
			return s.call("/v3/user", http.Header{"Authorization": {"Token " + s.tokens().Access}})
		}},
		{"authtoken-header", refused, passes, func(s loginSite) int { return s.call("/v3/user", http.Header{"Authtoken": {""}}) }},
		{"no-organization-uid", passes, passes, func(s loginSite) int { return s.call("/manifests/app1/authorizations", nil) }},
		{"no-organization-uid", passes, passes, func(s loginSite) int { return s.call("/apps-api/authorized-apps", nil) }},
	}
}

// TestEachRule has a client for each rule, which breaks it and nothing else.
func TestEachRule(t *testing.T) {
	for i, row := range ruleClients() {
		for preset, o := range map[string]emulator.Options{"strict": emulator.Strict(), "realistic": emulator.Realistic()} {
			want := map[string]bool{"strict": row.strict, "realistic": row.realistic}[preset]
			t.Run(fmt.Sprint(row.id, " ", i, " ", preset), func(t *testing.T) {
				s := startLogins(t, o)
				status := row.do(s)
				require.Equal(t, want, status >= 400, "status %d", status)
				findings := s.Findings()
				require.Contains(t, idsOf(findings), row.id)
				for _, f := range findings {
					if f.ID == row.id {
						require.Equal(t, want, f.Refused)
					}
				}
				if row.id != "challenge-reused" { // with which the verifier is used again, too
					require.Len(t, findings, 1)
				}
			})
		}
	}
	s := startLogins(t, emulator.Strict())
	s.token(renewal(s.tokens().Refresh))
	require.Empty(t, s.Findings(), "of a client that does nothing wrong")
}

func TestEveryRuleHasAClientThatBreaksIt(t *testing.T) {
	broken := map[string]bool{
		"verifier-reused":            true, // TestVerifierReused
		"verifier-without-challenge": true, // TestVerifierWithoutChallenge
	}
	for _, row := range ruleClients() {
		broken[row.id] = true
	}
	ids := []string{}
	for _, rule := range emulator.Rules() {
		ids = append(ids, rule.ID)
		require.Regexp(t, `^[a-z]+(-[a-z]+)+$`, rule.ID)
		require.Regexp(t, `^[A-Z].*\.$`, rule.Fault, rule.ID)
		require.Regexp(t, "^(RFC [0-9]+, (section|sections|appendix) |Contentstack's document)", rule.Source, rule.ID)
	}
	require.ElementsMatch(t, ids, slices.Collect(maps.Keys(broken)))
}

func idsOf(findings []emulator.Finding) (ids []string) {
	for _, f := range findings {
		ids = append(ids, f.ID)
	}
	return ids
}

// TestVerifierReused: a challenge by itself is new when its method is another one.
func TestVerifierReused(t *testing.T) {
	for preset, o := range map[string]emulator.Options{"strict": emulator.Strict(), "realistic": emulator.Realistic()} {
		t.Run(preset, func(t *testing.T) {
			s := startLogins(t, o)
			first := s.attempt()
			s.consent(first)
			s.token(first.redeem)
			status := s.after(func(a loginAttempt) {
				a.authorize.Set("code_challenge_method", "plain")
				a.authorize.Set("code_challenge", first.redeem.Get("code_verifier"))
				a.redeem.Set("code_verifier", first.redeem.Get("code_verifier"))
			})
			require.Equal(t, preset == "strict", status >= 400)
			require.Equal(t, []string{"plain-challenge", "verifier-reused"}, idsOf(s.Findings()))
		})
	}
}

func TestVerifierWithoutChallenge(t *testing.T) {
	s := startLogins(t, emulator.Realistic())
	status := s.after(func(a loginAttempt) {
		a.authorize.Del("code_challenge")
		a.authorize.Del("code_challenge_method")
	})
	require.Equal(t, http.StatusBadRequest, status)
	require.Equal(t, []string{"no-pkce", "verifier-without-challenge"}, idsOf(s.Findings()))
}

// TestFindingIsOneForARuleAndAClient counts the requests, and tells the last of them.
func TestFindingIsOneForARuleAndAClient(t *testing.T) {
	now := newClock()
	s := startLogins(t, emulator.Options{Now: now.Now})
	began := now.Now()
	for range 3 {
		now.pass(1)
		require.Equal(t, http.StatusOK, s.after(func(a loginAttempt) { a.authorize.Del("state") }))
	}
	s.visit(emulator.Visitor{}, s.byPath("app3", with(s.attempt().authorize, url.Values{"state": nil, "client_id": {"client3"}})))
	of := map[string]int{}
	for _, f := range s.Findings() {
		require.Equal(t, "no-state", f.ID)
		of[f.Client] = f.Count
		if f.Client == "client1" {
			require.Equal(t, began.Add(1), f.First)
			require.Equal(t, began.Add(3), f.Last)
			require.Equal(t, "GET /apps/app1/authorize", f.Request)
		}
	}
	require.Equal(t, map[string]int{"client1": 4, "client3": 2}, of, "the first form, and the answers to it")
}

// TestWhatTheEmulatorSpoiledIsNoFinding: the client cannot know that its refresh token was spent.
func TestWhatTheEmulatorSpoiledIsNoFinding(t *testing.T) {
	const processed, never = true, false
	for name, row := range map[string]struct {
		fault     emulator.Fault
		processed bool
	}{
		"cut before": {emulator.Fault{Cut: emulator.CutBefore}, never},
		"cut after":  {emulator.Fault{Cut: emulator.CutAfter}, processed},
		"cut inside": {emulator.Fault{Cut: emulator.CutInside, CutAt: 10}, processed},
		"slow":       {emulator.Fault{Slow: 1}, processed},
		"delayed":    {emulator.Fault{Delay: 1}, processed},
		"failed":     {emulator.Fault{Status: http.StatusServiceUnavailable}, never},
		"redirected": {emulator.Fault{RedirectTo: "https://elsewhere.example.com/"}, never},
	} {
		t.Run(name, func(t *testing.T) {
			s := startLogins(t, emulator.Options{})
			form := renewal(s.tokens().Refresh)
			s.FailNext(row.fault)
			resp, err := s.client.Do(s.request(http.MethodPost, s.url+"/token", form.Encode()))
			if err == nil {
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
			require.Equal(t, row.processed, s.token(form).status != http.StatusOK, "the second time")
			require.Empty(t, s.Findings())
			s.token(form)
			require.Equal(t, row.processed, len(s.Findings()) == 0, "the third time")
		})
	}
}

// TestRotationThatIsOffNeedsNoNewToken: then the same refresh token again is right.
func TestRotationThatIsOffNeedsNoNewToken(t *testing.T) {
	for reuse, want := range map[string][]string{"none": nil, "refuse": {"refresh-token-reused"}} {
		s := startLogins(t, emulator.Options{Unknowns: emulator.Unknowns{Reuse: reuse}})
		form := renewal(s.tokens().Refresh)
		s.token(form)
		s.token(form)
		require.Equal(t, want, idsOf(s.Findings()))
	}
}

func TestBasicCredentialsAreTheClients(t *testing.T) {
	for name, row := range map[string]struct {
		id, secret string
		want       int
	}{
		"good":         {"client1", secret, http.StatusOK},
		"wrong secret": {"client1", "guess", http.StatusUnauthorized},
		"wrong client": {"client9", secret, http.StatusUnauthorized},
		"bad encoding": {"client1", "%zz", http.StatusUnauthorized},
		"bad client":   {"%zz", secret, http.StatusUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			s := startLogins(t, emulator.Realistic())
			a := s.attempt()
			s.consent(a)
			a.redeem.Del("client_id")
			r := s.request(http.MethodPost, s.url+"/token", a.redeem.Encode())
			id, password := url.QueryEscape(row.id), url.QueryEscape(row.secret)
			if row.secret == "%zz" {
				password = row.secret
			}
			if row.id == "%zz" {
				id = row.id
			}
			r.SetBasicAuth(id, password)
			said := s.do(s.client, r)
			require.Equal(t, row.want, said.status, said.body)
			if row.want != http.StatusOK {
				return
			}
			var tokens tokenAnswer
			require.NoError(t, json.Unmarshal([]byte(said.body), &tokens))
			s.token(renewal(tokens.Refresh))
			require.Contains(t, idsOf(s.Findings()), "refresh-without-secret", "the secret counts as sent for the token")
		})
	}
}

func TestScopeOfARefreshNarrowsTheToken(t *testing.T) {
	s := startLogins(t, emulator.Options{})
	tokens := s.token(renewal(s.tokens().Refresh, url.Values{"scope": {"cm.stack:share"}}))
	require.Empty(t, tokens.reason())
	require.Equal(t, http.StatusForbidden, s.user("Bearer "+tokens.Access).status)
	tokens = s.token(renewal(tokens.Refresh))
	require.Equal(t, http.StatusOK, s.user("Bearer "+tokens.Access).status, "the login has what it had")
	require.Empty(t, s.Findings())
}

func TestOnlySomeRulesCanBeTolerated(t *testing.T) {
	for _, rule := range emulator.Rules() {
		_, err := emulator.New(emulator.Options{Tolerate: []string{rule.ID}})
		refusedByStrict, refusedByTolerant := rule.RefusedBy(emulator.Options{}), rule.RefusedBy(emulator.Options{Tolerate: []string{rule.ID}})
		require.Equal(t, refusedByStrict != refusedByTolerant, err == nil, rule.ID)
	}
	_, err := emulator.New(emulator.Options{Tolerate: []string{"scope-widened", "no-such-rule"}})
	require.ErrorContains(t, err, `emulator: tolerate "no-such-rule": want a rule that can be tolerated: secret-in-url, state-reused, `)
	_, err = emulator.New(emulator.Realistic())
	require.NoError(t, err)
}

// TestClientThatLeavesIsNoFinding: it did not get the response, so it may use the refresh token
// again.
func TestClientThatLeavesIsNoFinding(t *testing.T) {
	s := startLogins(t, emulator.Options{})
	form := renewal(s.tokens().Refresh)
	gone, leave := context.WithCancel(t.Context())
	leave()
	r := httptest.NewRequestWithContext(gone, http.MethodPost, "http://localhost/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	s.ServeHTTP(httptest.NewRecorder(), r)
	require.Equal(t, http.StatusBadRequest, s.token(form).status)
	require.Empty(t, s.Findings())
}

func TestFindingsAreInTheOrderOfTheirFirstRequests(t *testing.T) {
	now := newClock()
	s := startLogins(t, emulator.Options{Now: now.Now})
	var want []string
	for _, client := range ruleClients() {
		if slices.Contains(want, client.id) || client.id == "challenge-reused" {
			continue
		}
		now.pass(time.Second)
		client.do(s)
		want = append(want, client.id)
	}
	require.Equal(t, want, idsOf(s.Findings()))
}
