package probe_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/emulator"
	"github.com/contentstack/csoauth/internal/observed"
	"github.com/contentstack/csoauth/internal/probe"
)

// planted are marked secrets in all the forms that a service might use. No report may have a part
// of one.
var planted = []string{
	"zq9planted", "ZQ9-PLANTED-01", "Zelda Quux", "zelda.quux@planted.example", "bltplanted9f8e7d6c", "+49 171 5550199", "5550199", "4929555019955501",
	"https://planted.example/zq9?token=zq9planted", `C:\Users\zelda\planted`, "zq9_planted_token", "Zq9Planted", "żółć-planted", "zq9%2Fplanted", "&#122;q9planted",
	"eyJhbGciOi.planted.zq9", "planted|zq9`quux`", "<zelda>quux</zelda>",
}

// traces are what a search finds of them.
var traces = []string{"planted", "zelda", "quux", "zq9", "5550199", "49295550", "żółć", "171"}

// A spy keeps all that is private and went over the wire.
type spy map[string]bool

func (s spy) values(q url.Values) {
	for name, values := range q {
		for _, value := range values {
			if len(value) >= 8 && name != "grant_type" && name != "token_type_hint" && name != "scope" && name != "decision" && name != "code_challenge_method" {
				s[value] = true
			}
		}
	}
}

// json keeps the strings of tokens, users and organizations.
func (s spy) json(v any) {
	switch v := v.(type) {
	case map[string]any:
		for name, one := range v {
			text, isText := one.(string)
			if isText && len(text) >= 4 && !strings.Contains("message error error_message token_type authorization_type location region scope", name) {
				s[text] = true
			}
			s.json(one)
		}
	case []any:
		for _, one := range v {
			s.json(one)
		}
	}
}

// TestNothingPrivateIsInTheFiles: neither what a service planted anywhere, nor what went over the
// wire.
func TestNothingPrivateIsInTheFiles(t *testing.T) {
	shapes := []string{"oauth", "nestjs", "nestjs-array", "cma", "html"}
	for i, secret := range planted {
		for _, shape := range shapes[i%5 : i%5+1] {
			o := emulator.Strict()
			o.Unknowns.ErrorShape = shape
			users := emulator.DefaultUsers()
			users[0].FirstName, users[0].LastName, users[0].Email = "Zelda", secret, "zelda.quux@planted.example"
			users[0].Organizations[0].Name = "Grant Quux " + secret
			o.Users = users
			b := newBench(t, o)
			if i%2 == 1 {
				b.config.ClientSecret = emulator.DefaultApp().ClientSecret
			}
			seen := spy{b.config.AppUID: true, b.config.ClientID: true, b.config.RedirectURI: true, "client_secret": false}
			if b.config.ClientSecret != "" {
				seen[b.config.ClientSecret] = true
			}
			b.around = func(_ int, r *http.Request, serve func() *http.Response) (*http.Response, error) {
				seen.values(formOf(t, r))
				return plant(t, seen, secret, r, serve())
			}
			b.callback = func(_ probe.Visit, callback url.Values) (url.Values, error) {
				seen[callback.Get("code")], seen[callback.Get("state")] = callback.Has("code"), callback.Has("state")
				callback.Set("error_description", "Sorry "+secret+", no")
				callback.Set(secret, secret)
				callback.Set("location", secret)
				return callback, nil
			}
			report, err := b.run(t.Context())
			require.NoError(t, err)
			for _, file := range []string{string(report.JSON()), string(report.Markdown())} {
				lower := strings.ToLower(file)
				for _, trace := range traces {
					if at := strings.Index(lower, trace); at >= 0 {
						t.Fatalf("%q of %q in %s", trace, secret, lower[max(0, at-120):min(len(lower), at+40)])
					}
				}
				for value := range seen {
					if seen[value] && strings.Contains(file, value) {
						t.Fatalf("%q is in a file", value)
					}
				}
			}
		}
	}
}

