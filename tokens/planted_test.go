package tokens_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/contentstack/csoauth/tokens"
)

const (
	plantedKey    = "PLANTED/jane.doe@example.com"
	plantedSecret = "PLANTED+client=secret&with/escapes"
)

// plantedWhere returns what of the secrets of p and of the key is in text.
func plantedWhere(p *provider, text string) (found []string) {
	secrets := []string{plantedKey, plantedSecret, "PLANTED"}
	p.mu.Lock()
	for refresh, login := range p.logins {
		secrets = append(secrets, refresh, login.access)
	}
	p.mu.Unlock()
	for _, secret := range secrets {
		for _, spelled := range []string{secret, url.QueryEscape(secret)} {
			if strings.Contains(text, spelled) {
				found = append(found, spelled)
			}
		}
	}
	return found
}

// plantedEcho repeats what it was sent and what it knows.
func plantedEcho(p *provider, refresh string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return refresh + " " + url.QueryEscape(refresh) + " " + plantedSecret + " " + url.QueryEscape(plantedSecret)
}

// Every failure that there is, by a provider that repeats every secret which it was sent.
func TestNoSecretInEventsErrorsAndLogLines(t *testing.T) {
	for name, answer := range map[string]func(echo string) (*http.Response, error){
		"refused": func(echo string) (*http.Response, error) {
			return jsonAnswer(http.StatusBadRequest, map[string]any{"error": "invalid_grant", "error_description": echo}), nil
		},
		"a code": func(echo string) (*http.Response, error) {
			return jsonAnswer(http.StatusUnauthorized, map[string]any{"error": echo, "message": []string{echo}}), nil
		},
		"a server's error": func(echo string) (*http.Response, error) {
			return httpAnswer(http.StatusInternalServerError, "text/html", "<pre>"+echo+"</pre>"), nil
		},
		"a header": func(echo string) (*http.Response, error) {
			resp := httpAnswer(http.StatusTooManyRequests, "text/"+strings.Fields(echo)[0], echo)
			resp.Header.Set("X-Request-Id", echo)
			return resp, nil
		},
		"a success in HTML": func(echo string) (*http.Response, error) { return httpAnswer(http.StatusOK, "text/html", echo), nil },
		"the way there":     func(echo string) (*http.Response, error) { return nil, errors.New("proxy: bad body: " + echo) },
		"another user": func(echo string) (*http.Response, error) {
			return jsonAnswer(http.StatusOK, map[string]any{"access_token": "PLANTED-access", "refresh_token": "PLANTED-refresh", "user_uid": echo}), nil
		},
		"another type": func(echo string) (*http.Response, error) {
			return jsonAnswer(http.StatusOK, map[string]any{"access_token": "PLANTED-access", "refresh_token": "PLANTED-refresh", "token_type": "PLANTED-access " + echo}), nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, events, lines := newProvider(), new(eventLog), new(bytes.Buffer)
				p.before = func(n int, _ *http.Request) (*http.Response, error) {
					p.mu.Lock()
					refresh := p.posts[n-1].refresh
					p.mu.Unlock()
					return answer(plantedEcho(p, refresh))
				}
				config := p.config()
				config.ClientSecret = plantedSecret
				m := newManager(config, new(tokens.Memory), &tokens.Options{
					OnEvent: events.add,
					Logger:  slog.New(slog.NewTextHandler(lines, &slog.HandlerOptions{Level: slog.LevelDebug})),
				})
				login := p.login("user")
				require.NoError(t, m.Put(t.Context(), plantedKey, login))
				time.Sleep(p.lives - time.Minute)
				texts := []string{}
				for range 20 {
					time.Sleep(20 * time.Second)
					_, err := m.Token(t.Context(), plantedKey)
					texts = append(texts, fmt.Sprintf("%v %+v %#v %q", err, err, err, err))
					source, err := m.For(plantedKey).TokenSource(t.Context()).Token()
					texts = append(texts, fmt.Sprint(err))
					if source != nil {
						assert.Empty(t, source.RefreshToken)
					}
				}
				synctest.Wait()
				require.NotEmpty(t, events.all)
				for _, event := range events.all {
					texts = append(texts, fmt.Sprintf("%v %+v %#v %s", event, event, event, event.Err))
				}
				require.NotEmpty(t, lines.String())
				for _, text := range append(texts, lines.String()) {
					require.Empty(t, plantedWhere(p, text), "in %q", text)
				}
				require.NoError(t, m.Close())
			})
		})
	}
}

