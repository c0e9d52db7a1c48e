package csapi_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csapi"
)

func TestRevokeClaimsNoSuccessThatIsNone(t *testing.T) {
	two := `{"data":[{"authorization_uid":"a","user":{"uid":"` + ada + `"}},{"authorization_uid":"b","user":{"uid":"` + ada + `"}}],"count":2}`
	one := `{"data":[{"authorization_uid":"a","user":{"uid":"` + ada + `"}}],"count":1}`
	for name, row := range map[string]struct {
		list    func(removed bool) *http.Response
		remove  func(n int) *http.Response
		want    string // the error; empty: success
		invalid int    // how often the Source hears of a 401
	}{
		"the token dies with the first of two": {
			func(bool) *http.Response { return response(200, inJSON, two) },
			func(n int) *http.Response {
				if n == 1 {
					return response(200, inJSON, "{}")
				}
				return response(401, inJSON, badToken)
			},
			"csapi: revoke: 1 of the user's 2 authorizations are ended, and the token with them", 0,
		},
		"a second factor":      {func(bool) *http.Response { return response(401, inJSON, `{"error_code":294}`) }, nil, "error_code 294", 0},
		"an empty list":        {func(bool) *http.Response { return response(200, inJSON, `{"data":[]}`) }, nil, "", 0},
		"an empty body":        {func(bool) *http.Response { return response(200, inJSON, "") }, nil, "csapi: revoke: the list of authorizations has no data", 0},
		"data of another kind": {func(bool) *http.Response { return response(200, inJSON, `{"data":{"a":1}}`) }, nil, "the data of the list of authorizations is not a list", 0},
		"another object":       {func(bool) *http.Response { return response(200, inJSON, `{"error_message":"no"}`) }, nil, "has no data", 0},
		"it is ended, and the response is lost": {
			func(removed bool) *http.Response {
				if removed {
					return response(401, inJSON, badToken)
				}
				return response(200, inJSON, one)
			},
			func(int) *http.Response { return response(504, "text/html", "<h1>late") }, "", 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			removals := 0
			s := &service{answer: func(_ int, r *http.Request) *http.Response {
				if r.Method == http.MethodDelete {
					removals++
					return row.remove(removals)
				}
				return row.list(removals > 0)
			}}
			login := &source{tokens: []*csoauth.Token{aToken()}, ended: csoauth.ErrLoginRequired}
			err := csapi.New(aConfig(), login, &csapi.Options{Base: s}).Revoke(t.Context())
			require.Len(t, login.asked, row.invalid)
			if row.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, row.want)
		})
	}
}