// plant puts a secret into a response wherever it has room, and keeps what is private in both.
func plant(t *testing.T, seen spy, secret string, r *http.Request, resp *http.Response) (*http.Response, error) {
	seen[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")] = r.Header.Get("Authorization") != ""
	content, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	for _, name := range []string{"Retry-After", "X-Ratelimit-Limit", "Access-Control-Allow-Origin", "Access-Control-Allow-Methods", "Www-Authenticate", "Server", "X-Own", "Set-Cookie"} {
		resp.Header.Set(name, strings.ToValidUTF8(secret, ""))
	}
	if media := resp.Header.Get("Content-Type"); media != "" {
		resp.Header.Set("Content-Type", media+"; boundary="+secret)
	}
	var members map[string]any
	switch {
	case json.Unmarshal(content, &members) == nil && members != nil:
		seen.json(members)
		for _, name := range []string{"message", "error_message", "error_description", "detail", "extra", "uid", "name", "token_type", "authorization_type", "statusCode", "error_code"} {
			if _, there := members[name]; !there || name == "error_message" || name == "error_description" {
				members[name] = "The user " + secret + " is not valid: \"" + secret + "\""
			}
		}
		members[secret] = map[string]any{secret: []any{secret, map[string]any{"name": secret}, int64(4929555019955501), true}}
		members["errors"] = map[string]any{"uid": []any{"is not " + secret}, secret: secret}
		members["scope"] = fmt.Sprint(members["scope"], " zq9:read "+secret)
		delete(members, "message") // the shape stays
		if said, ok := members["message"].([]any); ok {
			members["message"] = append(said, secret)
		}
		content, err = json.Marshal(members)
		require.NoError(t, err)
	case len(content) > 0:
		content = append([]byte("<html><script>var x='"+secret+"'</script><p title='"+secret+"'>Hello "+secret+" and "+strings.ToUpper(secret)+"</p>"), content...)
	}
	resp.Body = io.NopCloser(bytes.NewReader(content))
	return resp, nil
}

// TestEqualThingsHaveEqualMarks: a reader sees that the user of the token is the user of /v3/user.
func TestEqualThingsHaveEqualMarks(t *testing.T) {
	b := newBench(t, emulator.Realistic())
	report, err := b.run(t.Context())
	require.NoError(t, err)
	mark := func(purpose, pattern string) string {
		for _, e := range report.Exchanges {
			if e.Purpose == purpose {
				found := regexp.MustCompile(pattern).FindStringSubmatch(e.Request + "\n" + e.Response)
				require.NotNil(t, found, "%s in %s", pattern, e.Response)
				return found[1]
			}
		}
		t.Fatalf("there is no %q", purpose)
		return ""
	}
	assert.Equal(t, mark("The code is redeemed", `"user_uid": "(uid#\d+)"`), mark("Who the user is", `"shared_org_uid": \[\], "uid": "(uid#\d+)"`))
	assert.Equal(t, mark("The user logs in", `\n  code=(secret#\d+)`), mark("The code is redeemed", `\n  code=(secret#\d+)`))
	assert.Equal(t, mark("The code is redeemed", `"access_token": "(secret#\d+)"`), mark("Who the user is", `Bearer (secret#\d+)`))
	assert.NotEqual(t, mark("The code is redeemed", `"access_token": "(secret#\d+)"`), mark("The code is redeemed", `"refresh_token": "(secret#\d+)"`))
	assert.Equal(t, mark("The code is redeemed", `"organization_uid": "(uid#\d+)"`), mark("The token's organization", `organizations/(uid#\d+)`))
}

// TestWhatAServiceSaysCanBeRead: the words of known errors stay.
func TestWhatAServiceSaysCanBeRead(t *testing.T) {
	for _, text := range []string{
		"invalid refresh_token", "invalid code", "invalid grant_type", "invalid client_secret", "The provided access token is invalid or expired or revoked",
		"You're not allowed in here unless you're logged in.", "authtoken is not valid", "The provided access token has insufficient scopes",
		"You don't have the permission to do this operation.", "Access denied. You have insufficient permissions to perform this operation", "Missing Contentstack auth token",
		"code_verifier must be a string", "redirect_uri should not be empty", "Bad Request", "Unauthorized", "invalid_grant", "access_denied", "The user denied the request",
		"We're sorry, but something went wrong. Please try again later", "client_id must be a string, client_secret is required",
	} {
		b := newBench(t, emulator.Realistic())
		b.refuses = []string{"Refresh", "Log in again, with a wrong verifier", "End the authorization", "Deny", "Log in and clean up"}
		b.around = func(_ int, r *http.Request, serve func() *http.Response) (*http.Response, error) {
			if resp := serve(); resp.StatusCode != http.StatusBadRequest {
				return resp, nil
			}
			said, err := json.Marshal(map[string]any{"message": []string{text}})
			require.NoError(t, err)
			return respond(r, 400, "application/json", string(said)), nil
		}
		report, err := b.run(t.Context())
		require.NoError(t, err)
		result := report.Result("bad_code")
		assert.Equal(t, observed.Observed, result.Outcome)
		assert.Contains(t, result.Note, `"`+text+`"`)
	}
}
