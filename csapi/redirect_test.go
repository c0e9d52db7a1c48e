package csapi_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRedirectsGetNothingOfTheLogin: net/http would take along what the caller has set.
func TestRedirectsGetNothingOfTheLogin(t *testing.T) {
	for name, target := range map[string]string{"another host": "https://evil.example/x", "without TLS": "http://api.contentstack.io/x"} {
		t.Run(name, func(t *testing.T) {
			s := &service{answer: func(n int, _ *http.Request) *http.Response {
				if n == 1 {
					return with(response(302, inJSON, ""), "Location", target)
				}
				return response(200, inJSON, "{}")
			}}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://api.contentstack.io/v3/x", nil)
			require.NoError(t, err)
			req.Header = http.Header{"authtoken": {"secret"}, "Authorization": {"secret"}, "api_key": {"k"}, "Organization_uid": {press}, "X": {"y"}}
			resp, err := clientOf(s).HTTPClient().Do(req)
			require.NoError(t, err)
			resp.Body.Close()
			got := s.requests[1].Header.Clone()
			got.Del("Referer")
			require.Equal(t, http.Header{"X": {"y"}}, got)
		})
	}
}
