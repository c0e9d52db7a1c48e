package emulator_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/emulator"
)

const mask = `^\*\*\*[0-9a-f]{8}$`

func TestSameSecretHasTheSameMark(t *testing.T) {
	s := start(t, emulator.Options{})
	code := s.code(url.Values{"code_challenge": {verifier}, "code_challenge_method": {"plain"}})
	asked, decided := s.Requests()[0], s.Requests()[1]
	tokens := s.token(redemption(code, url.Values{"client_secret": {secret}}))
	redeemed := s.last()
	renewed := s.token(renewal(tokens.Refresh, url.Values{"client_secret": {secret}}))
	refreshed := s.last()
	require.Empty(t, renewed.reason())

	for name, same := range map[string][]string{
		"state":         {asked.Params["state"], decided.Params["state"], decided.Answer["state"]},
		"verifier":      {asked.Params["code_challenge"], decided.Params["code_challenge"], redeemed.Params["code_verifier"]},
		"code":          {decided.Answer["code"], redeemed.Params["code"]},
		"secret":        {redeemed.Params["client_secret"], refreshed.Params["client_secret"]},
		"refresh token": {redeemed.Answer["refresh_token"], refreshed.Params["refresh_token"]},
	} {
		for _, mark := range same {
			require.Regexp(t, mask, mark, name)
			require.Equal(t, same[0], mark, name)
		}
	}
	different := map[string]bool{}
	for _, r := range []emulator.Request{decided, redeemed, refreshed} {
		for _, name := range []string{"state", "code", "access_token", "refresh_token"} {
			different[r.Answer[name]] = true
		}
	}
	require.Len(t, different, 1+2+2+2, "nothing, and six secrets with marks of their own")
}

func TestMarksOfTwoLogsDoNotCompare(t *testing.T) {
	one, two := start(t, emulator.Options{}), start(t, emulator.Options{})
	one.code()
	two.code()
	require.NotEqual(t, one.last().Params["state"], two.last().Params["state"])
}

// TestCallbackAsRedirectURI: some clients send back all of the URL that they were called at.
func TestCallbackAsRedirectURI(t *testing.T) {
	s := start(t, emulator.Options{})
	for sent, want := range map[string]string{
		callbackURI + "&code=abc&state=def":         "^https://app.example.com/callback[?][*]{3}[0-9a-f]{8}$",
		"https://app.example.com/callback#code=abc": "^https://app.example.com/callback#[*]{3}[0-9a-f]{8}$",
		"https://user:abc@app.example.com/callback": "^[*]{3}[0-9a-f]{8}$",
	} {
		for name, send := range map[string]func() answer{
			"authorize": func() answer {
				return s.do(s.client, s.request(http.MethodGet, s.byPath("app1", authorization(url.Values{"redirect_uri": {sent}})), ""))
			},
			"token": func() answer {
				said := s.token(redemption(s.code(), url.Values{"redirect_uri": {sent}}))
				return answer{status: said.status, body: said.reason()}
			},
		} {
			page := send()
			require.Equal(t, http.StatusBadRequest, page.status, name)
			require.Regexp(t, want, s.last().Params["redirect_uri"], name)
			require.NotContains(t, page.body+s.last().Decision, "abc", name)
		}
	}
}

func TestOnlyKnownParametersAreShown(t *testing.T) {
	s := start(t, emulator.Options{})
	for name, row := range map[string]struct {
		sent  url.Values
		param string
		shown bool
	}{
		"client":                    {nil, "client_id", true},
		"redirect URI":              {url.Values{"redirect_uri": {otherURI}}, "redirect_uri", true},
		"hashed challenge":          {nil, "code_challenge", true},
		"plain challenge":           {url.Values{"code_challenge_method": {"plain"}}, "code_challenge", false},
		"challenge, omitted method": {url.Values{"code_challenge_method": nil}, "code_challenge", false},
		"challenge, unknown method": {url.Values{"code_challenge_method": {"s256"}}, "code_challenge", false},
		"state":                     {nil, "state", false},
		"unknown":                   {url.Values{"x": {"y"}}, "x", false},
		"name in capitals":          {url.Values{"Scope": {"user:read"}}, "Scope", false},
		"secret that got lost":      {url.Values{"client_secret": {secret}}, "client_secret", false},
		"empty":                     {url.Values{"client_secret": {""}}, "client_secret", true},
	} {
		t.Run(name, func(t *testing.T) {
			asked := authorization(row.sent)
			s.do(s.client, s.request(http.MethodGet, s.byPath("app1", asked), ""))
			if row.shown {
				require.Equal(t, asked.Get(row.param), s.last().Params[row.param])
			} else {
				require.Regexp(t, mask, s.last().Params[row.param])
			}
		})
	}
}

