package tokens_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

// TestAnswerCutAtEveryByte is a login whose refresh gets only a part of its response. If the new
// refresh token is in that, the login lives. If not, the old access token is used to its end, and
// then one try shows that the login is lost. With the race detector it is cut at every seventh.
//
// Law: M6
func TestAnswerCutAtEveryByte(t *testing.T) {
	t.Parallel()
	const access, refresh = `"access_token":"access-user-2"`, `"refresh_token":"refresh-user-2"`
	for order, answer := range map[string]string{
		"refresh token last":  `{"user_uid":"user","token_type":"Bearer","expires_in":3600,` + access + `,` + refresh + `}`,
		"refresh token first": `{` + refresh + `,` + access + `,"expires_in":3600,"token_type":"Bearer","organization_uid":"org"}`,
	} {
		for how, body := range map[string]func(string) io.Reader{
			"cleanly": func(s string) io.Reader { return strings.NewReader(s) },
			"with an EOF": func(s string) io.Reader {
				return io.MultiReader(strings.NewReader(s), iotest.ErrReader(io.ErrUnexpectedEOF))
			},
		} {
			step := 1
			if testing.Short() || tokens.RaceDetector {
				step = 7
			}
			for cut := 0; cut <= len(answer); cut += step {
				arrived := answer[:cut]
				name := fmt.Sprintf("%s, cut %s after %d", order, how, cut)
				kept := strings.Contains(arrived, refresh)
				synctest.Test(t, func(t *testing.T) {
					liveThroughACut(t, name, kept, func(r *http.Response) { r.Body = io.NopCloser(body(arrived)) })
				})
			}
		}
	}
}

func liveThroughACut(t *testing.T, name string, kept bool, cut func(*http.Response)) {
	p, store := newProvider(), new(tokens.Memory)
	all := replicas(t, 2, p, store, nil)
	loseFirst(p, func(r *http.Response) (*http.Response, error) { cut(r); return r, nil })
	nearEnd(p)
	for range 9 { // as long as the old access token is good
		for _, m := range all {
			access(t, m)
		}
		time.Sleep(30 * time.Second)
	}
	now := readStored(t, store)
	if kept {
		assert.NotEqual(t, "refresh-user-1", now.token.RefreshToken, name)
		p.requireAlive(t, &now.token)
	} else {
		assert.Equal(t, 2, p.asked(), name)
		assert.NotEmpty(t, now.lease, name)
	}
	for range 3 {
		time.Sleep(time.Minute)
		for _, m := range all {
			_, err := m.Token(t.Context(), "user")
			if kept {
				require.NoError(t, err, name)
			} else {
				require.ErrorIs(t, err, csoauth.ErrLoginRequired, name)
			}
		}
	}
	for i, post := range p.posts {
		assert.Equal(t, kept || i == 0, post.granted, "%s: request %d", name, i)
	}
}

// A response that must be refused for another reason keeps its new refresh token too, and the old
// access token beside it.
func TestRefusedAnswerKeepsItsRefreshToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store, events := newProvider(), new(tokens.Memory), new(eventLog)
		m := replicas(t, 1, p, store, &tokens.Options{OnEvent: events.add})[0]
		loseFirst(p, func(*http.Response) (*http.Response, error) {
			return jsonAnswer(http.StatusOK, map[string]any{"access_token": "a", "refresh_token": "refresh-user-2", "token_type": "mac"}), nil
		})
		nearEnd(p)
		assert.Equal(t, "access-user-1", access(t, m))
		time.Sleep(p.takes)
		synctest.Wait()
		now := readStored(t, store)
		assert.Equal(t, "refresh-user-2", now.token.RefreshToken)
		assert.Equal(t, "access-user-1", now.token.AccessToken)
		assert.Empty(t, now.lease)
		assert.Equal(t, "access-user-1", access(t, m))
		assert.Equal(t, []tokens.EventType{tokens.EventRefreshFailed}, events.types())

		time.Sleep(5 * time.Second)
		access(t, m)
		time.Sleep(time.Second)
		assert.Equal(t, "access-user-3", access(t, m))
	})
}
