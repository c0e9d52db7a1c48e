package csoauthtest_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csoauthtest"
)

// testsEnd runs test on a Server with these Options, and returns what the test failed with at its
// end.
func testsEnd(t *testing.T, o *csoauthtest.Options, test func(*csoauthtest.Server)) (failed []string) {
	f := &endingTest{failedTest: failedTest{TB: t}}
	test(csoauthtest.NewServer(f, o))
	f.end()
	return f.failed
}

// An endingTest is a failedTest that can end before the real test.
type endingTest struct {
	failedTest
	cleanups []func()
}

func (f *endingTest) Cleanup(clean func()) { f.cleanups = append(f.cleanups, clean) }

func (f *endingTest) end() {
	for _, clean := range f.cleanups {
		clean()
	}
}

// plainLogin does a login with the challenge method plain.
func plainLogin(server *csoauthtest.Server) {
	c := server.Config(callbackURI)
	c.ChallengeMethod = csoauth.Plain
	server.Login(c)
}

func TestFindingsFailTheTestAtItsEnd(t *testing.T) {
	const want = "csoauthtest: finding plain-challenge: "
	for name, row := range map[string]struct {
		o    *csoauthtest.Options
		do   func(*csoauthtest.Server)
		want int
	}{
		"nothing wrong":       {nil, func(s *csoauthtest.Server) { s.Login(s.Config(callbackURI)) }, 0},
		"plain":               {nil, plainLogin, 1},
		"twice":               {nil, func(s *csoauthtest.Server) { plainLogin(s); plainLogin(s) }, 1},
		"at a realistic one":  {csoauthtest.Realistic(), plainLogin, 1},
		"allowed":             {&csoauthtest.Options{Allow: []string{"plain-challenge"}}, plainLogin, 0},
		"another one allowed": {&csoauthtest.Options{Allow: []string{"no-state"}}, plainLogin, 1},
	} {
		t.Run(name, func(t *testing.T) {
			failed := testsEnd(t, row.o, row.do)
			require.Len(t, failed, row.want)
			for _, text := range failed {
				require.True(t, strings.HasPrefix(text, want), text)
				require.True(t, strings.HasSuffix(text, "(RFC 7636, section 7.2)"), text)
			}
		})
	}
}

func TestFindingsTellWhatIsWrong(t *testing.T) {
	server := csoauthtest.NewServer(t, &csoauthtest.Options{Allow: []string{"plain-challenge"}})
	require.Empty(t, server.Findings())
	plainLogin(server)
	findings := server.Findings()
	require.Len(t, findings, 1)
	f := findings[0]
	require.Equal(t, []any{"plain-challenge", server.Config(callbackURI).ClientID, false, 2}, []any{f.ID, f.Client, f.Refused, f.Count})
	require.Contains(t, f.Fault, "its method is plain")
	require.Equal(t, "RFC 7636, section 7.2", f.Source)
	require.Regexp(t, "^POST /apps/.*/authorize$", f.Request)
	require.False(t, f.First.IsZero() || f.Last.Before(f.First))
	require.Equal(t, []string{"plain-challenge"}, server.Requests()[0].Findings)
}

func TestIDsThatAreNone(t *testing.T) {
	require.Equal(t, []string{`csoauthtest: Allow: there is no finding "plain"`},
		failures(t, func(tb testing.TB) { csoauthtest.NewServer(tb, &csoauthtest.Options{Allow: []string{"plain"}}) }))
	failed := failures(t, func(tb testing.TB) { csoauthtest.NewServer(tb, &csoauthtest.Options{Tolerate: []string{"no-state"}}) })
	require.Len(t, failed, 1)
	require.Contains(t, failed[0], `csoauthtest: emulator: tolerate "no-state": want a rule that can be tolerated: `)
}

// TestRealisticToleratesWhatClientsDo: they send no redirect_uri at a refresh, and a strict Server
// refuses that.
func TestRealisticToleratesWhatClientsDo(t *testing.T) {
	for name, row := range map[string]struct {
		o    *csoauthtest.Options
		want int
	}{
		"strict":                  {&csoauthtest.Options{}, http.StatusBadRequest},
		"strict but for one rule": {&csoauthtest.Options{Tolerate: []string{"refresh-without-redirect-uri"}}, http.StatusOK},
		"realistic":               {csoauthtest.Realistic(), http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			row.o.Allow = []string{"refresh-without-redirect-uri"}
			server := csoauthtest.NewServer(t, row.o)
			c := server.Config(callbackURI)
			form := url.Values{"grant_type": {"refresh_token"}, "client_id": {c.ClientID}, "refresh_token": {server.Login(c).RefreshToken}}
			resp, err := c.HTTPClient.PostForm(server.URL+"/token", form)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			require.Equal(t, row.want, resp.StatusCode)
			require.Equal(t, row.want != http.StatusOK, server.Findings()[0].Refused)
		})
	}
}

// TestCodeOfAnAPIIsNoSecret: a test of a client that asks for a language must not fail.
func TestCodeOfAnAPIIsNoSecret(t *testing.T) {
	server := csoauthtest.NewServer(t, nil)
	server.API("GET /v3/locales", func(http.ResponseWriter, *http.Request) {})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/v3/locales?code=fr-fr", nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+server.Login(server.Config("http://localhost:8184")).AccessToken)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, http.StatusOK, resp.StatusCode)
	require.Empty(t, server.Findings())
}