func TestLogHoldsNoSecret(t *testing.T) {
	s := start(t, emulator.Options{})
	code := s.code(url.Values{"code_challenge": {verifier}, "code_challenge_method": {"plain"}, "state": {"m4rk-state"}})
	proof := url.Values{"client_secret": {secret}}
	tokens := s.token(redemption(code, proof))
	renewed := s.token(renewal(tokens.Refresh, proof))
	require.True(t, s.works(renewed.Access))
	for _, wrong := range []url.Values{
		redemption(code, proof), renewal(tokens.Refresh, proof), redemption(code, url.Values{"client_secret": {"m4rk-guess"}}),
		redemption(code, url.Values{"code": {"m4rk-1", "m4rk-2"}}), renewal("m4rk-refresh"),
	} {
		require.NotEmpty(t, s.token(wrong).reason())
	}
	s.do(s.client, s.request(http.MethodPost, s.url+"/token?client_secret=m4rk-query", "code=m4rk-form"))
	text := fmt.Sprintf("%+v", s.Requests())
	for _, hidden := range []string{verifier, code, secret, tokens.Access, tokens.Refresh, renewed.Access, renewed.Refresh, "m4rk"} {
		require.NotContains(t, text, hidden)
	}
}

func TestLogTellsWhatHappened(t *testing.T) {
	now := newClock()
	s := start(t, emulator.Options{Now: now.Now})
	s.token(redemption(s.code()))
	var told []string
	for _, r := range s.Requests() {
		require.Equal(t, now.Now(), r.Time)
		told = append(told, fmt.Sprintf("%s %s %d %s", r.Method, r.Path, r.Status, r.Decision))
	}
	require.Equal(t, []string{
		"GET /apps/app1/authorize 200 asked for consent to user:read cm.stack:share",
		"POST /apps/app1/authorize 302 Ada Lovelace allowed it for Emulated Press; a code was issued",
		"POST /apps-api/apps/token 200 granted: tokens for Ada Lovelace in Emulated Press",
	}, told)
}

func TestObserverSeesEachDecisionOnce(t *testing.T) {
	var seen []emulator.Request
	s := start(t, emulator.Options{Observe: func(r emulator.Request) { seen = append(seen, r) }})
	s.works(s.login().Access)
	require.Equal(t, s.Requests(), seen)
	require.Len(t, seen, 4)
	seen[2].Params["grant_type"], seen[2].Answer["token_type"] = "changed", "changed"
	require.Equal(t, "authorization_code", s.Requests()[2].Params["grant_type"], "what it sees is its own to change")
	require.Equal(t, "Bearer", s.Requests()[2].Answer["token_type"])
}

func TestRequestsAreTheCallersToChange(t *testing.T) {
	s := start(t, emulator.Options{})
	s.code()
	requests := s.Requests()
	requests[1].Params["client_id"], requests[1].Answer["location"], requests[0].Path = "changed", "changed", "changed"
	require.Equal(t, "client1", s.Requests()[1].Params["client_id"])
	require.Equal(t, "NA", s.Requests()[1].Answer["location"])
	require.Equal(t, "/apps/app1/authorize", s.Requests()[0].Path)
}

func TestLogKeepsTheLatest(t *testing.T) {
	e, err := emulator.New(emulator.Options{})
	require.NoError(t, err)
	send := func(grant string) {
		form := strings.NewReader("grant_type=" + grant)
		r := httptest.NewRequest(http.MethodPost, "http://localhost/token", form)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		e.ServeHTTP(httptest.NewRecorder(), r)
	}
	send("oldest")
	get := httptest.NewRequest(http.MethodGet, "http://localhost/token", http.NoBody)
	for range emulator.MaxLog - 1 {
		e.ServeHTTP(httptest.NewRecorder(), get)
	}
	require.Len(t, e.Requests(), emulator.MaxLog)
	require.Equal(t, "oldest", e.Requests()[0].Params["grant_type"])
	send("newest")
	requests := e.Requests()
	require.LessOrEqual(t, len(requests), emulator.MaxLog)
	require.Empty(t, requests[0].Params, "the oldest went")
	require.Equal(t, "newest", requests[len(requests)-1].Params["grant_type"])

	answer := httptest.NewRecorder()
	e.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, fmt.Sprint("http://localhost/_emulator/requests?since=", emulator.MaxLog), http.NoBody))
	require.Equal(t, 1, strings.Count(answer.Body.String(), `"time"`), "numbers go on when the oldest go")
	require.Contains(t, answer.Body.String(), fmt.Sprint(`"next":`, emulator.MaxLog+1))
}
