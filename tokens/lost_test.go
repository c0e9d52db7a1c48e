package tokens_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

// lostAnswers are ways to lose the response to a refresh token that was processed. TestWasLost has
// more.
var lostAnswers = map[string]func(*http.Response) (*http.Response, error){
	"no answer": func(*http.Response) (*http.Response, error) { return nil, io.EOF },
	"timeout": func(*http.Response) (*http.Response, error) {
		time.Sleep(time.Minute)
		return nil, &net.OpError{Op: "read", Err: errors.New("i/o timeout")}
	},
	"504 of a gateway": func(*http.Response) (*http.Response, error) {
		return jsonAnswer(http.StatusGatewayTimeout, map[string]any{"message": "Endpoint request timed out"}), nil
	},
	"200 and no token": func(*http.Response) (*http.Response, error) {
		return httpAnswer(http.StatusOK, "application/json", "{}"), nil
	},
}

// loseFirst loses the first response in the way of lose, and the request that asks for it again.
func loseFirst(p *provider, lose func(*http.Response) (*http.Response, error)) {
	p.before = func(n int, _ *http.Request) (*http.Response, error) {
		if n == 2 && asksAgain(p) {
			return nil, io.EOF
		}
		return nil, nil
	}
	p.after = func(n int, r *http.Response) (*http.Response, error) {
		if n > 1 {
			return r, nil
		}
		return lose(r)
	}
}

// asksAgain reports whether the request that p has just got asks for a response that was lost.
func asksAgain(p *provider) bool {
	first, last := p.posts[0], p.posts[len(p.posts)-1]
	return last.refresh == first.refresh && last.at.Sub(first.at) < 5*time.Second
}

// Law: M6
func TestLostAnswerIsNotAskedForAgainWhileATokenIsLeft(t *testing.T) {
	for name, lose := range lostAnswers {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, store := newProvider(), new(tokens.Memory)
				all := replicas(t, 3, p, store, nil)
				loseFirst(p, lose)
				nearEnd(p)
				over := time.Now().Add(5*time.Minute - 15*time.Second)
				for time.Now().Before(over) {
					for _, m := range all {
						assert.Equal(t, "access-user-1", access(t, m))
					}
					time.Sleep(time.Second)
				}
				asked := p.asked()
				assert.LessOrEqual(t, asked, 2, "once, and a moment later once more")
				assert.NotEmpty(t, readStored(t, store).lease, "others must see it")

				// The process that began it, and the first that it told, are gone.
				require.NoError(t, all[0].Close())
				require.NoError(t, all[1].Close())
				assert.Equal(t, "access-user-1", access(t, all[2]))
				newcomer := replica(t, p, store, nil)
				assert.Equal(t, "access-user-1", access(t, newcomer))
				assert.Equal(t, asked, p.asked())

				// There is nothing to lose any more: who is asked for a token tries, once.
				time.Sleep(20 * time.Second)
				for range 10 {
					_, err := all[2].Token(t.Context(), "user")
					require.ErrorIs(t, err, csoauth.ErrLoginRequired)
					require.ErrorContains(t, err, "before that: ", "and why it came to this")
				}
				for range 10 {
					_, err := newcomer.Token(t.Context(), "user")
					require.ErrorIs(t, err, csoauth.ErrLoginRequired)
					time.Sleep(time.Second)
				}
				assert.Equal(t, asked+1, p.asked())
			})
		})
	}
}

// After a lost response, a second process whose access token was rejected tries, and gets a whole
// failure. That says nothing about the first response: to others, the refresh token still may be
// spent.
//
// Law: M6
func TestWholeFailureDoesNotExcuseALostAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), new(tokens.Memory)
		all := replicas(t, 2, p, store, nil)
		loseFirst(p, lostAnswers["no answer"])
		p.before = func(n int, _ *http.Request) (*http.Response, error) {
			if n == 2 || n == 3 {
				return httpAnswer(http.StatusInternalServerError, "text/plain", "oops"), nil
			}
			return nil, nil
		}
		nearEnd(p)
		access(t, all[0])
		time.Sleep(5 * time.Second)
		require.Equal(t, 2, p.asked())

		rejects := roundTripperFunc(func(*http.Request) (*http.Response, error) {
			return httpAnswer(http.StatusUnauthorized, "text/plain", ""), nil
		})
		resp, err := (&http.Client{Transport: all[1].For("user").Transport(rejects)}).Get("https://api.contentstack.io/")
		require.NoError(t, err)
		require.Equal(t, http.StatusUnauthorized, resp.StatusCode)
		require.Equal(t, 3, p.asked())

		newcomer := replica(t, p, store, nil)
		for range 60 {
			assert.Equal(t, "access-user-1", access(t, newcomer))
			time.Sleep(time.Second)
		}
		assert.Equal(t, 3, p.asked(), "the refresh token is not sent while an access token is left")
		assert.NotEmpty(t, readStored(t, store).lease, "others must see it")
	})
}

// The server never saw the request: then the refresh token is as good as before, and the one more
// try shows it.
func TestRefreshTokenThatWasNotSpentIsUsedInTheEnd(t *testing.T) {
	for _, restarted := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			p, store := newProvider(), new(tokens.Memory)
			m := replicas(t, 1, p, store, nil)[0]
			p.before = func(n int, _ *http.Request) (*http.Response, error) {
				if n <= 2 {
					return nil, io.ErrUnexpectedEOF
				}
				return nil, nil
			}
			nearEnd(p)
			access(t, m)
			time.Sleep(time.Minute)
			assert.Equal(t, 2, p.asked())
			if restarted {
				require.NoError(t, m.Close())
				m = replica(t, p, store, nil)
				access(t, m)
			}
			time.Sleep(5 * time.Minute)
			assert.Equal(t, "access-user-2", access(t, m))
			assert.Equal(t, 3, p.asked())
			now := readStored(t, store)
			p.requireAlive(t, &now.token)
			assert.Empty(t, now.lease)

			// And with that it is forgotten: the next refresh is on time.
			nearEnd(p)
			access(t, m)
			time.Sleep(time.Second)
			assert.Equal(t, "access-user-3", access(t, m))
		})
	}
}

// Whole failures, and requests that were never sent, leave nothing open. TestWasLost has more.
//
// Law: M6
func TestWholeFailuresAreTriedAgainAfterAPause(t *testing.T) {
	for name, fail := range map[string]func() (*http.Response, error){
		"500": func() (*http.Response, error) {
			return jsonAnswer(http.StatusInternalServerError, map[string]any{"error": "server_error"}), nil
		},
		"nobody reached": func() (*http.Response, error) {
			return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, store := newProvider(), new(tokens.Memory)
				m := replicas(t, 1, p, store, nil)[0]
				p.before = func(int, *http.Request) (*http.Response, error) { return fail() }
				nearEnd(p)
				assert.Equal(t, "access-user-1", access(t, m))
				time.Sleep(10 * time.Second)
				first := p.asked()
				assert.Positive(t, first)
				assert.Equal(t, "access-user-1", access(t, m))
				time.Sleep(10 * time.Second)
				assert.Greater(t, p.asked(), first, "it is tried again although a token is left")
				p.before = nil
				time.Sleep(20 * time.Second)
				access(t, m)
				time.Sleep(time.Second)
				assert.Equal(t, "access-user-2", access(t, m))
				now := readStored(t, store)
				p.requireAlive(t, &now.token)
			})
		})
	}
}