func TestNoSecretInWhatIsSaidOfASave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store, events, lines := newProvider(), &hooked{Store: new(tokens.Memory)}, new(eventLog), new(bytes.Buffer)
		m := newManager(p.config(), store, &tokens.Options{OnEvent: events.add, Logger: slog.New(slog.NewTextHandler(lines, nil))})
		require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
		time.Sleep(p.lives)
		store.swap = func(n int, _ string, _, _ []byte) error {
			if n > 2 {
				return errStoreDown
			}
			return nil
		}
		_, err := m.Token(t.Context(), "user")
		require.NoError(t, err)
		synctest.Wait()
		require.Contains(t, events.types(), tokens.EventSaveFailed)
		err = m.Close()
		require.ErrorContains(t, err, tokens.KeyHash("user"))
		assert.NotContains(t, err.Error(), `"user"`)
		for _, text := range []string{fmt.Sprintf("%+v", events.all), lines.String(), fmt.Sprintf("%+v %#v", err, err)} {
			assert.Empty(t, plantedWhere(p, text), "in %q", text)
		}
	})
}

func TestNoSecretInWhatIsSaidOfARecord(t *testing.T) {
	for name, raw := range map[string]string{
		"not JSON":        "PLANTED",
		"cut":             `{"kind":"csoauth/tokens.Record","version":1,"token":{"access_token":"PLANTED`,
		"another's":       `{"access_token":"PLANTED"}`,
		"another kind":    `{"kind":"PLANTED","version":1}`,
		"another type":    `{"kind":"csoauth/tokens.Record","version":"PLANTED"}`,
		"another token":   `{"kind":"csoauth/tokens.Record","version":1,"token":"PLANTED"}`,
		"a token's type":  `{"kind":"csoauth/tokens.Record","version":1,"token":{"kind":"csoauth.Token","version":1,"access_token":{"PLANTED":"PLANTED"}}}`,
		"a token's time":  `{"kind":"csoauth/tokens.Record","version":1,"token":{"kind":"csoauth.Token","version":1,"access_token":"a","expiry":"PLANTED"}}`,
		"a newer version": `{"kind":"csoauth/tokens.Record","version":2,"token":{"access_token":"PLANTED"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			p, store := newProvider(), new(tokens.Memory)
			require.NoError(t, store.CompareAndSwap(t.Context(), "user", nil, []byte(raw)))
			m := newManager(p.config(), store, nil)
			_, err := m.Token(t.Context(), "user")
			require.Error(t, err)
			assert.Empty(t, plantedWhere(p, fmt.Sprintf("%v %+v %#v", err, err, err)))
			require.NoError(t, m.Close())
		})
	}
}

// talkative is a RoundTripper that hides nothing.
type talkative struct {
	http.RoundTripper
	password string
}

// The verbs matter: for one that does not fit, such as %s for a pointer, fmt follows the pointer.
func TestNoSecretInHowAManagerPrints(t *testing.T) {
	p, store := newProvider(), new(tokens.Memory)
	config := p.config()
	config.ClientSecret = plantedSecret
	m := newManager(config, store, nil)
	login := m.For(plantedKey)
	require.NoError(t, m.Put(t.Context(), plantedKey, p.login("user")))
	type name string
	source := login.TokenSource(context.WithValue(t.Context(), name("session"), plantedSecret))
	_, err := source.Token()
	require.NoError(t, err)
	transport := login.Transport(&talkative{password: plantedSecret})
	for _, printed := range []any{
		m, login, source, transport, &http.Client{Transport: transport}, login.Client(), oauth2.NewClient(t.Context(), source), store,
		struct{ any }{m}, struct{ any }{transport},
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%t"} {
			assert.Empty(t, plantedWhere(p, fmt.Sprintf(verb, printed)), "%T with %s", printed, verb)
		}
	}
	require.NoError(t, m.Close())
}
