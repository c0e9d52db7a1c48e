package tokens_test

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/tokens"
)

// The response to the old refresh token says nothing about a login that came meanwhile.
//
// Law: M4
func TestRefusalOfTheOldTokenDoesNotHurtANewLogin(t *testing.T) {
	for name, fail := range map[string]func(*http.Request) (*http.Response, error){
		"refused": func(*http.Request) (*http.Response, error) {
			return jsonAnswer(http.StatusBadRequest, map[string]any{"error": "invalid_grant"}), nil
		},
		"lost": func(*http.Request) (*http.Response, error) { return nil, errors.New("connection reset") },
		"failed": func(*http.Request) (*http.Response, error) {
			return httpAnswer(http.StatusInternalServerError, "text/html", "oops"), nil
		},
	} {
		for who, other := range map[string]int{"here": 0, "elsewhere": 1} {
			t.Run(name+" "+who, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p, store := newProvider(), new(tokens.Memory)
					all := replicas(t, 2, p, store, nil)
					atEnd(p)
					sent := make(chan struct{})
					p.before = func(n int, r *http.Request) (*http.Response, error) {
						if n > 1 {
							return nil, nil
						}
						close(sent)
						time.Sleep(time.Second)
						return fail(r)
					}
					answer := ask(t.Context(), all[0])
					<-sent
					p.lives = 45 * time.Second // the new login will need a refresh soon
					require.NoError(t, all[other].Put(t.Context(), "user", p.login("other")))
					<-answer // who waited for the old login may get an error

					for range 20 {
						time.Sleep(5 * time.Second)
						token, err := all[0].Token(t.Context(), "user")
						require.NoError(t, err)
						assert.Equal(t, "other", token.UserUID)
					}
					now := readStored(t, store)
					p.requireAlive(t, &now.token)
				})
			})
		}
	}
}
