package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/contentstack/csoauth"
)

func TestDemoGoesAsItShould(t *testing.T) {
	defer goleak.VerifyNone(t)
	var out bytes.Buffer
	require.NoError(t, runDemo(t.Context(), newTeller(&out), false, demoHooks{}))
	require.Equal(t, 9, strings.Count(out.String(), "as it should be\n"))
	require.Contains(t, out.String(), "All 9 steps went as they should")
	require.NotContains(t, out.String(), "SURPRISE")
	require.NotContains(t, out.String(), "\x1b[", "no colour where there is no terminal")
	for line := range strings.Lines(out.String()) {
		require.LessOrEqual(t, len([]rune(line)), 81, line)
	}
}

func TestPageOfTheDemoSendsBackToTheTerminal(t *testing.T) {
	p := &person{callbacks: make(chan url.Values, 1)}
	w := httptest.NewRecorder()
	p.callback(w, httptest.NewRequest(http.MethodGet, "/callback?code=c&state=s", nil))
	require.Equal(t, http.StatusOK, w.Code)
	require.Contains(t, w.Body.String(), `<body data-page="demo">`)
	require.Contains(t, w.Body.String(), "Go back to it. You can close this page.")
	require.Equal(t, "no-store", w.Header().Get("Cache-Control"))
	require.Equal(t, "no-referrer", w.Header().Get("Referrer-Policy"))
	require.Equal(t, "c", (<-p.callbacks).Get("code"))
}

// Law: P8
func TestDemoTellsNoSecret(t *testing.T) {
	var secrets []string
	spy := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			answer := record(next, r, nil)
			secrets = append(secrets, secretsOf(r.URL.Query())...)
			secrets = append(secrets, secretsOf(answer.form)...)
			back, _ := url.Parse(answer.Header().Get("Location"))
			secrets = append(secrets, secretsOf(back.Query())...)
			for _, name := range []string{"access_token", "refresh_token"} {
				if value, ok := answer.json()[name].(string); ok {
					secrets = append(secrets, value)
				}
			}
			answer.sendTo(w)
		})
	}
	var out bytes.Buffer
	require.NoError(t, runDemo(t.Context(), newTeller(&out), false, demoHooks{wrap: spy}))
	require.Greater(t, len(secrets), 50)
	for _, secret := range secrets {
		require.NotContains(t, out.String(), secret)
	}
}

func secretsOf(q url.Values) (secrets []string) {
	for _, name := range []string{"state", "code", "code_verifier", "client_secret", "refresh_token"} {
		if value := q.Get(name); value != "" {
			secrets = append(secrets, value)
		}
	}
	if value := q.Get("code_challenge"); value != "" && q.Get("code_challenge_method") != "S256" {
		secrets = append(secrets, value)
	}
	return secrets
}

