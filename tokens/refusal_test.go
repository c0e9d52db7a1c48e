package tokens_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

const refusalDead = `{"error":"invalid_grant","error_description":"the refresh token is not good"}`

// refusalOf has p send the same response to every request.
func refusalOf(p *provider, status int, media, body string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.before = func(int, *http.Request) (*http.Response, error) { return httpAnswer(status, media, body), nil }
}

// Law: M7
func TestRefusalIsNoLogoutWhileATokenIsLeft(t *testing.T) {
	for name, left := range map[string]time.Duration{"in the soft window": 5 * time.Minute, "in the hard window": 20 * time.Second} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, store, events := newProvider(), new(tokens.Memory), new(eventLog)
				refusalOf(p, http.StatusUnauthorized, "application/json", refusalDead)
				m := replicas(t, 1, p, store, &tokens.Options{OnEvent: events.add})[0]
				before := readStored(t, store)

				time.Sleep(p.lives - left)
				for end := time.Now().Add(left - 10*time.Second); time.Now().Before(end); time.Sleep(time.Second) {
					require.Equal(t, "access-user-1", access(t, m))
				}
				synctest.Wait()
				assert.Equal(t, 1, p.asked(), "and it is not asked again while the response is remembered")
				assert.Equal(t, []tokens.EventType{tokens.EventRefreshFailed}, events.types())

				time.Sleep(time.Second)
				_, err := m.Token(t.Context(), "user")
				require.ErrorIs(t, err, csoauth.ErrLoginRequired, "now no token is left")
				var said *csoauth.Error
				require.ErrorAs(t, err, &said)
				assert.Equal(t, http.StatusUnauthorized, said.StatusCode)
				assert.Equal(t, 1, p.asked())
				synctest.Wait()
				assert.Equal(t, []tokens.EventType{tokens.EventRefreshFailed, tokens.EventLoginRequired}, events.types())
				now := readStored(t, store)
				assert.Equal(t, before.token, now.token, "nothing is deleted")
				assert.Equal(t, before.seq, now.seq)
			})
		})
	}
}

// What says that a login is over, and what does not, is decided by the Config, and in its tests.
//
// Law: M7
func TestOtherFailuresAreNoLogout(t *testing.T) {
	for name, row := range map[string]struct {
		status      int
		media, body string
	}{
		"403, the status alone": {403, "application/json", `{"statusCode":403,"message":"Forbidden"}`},
		"400, the secret":       {400, "application/json", `{"error":"invalid_grant","error_description":"client_secret is wrong"}`},
		"401, the client":       {401, "application/json", `{"error":"invalid_client","error_description":"no such client"}`},
		"429":                   {429, "application/json", refusalDead},
		"500":                   {500, "application/json", refusalDead},
		"502":                   {502, "text/html", "<h1>Bad Gateway</h1>"},
		"a redirect":            {302, "text/html", ""},
		"400 in HTML":           {400, "text/html", "<h1>Bad Request</h1> invalid_grant"},
		"400, cut":              {400, "application/json", refusalDead[:30]},
		"200 in HTML":           {200, "text/html", "<h1>Maintenance</h1>"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, store, events := newProvider(), new(tokens.Memory), new(eventLog)
				refusalOf(p, row.status, row.media, row.body)
				m := replicas(t, 1, p, store, &tokens.Options{OnEvent: events.add})[0]
				atEnd(p)
				for range 20 {
					_, err := m.Token(t.Context(), "user")
					require.Error(t, err)
					require.NotErrorIs(t, err, csoauth.ErrLoginRequired)
					time.Sleep(time.Second)
				}
				synctest.Wait()
				assert.NotContains(t, events.types(), tokens.EventLoginRequired)

				p.mu.Lock()
				p.before = nil // the operator has fixed it
				p.mu.Unlock()
				time.Sleep(5 * time.Minute)
				assert.Equal(t, "access-user-2", access(t, m), "nothing was deleted")
			})
		})
	}
}
