package tokens_test

import (
	"errors"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

const refusalDead = `{"error":"invalid_grant","error_description":"the refresh token is not good"}`

// refusalOf has p give the same answer to everybody.
func refusalOf(p *provider, status int, media, body string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.before = func(int, *http.Request) (*http.Response, error) { return httpAnswer(status, media, body), nil }
}

func TestRefusalIsNoLogoutWhileATokenIsLeft(t *testing.T) {
	for name, at := range map[string]time.Duration{
		"in the soft window": 55 * time.Minute,
		"in the hard window": 59*time.Minute + 40*time.Second,
	} {
		for _, status := range []int{http.StatusBadRequest, http.StatusUnauthorized} {
			t.Run(name+", "+strconv.Itoa(status), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p := newProvider()
					refusalOf(p, status, "application/json", refusalDead)
					events := new(eventLog)
					m := newManager(p.config(), new(tokens.Memory), &tokens.Options{OnEvent: events.add})
					login := p.login("user")
					require.NoError(t, m.Put(t.Context(), "user", login))
					end := time.Now().Add(p.lives - 10*time.Second)

					time.Sleep(at)
					for ; time.Now().Before(end); time.Sleep(time.Second) {
						token, err := m.Token(t.Context(), "user")
						require.NoError(t, err)
						require.Equal(t, login.AccessToken, token.AccessToken)
					}
					synctest.Wait()
					assert.Equal(t, 1, p.asked(), "and it is not asked again while the answer is remembered")
					assert.Equal(t, []tokens.EventType{tokens.EventRefreshFailed}, events.types())

					time.Sleep(time.Second)
					_, err := m.Token(t.Context(), "user")
					assert.ErrorIs(t, err, csoauth.ErrLoginRequired, "now no token is left")
					assert.Equal(t, 1, p.asked())
					synctest.Wait()
					assert.Equal(t, []tokens.EventType{tokens.EventRefreshFailed, tokens.EventLoginRequired}, events.types())
					require.NoError(t, m.Close())
				})
			})
		}
	}
}

func TestRefusalInEveryKnownShapeIsTheEndOfTheLogin(t *testing.T) {
	for name, body := range map[string]string{
		"RFC 6749":                      refusalDead,
		"RFC 6749, another spelling":    `{"error":"Invalid-Grant"}`,
		"NestJS":                        `{"statusCode":401,"message":"Invalid refresh token"}`,
		"NestJS, many messages":         `{"statusCode":400,"message":["refresh_token is unknown","log in"],"error":"Bad Request"}`,
		"an object":                     `{"error":{"code":"expired","message":"the refresh token has expired"}}`,
		"the Content Management API's":  `{"error_message":"Failed.","error_code":105,"errors":{"refresh_token":["is not valid"]}}`,
		"a message":                     `{"message":"no such refresh token"}`,
		"details":                       `{"errors":["the refresh token was revoked"]}`,
		"a sentence in place of a code": `{"error":"the refresh token was revoked"}`,
	} {
		for _, status := range []int{400, 401, 403, 404, 422} {
			t.Run(name+", "+strconv.Itoa(status), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p, store := newProvider(), new(tokens.Memory)
					refusalOf(p, status, "application/json", body)
					m := newManager(p.config(), store, nil)
					require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
					before, err := store.Load(t.Context(), "user")
					require.NoError(t, err)

					time.Sleep(p.lives)
					for range 3 { // the same from memory
						_, err = m.Token(t.Context(), "user")
						require.ErrorIs(t, err, csoauth.ErrLoginRequired)
						var said *csoauth.Error
						require.True(t, errors.As(err, &said))
						require.Equal(t, status, said.StatusCode)
					}
					assert.Equal(t, 1, p.asked())

					after, err := store.Load(t.Context(), "user")
					require.NoError(t, err, "nothing is deleted")
					assert.Equal(t, string(before), string(after))
					require.NoError(t, m.Close())
				})
			})
		}
	}
}

func TestOtherFailuresAreNoLogout(t *testing.T) {
	for _, row := range []struct {
		name        string
		status      int
		media, body string
	}{
		{"401, the status alone", 401, "application/json", `{"statusCode":401,"message":"Unauthorized"}`},
		{"403, the status alone", 403, "application/json", `{"statusCode":403,"message":"Forbidden"}`},
		{"404, another URL", 404, "application/json", `{"statusCode":404,"message":"Cannot POST /refresh_token","error":"Not Found"}`},
		{"401, the session", 401, "application/json", `{"error_message":"The session has ended.","error_code":105}`},
		{"400, the request", 400, "application/json", `{"error":"invalid_request"}`},
		{"400, the secret", 400, "application/json", `{"message":["invalid client_secret"]}`},
		{"400, the secret again", 400, "application/json", `{"error":"invalid_grant","error_description":"client_secret is wrong"}`},
		{"429", 429, "application/json", refusalDead},
		{"500", 500, "application/json", refusalDead},
		{"502", 502, "text/html", "<h1>Bad Gateway</h1>"},
		{"503", 503, "application/json", `{"error":"temporarily_unavailable"}`},
		{"a redirect", 302, "text/html", ""},
		{"400 in HTML", 400, "text/html", "<h1>Bad Request</h1> invalid_grant"},
		{"401 in HTML", 401, "text/html", "<h1>Unauthorized</h1>"},
		{"400, empty", 400, "application/json", ""},
		{"401, empty", 401, "", ""},
		{"400, cut", 400, "application/json", refusalDead[:30]},
		{"400, JSON of no known shape", 400, "application/json", `{"status":"bad"}`},
		{"400, a list", 400, "application/json", `["invalid_grant"]`},
		{"200, empty", 200, "application/json", ""},
		{"200 in HTML", 200, "text/html", "<h1>Maintenance</h1>"},
		{"200, cut", 200, "application/json", `{"access_tok`},
		{"400, the client is unknown", 400, "application/json", `{"error":"invalid_client"}`},
		{"401, the client is unknown", 401, "application/json", `{"error":"invalid_client","error_description":"no such client"}`},
		{"400, the client may not", 400, "application/json", `{"error":"unauthorized_client"}`},
		{"401, the client may not", 401, "application/json", `{"statusCode":401,"message":"unauthorized_client"}`},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, store := newProvider(), new(tokens.Memory)
				refusalOf(p, row.status, row.media, row.body)
				events := new(eventLog)
				m := newManager(p.config(), store, &tokens.Options{OnEvent: events.add})
				require.NoError(t, m.Put(t.Context(), "user", p.login("user")))

				time.Sleep(p.lives)
				for range 20 {
					_, err := m.Token(t.Context(), "user")
					require.Error(t, err)
					require.NotErrorIs(t, err, csoauth.ErrLoginRequired)
					time.Sleep(time.Second)
				}
				synctest.Wait()
				assert.NotContains(t, events.types(), tokens.EventLoginRequired)
				_, err := store.Load(t.Context(), "user")
				require.NoError(t, err, "nothing is deleted")

				p.mu.Lock()
				p.before = nil // the operator has mended it
				p.mu.Unlock()
				time.Sleep(5 * time.Minute)
				token, err := m.Token(t.Context(), "user")
				require.NoError(t, err)
				p.requireAlive(t, token)
				require.NoError(t, m.Close())
			})
		})
	}
}