// TestDemoNoticesEveryBrokenRule breaks one rule at a time, on the server's side or on the
// library's.
func TestDemoNoticesEveryBrokenRule(t *testing.T) {
	for name, row := range map[string]struct {
		hooks demoHooks
		step  string // that must notice
	}{
		"the verifier is not checked": {rewrite(func(form url.Values) url.Values {
			form.Del("code_verifier")
			form.Del("code_challenge")
			form.Del("code_challenge_method")
			return form
		}, nil), "1."},
		"S256 goes out as plain": {rewrite(func(form url.Values) url.Values {
			if form.Has("code_challenge_method") {
				form.Set("code_challenge_method", "plain")
			}
			return form
		}, nil), "1."},
		"plain by omission goes out with its name": {rewrite(func(form url.Values) url.Values {
			if form.Has("code_challenge") && !form.Has("code_challenge_method") {
				form.Set("code_challenge_method", "plain")
			}
			return form
		}, nil), "3."},
		"an app without PKCE needs no secret": {rewrite(nil, func(form url.Values, answer map[string]any) {
			if answer["error"] == "invalid_client" {
				clear(answer)
				maps.Copy(answer, map[string]any{"access_token": "a", "refresh_token": "r"})
			}
		}), "4."},
		"refresh tokens do not rotate": {rewrite(nil, func(form url.Values, answer map[string]any) {
			if form.Get("grant_type") == "refresh_token" && answer["refresh_token"] != nil {
				answer["refresh_token"] = form.Get("refresh_token")
			}
		}), "5."},
		"a refresh brings another user's token": {rewrite(nil, func(form url.Values, answer map[string]any) {
			if form.Get("grant_type") == "refresh_token" {
				answer["user_uid"] = "bltsomebodyelse"
			}
		}), "5."},
		"a replayed refresh token is taken": {rewrite(nil, func(form url.Values, answer map[string]any) {
			if answer["error"] == "invalid_grant" && form.Get("grant_type") == "refresh_token" {
				clear(answer)
				maps.Copy(answer, map[string]any{"access_token": "a", "refresh_token": "r"})
			}
		}), "6."},
		"a stolen code is taken": {rewrite(nil, func(form url.Values, answer map[string]any) {
			if answer["error"] == "invalid_grant" && form.Get("grant_type") == "authorization_code" {
				clear(answer)
				maps.Copy(answer, map[string]any{"access_token": "a", "refresh_token": "r"})
			}
		}), "7."},
		"the state is not checked": {demoHooks{exchange: func(ctx context.Context, c *csoauth.Config, r *csoauth.AuthRequest, callback url.Values) (*csoauth.Token, error) {
			if callback.Has("error") {
				return c.Exchange(ctx, r, callback)
			}
			return c.ExchangeCode(ctx, callback.Get("code"), r.Verifier, nil)
		}}, "8."},
		"a denial becomes a consent": {rewrite(func(form url.Values) url.Values {
			if form.Get("decision") == "deny" {
				form.Set("decision", "allow")
			}
			return form
		}, nil), "9."},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			err := runDemo(t.Context(), newTeller(&out), false, row.hooks)
			require.ErrorContains(t, err, "did not go as they should")
			_, after, found := strings.Cut(out.String(), "\n"+row.step)
			require.True(t, found)
			step, _, _ := strings.Cut(after, "\n\n")
			require.Contains(t, step, "SURPRISE: ")
		})
	}
}

// rewrite changes the request before it reaches the emulator, or the JSON of the response.
func rewrite(request func(url.Values) url.Values, answer func(form url.Values, answer map[string]any)) demoHooks {
	return demoHooks{wrap: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			recorded := record(next, r, request)
			if body := recorded.json(); answer != nil && body != nil {
				answer(recorded.form, body)
				recorded.replace(body)
			}
			recorded.sendTo(w)
		})
	}}
}

// A recording is a response that is not sent yet.
type recording struct {
	*httptest.ResponseRecorder
	form url.Values // of the request
}

func record(next http.Handler, r *http.Request, change func(url.Values) url.Values) *recording {
	body, _ := io.ReadAll(r.Body)
	form, _ := url.ParseQuery(string(body))
	if change != nil {
		r.URL.RawQuery = change(r.URL.Query()).Encode()
		body = []byte(change(form).Encode())
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	recorded := &recording{httptest.NewRecorder(), form}
	next.ServeHTTP(recorded, r)
	return recorded
}

func (r *recording) json() (members map[string]any) {
	json.Unmarshal(r.Body.Bytes(), &members)
	return members
}

func (r *recording) replace(members map[string]any) {
	body, _ := json.Marshal(members)
	r.Body = bytes.NewBuffer(body)
	if members["access_token"] != nil {
		r.Code = http.StatusOK
	}
}

func (r *recording) sendTo(w http.ResponseWriter) {
	maps.Copy(w.Header(), r.Header())
	w.WriteHeader(r.Code)
	w.Write(r.Body.Bytes())
}

func TestColourIsForTerminalsOnly(t *testing.T) {
	t.Setenv("NO_COLOR", "")
	t.Setenv("TERM", "xterm")
	require.False(t, wantsColour(&bytes.Buffer{}))
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	require.NoError(t, err)
	defer file.Close()
	require.False(t, wantsColour(file))

	device, err := os.Open(os.DevNull) // a character device, as a terminal is
	require.NoError(t, err)
	defer device.Close()
	require.True(t, wantsColour(device))
	t.Setenv("TERM", "dumb")
	require.False(t, wantsColour(device))
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "1")
	require.False(t, wantsColour(device))

	var out bytes.Buffer
	painted := &teller{w: &out, colour: true}
	painted.ok()
	require.Equal(t, "   \x1b[32mas it should be\x1b[0m\n", out.String())
}
