package csoauth_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
)

const withheld = "(text withheld: it contains a secret)"

// TestTextsThatAreNoSecretAreShown: a redirect URI may repeat a part of a client secret, and errors
// name the endpoint.
func TestTextsThatAreNoSecretAreShown(t *testing.T) {
	c := testConfig()
	c.ClientSecret = "app.example.org/apps-api/apps"
	mock(c, 400, `{"error":"e","error_description":"not at https://app.example.org/apps-api, says `+c.ClientID+`"}`)
	_, err := exchange(t, c)
	require.ErrorContains(t, err, "not at https://app.example.org/apps-api, says "+c.ClientID)

	mock(c, 400, `{"error":"e","error_description":"app.example.org/apps-api/apps/another"}`)
	c.ClientSecret = "apps-api/apps/another"
	_, err = exchange(t, c)
	require.ErrorContains(t, err, withheld, "a run that only the secret has counts")
}

// TestNewTokensAreNotShown: they may be anywhere in a response.
func TestNewTokensAreNotShown(t *testing.T) {
	const access, refresh = "0123456789abcdefNEWACCESS", "fedcba9876543210NEWREFRESH"
	for _, body := range []string{
		`{"message":{"access_token":"A","refresh_token":"R"}}`, `{"error":{"message":{"access_token":"A","refresh_token":"R"}}}`,
		`{"errors":[{"data":{"refresh_token":"R"}}]}`, `{"error":"x","error_description":"issued A","access_token":["A"]}`,
		`{"error":"x","error_description":"issued R","id_token":"R"}`, `{"error":"0123456789ab","error_description":"cdefNEWACCESS","access_token":"A"}`,
		`{"error":"x","error_description":"issued R","refreshToken":"R","expires_`,
	} {
		for _, status := range []int{200, 400, 500} {
			body := strings.NewReplacer(`"A"`, `"`+access+`"`, `"R"`, `"`+refresh+`"`, " A", " "+access, " R", " "+refresh).Replace(body)
			c := testConfig()
			mock(c, status, body)
			_, err := c.Refresh(t.Context(), old())
			require.Error(t, err)
			for _, part := range []string{access[4:16], refresh[4:16], access[12:], refresh[12:]} {
				assert.NotContains(t, err.Error(), part, body)
			}
		}
	}
}

// TestUnreadableResponseIsNotShown: net/http quotes what it cannot read.
func TestUnreadableResponseIsNotShown(t *testing.T) {
	const token = "0123456789abcdefNEW"
	for _, response := range []string{
		`{"refresh_token":"` + token + `"}` + "\r\n\r\n", "HTTP/1.1 200 OK\r\n" + `{"refresh_token":"` + token + `"}` + "\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: " + token + "\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: " + token + "\r\n\r\n",
		"HTTP/1.1 " + token + "\r\n\r\n", "HTTP/" + token + " 200 OK\r\n\r\n",
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				io.WriteString(conn, response)
				conn.Close()
			}
		}))
		c := testConfig()
		endpoint(csoauth.Endpoints{App: server.URL})(c)
		c.HTTPClient = server.Client()
		_, err := c.Refresh(t.Context(), old())
		require.Error(t, err, response)
		assert.NotContains(t, err.Error(), token[:12], response)
		assert.NotErrorIs(t, err, csoauth.ErrNotSent)
		server.Close()
	}
}
