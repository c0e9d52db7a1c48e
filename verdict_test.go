package csoauth_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
)

const (
	over     = csoauth.VerdictLoginOver
	operator = csoauth.VerdictOperator
	retry    = csoauth.VerdictRetry
)

// verdictOf returns what a response to a refresh means.
func verdictOf(t *testing.T, status int, contentType, body string) csoauth.Verdict {
	t.Helper()
	c := testConfig()
	m := mock(c, status, body)
	m.contentType = contentType
	_, err := c.Refresh(t.Context(), old())
	var said *csoauth.Error
	require.ErrorAs(t, err, &said)
	assert.Equal(t, said.Verdict == over, errors.Is(err, csoauth.ErrLoginRequired))
	assert.Equal(t, said.Verdict == operator, errors.Is(err, csoauth.ErrConfig))
	return said.Verdict
}

// TestVerdicts has responses as servers write them. Contentstack documents none; the first is the
// one that was seen.
//
// Law: P10
func TestVerdicts(t *testing.T) {
	for _, row := range []struct {
		status int
		body   string
		want   csoauth.Verdict
	}{
		// A dead refresh token.
		{400, `{"message":["invalid refresh_token"]}`, over},
		{401, `{"message":["invalid refresh_token"]}`, over},
		{400, `{"statusCode":400,"message":["invalid refresh_token"],"error":"Bad Request"}`, over},
		{403, `{"error":"invalid_grant"}`, over},
		{404, `{"error":"invalid_grant","error_description":"unknown"}`, over},
		{422, `{"error":"INVALID_GRANT"}`, over},
		{400, `{"error":"Invalid Grant"}`, over},
		{400, `{"error":"invalidGrant"}`, over},
		{400, `{"error":"invalid-grant"}`, over},
		{400, `{"message":"invalid_grant"}`, over},
		{400, `{"error_code":"invalid_grant"}`, over},
		{400, `{"error":{"code":"invalid_grant","message":"no"}}`, over},
		{400, `{"error":"invalid_grant","error_description":"try again later: server_error"}`, over},
		{400, `{"error":"invalid_token","error_description":"The refresh token has expired"}`, over},
		{401, `{"error_message":"Refresh token is not valid","error_code":105,"errors":{}}`, over},
		{422, `{"error_message":"Failed","error_code":119,"errors":{"refresh_token":["is not valid"]}}`, over},
		{400, `{"errors":["The refreshToken was revoked"]}`, over},
		{404, `{"statusCode":404,"message":"Refresh token not found","error":"Not Found"}`, over},
		{400, `{"message":"No such refresh-token"}`, over},
		{400, `{"message":"unknown refresh token"}`, over},
		{400, `{"message":"refresh_token was used before"}`, over},
		{400, `{"message":"refresh_token_already_used"}`, over},
		{400, `{"message":"refreshTokenAlreadyUsed"}`, over},
		{401, `{"message":"The refresh token isn't valid"}`, over},
		{400, `{"error":{"code":"invalid_grant","message":"dead","client_id":"abc"}}`, over},
		{422, `{"errors":{"refresh_token":["is invalid"],"client_id":[],"scope":null}}`, over},
		{422, `{"errors":{"form":{"refresh_token":{"kind":"expired"}}}}`, over},
		{400, `{"message":"refresh_token: used"}`, over},
		{400, `{"message":"Refresh token reuse detected"}`, over},
		{400, `{"message":"The refresh token is inactive"}`, over},
		{401, `{"message":"This is not a valid refresh token"}`, over},
		{401, `{"message":"The refresh token is no longer valid"}`, over},
		{400, `{"message":"The refresh token does not exist"}`, over},
		{200, `{"error":"invalid_grant"}`, over},
		{200, `{"message":["invalid refresh_token"]}`, over},
		{200, `{"statusCode":400,"message":"invalid refresh_token"}`, over},

		// A mistake of the operator, which must not log any user out.
		{400, `{"message":["invalid client_secret"]}`, operator},
		{401, `{"message":["invalid client_secret"]}`, operator},
		{401, `{"error":"invalid_client"}`, operator},
		{400, `{"error":"invalid_grant","error_description":"client_secret does not match"}`, operator},
		{400, `{"error":"invalid_grant","error_description":"the redirect URI is not the one of the code"}`, operator},
		{400, `{"error":"invalid_grant","message":"invalid clientSecret"}`, operator},
		{400, `{"message":["refresh_token is invalid for this client_id"]}`, operator},
		{400, `{"message":["redirect_uri must be a URL address"]}`, operator},
		{400, `{"error":"invalid_request"}`, operator},
		{400, `{"error":"invalid_request","error_description":"invalid refresh_token"}`, operator},
		{400, `{"error":"invalid_scope"}`, operator},
		{403, `{"error":"unauthorized_client"}`, operator},
		{400, `{"error":"unsupported_grant_type"}`, operator},
		{401, `{"message":"invalid grant_type"}`, operator},
		{403, `{"message":"OAuth is disabled for app"}`, operator},
		{400, `{"message":"PKCE is disabled"}`, operator},
		{404, `{"error_message":"Client ID not found","error_code":404}`, operator},
		{422, `{"error_message":"Failed","errors":{"client_id":["is not valid"]}}`, operator},
		{422, `{"errors":[{"field":"scope","messages":["is unknown"]}]}`, operator},
		{400, `{"error":"invalid_client","error":"invalid_grant"}`, operator},
		{400, `{"message":"invalid client_secret","Message":"invalid refresh_token"}`, operator},
		{400, `{"error":"invalid_grant","error_description":"redirect_url mismatch"}`, operator},
		{400, `{"error":"invalid_grant","error_description":"Client authentication failed"}`, operator},
		{400, `{"error":"invalid_grant","error_description":"bad client\u2011id"}`, operator},
		{400, `{"error":"invalid_grant","error_description":"bad client\u200bsecret"}`, operator},
		{400, `{"message":"unknown client for this refresh token"}`, operator},
		{200, `{"error":"invalid_client"}`, operator},

		// Everything else passes, or is for a person to find out.
		{400, `{"error":"temporarily_unavailable"}`, retry},
		{400, `{"error":"slow_down"}`, retry},
		{400, `{"error":"server_error","error_description":"the refresh token is unknown"}`, retry},
		{401, `{"statusCode":401,"message":"Unauthorized"}`, retry},
		{403, `{"error":"Forbidden"}`, retry},
		{404, `{"statusCode":404,"message":"Cannot POST /refresh_token","error":"Not Found"}`, retry},
		{404, `{"error":"not_found"}`, retry},
		{401, `{"message":"The session has ended"}`, retry},
		{401, `{"error_message":"The provided access token is invalid or expired or revoked","error_code":105}`, retry},
		{401, `{"error":"invalid_token"}`, retry},
		{400, `{"message":["refresh_token must be a string"]}`, retry},
		{400, `{"message":"The refresh token was refused"}`, retry},
		{400, `{"message":"THE REFRESH TOKEN WAS REFUSED"}`, retry},
		{400, `{"message":"THE REFRESH TOKEN WAS USED"}`, over},
		{400, `{"message":"The refresh token request was paused, as others caused too many"}`, retry},
		{400, `{"message":"the client is not known"}`, retry},
		{400, `{"message":"An unknown error occurred while reading the refresh token"}`, retry},
		{400, `{"message":"could not check refresh_token: lookup db: no such host"}`, retry},
		{400, `{"message":"getaddrinfo ENOTFOUND redis: could not check refresh_token"}`, retry},
		{404, `{"message":"Route POST:/apps-api/apps/refresh_token not found","error":"Not Found","statusCode":404}`, retry},
		{400, `{"statusCode":404,"message":"Cannot POST /refresh_token","error":"Not Found"}`, retry},
		{400, `{"message":["refresh_token must be a string","app_uid is invalid"]}`, retry},
		{400, `{"error":"consent_required"}`, retry},
		{400, `{"error":"E17"}`, retry},
		{400, `{"ok":false}`, retry},
		{400, `{}`, retry},
		{400, `null`, retry},
		{400, `["invalid_grant"]`, retry},
		{400, `"invalid_grant"`, retry},
		{400, `{"error":"invalid_grant"`, retry},
		{400, `{"error":"invalid_gr`, retry},
		{400, `invalid_grant`, retry},
		{400, `<p>invalid_grant</p>`, retry},
		{400, ``, retry},
		{408, `{"message":"timeout"}`, retry},
		{429, `{"error":"invalid_grant"}`, retry},
		{500, `{"error":"invalid_grant"}`, retry},
		{503, `{"error":"invalid_client"}`, retry},
		{599, `{"message":["invalid refresh_token"]}`, retry},
		{302, `{"error":"invalid_grant"}`, retry},
		{200, `{"error":"server_error"}`, retry},
		{200, `{}`, retry},
		{200, ``, retry},
	} {
		assert.Equal(t, row.want, verdictOf(t, row.status, "application/json", row.body), "%d %s", row.status, row.body)
	}
}

// TestVerdictOfEveryShapeAndCause is every cause of a refusal, in every shape in which it may be
// told, with every status.
//
// Law: P10
func TestVerdictOfEveryShapeAndCause(t *testing.T) {
	causes := []struct {
		name, code, text string
		byCode, byText   csoauth.Verdict
	}{
		{"dead refresh token", "invalid_grant", "invalid refresh_token", over, over},
		{"used refresh token", "invalid_grant", "The refresh token was used before", over, over},
		{"expired refresh token", "invalid_grant", "Refresh Token expired", over, over},
		{"wrong secret", "invalid_client", "invalid client_secret", operator, operator},
		{"wrong secret, called a bad grant", "invalid_grant", "invalid client_secret", operator, operator},
		{"wrong client", "invalid_client", "invalid client_id", operator, operator},
		{"disabled app", "unauthorized_client", "OAuth is disabled for app", operator, operator},
		{"disabled PKCE", "invalid_request", "PKCE is disabled for this app", operator, operator},
		{"unknown grant type", "unsupported_grant_type", "invalid grant_type", operator, operator},
		{"wrong redirect URI", "invalid_grant", "redirect_uri must be a URL address", operator, operator},
		{"invalid scope", "invalid_scope", "The requested scope is not allowed", operator, operator},
		{"slow down", "slow_down", "slow_down", retry, retry},
		{"temporarily unavailable", "temporarily_unavailable", "Temporarily unavailable", retry, retry},
		{"server error", "server_error", "Internal server_error", retry, retry},
	}
	shapes := map[string]func(status int, code, text string) any{
		"oauth": func(_ int, code, text string) any {
			return map[string]any{"error": code, "error_description": text}
		},
		"nestjs": func(status int, _, text string) any {
			return map[string]any{"statusCode": status, "message": text, "error": http.StatusText(status)}
		},
		"nestjs-array": func(status int, _, text string) any {
			return map[string]any{"statusCode": status, "message": []string{text}, "error": http.StatusText(status)}
		},
		"message array alone": func(_ int, _, text string) any { return map[string]any{"message": []string{text}} },
		"cma": func(_ int, _, text string) any {
			return map[string]any{"error_message": text, "error_code": 105, "errors": map[string]any{}}
		},
		"object": func(_ int, code, text string) any {
			return map[string]any{"error": map[string]any{"code": code, "message": text}}
		},
		"errors": func(_ int, code, text string) any {
			return map[string]any{"errors": []any{map[string]any{"code": code, "message": text}}}
		},
		"html": func(_ int, code, text string) any { return "<h1>" + code + ": " + text + "</h1>" },
		"text": func(_ int, code, text string) any { return code + ": " + text },
	}
	for shape, write := range shapes {
		for _, cause := range causes {
			for _, status := range []int{200, 400, 401, 403, 404, 422, 429, 500} {
				body, isText := write(status, cause.code, cause.text).(string)
				if !isText {
					data, err := json.Marshal(write(status, cause.code, cause.text))
					require.NoError(t, err)
					body = string(data)
				}
				want := cause.byText
				if isText || status == 429 || status == 500 {
					want = retry
				}
				got := verdictOf(t, status, "application/json", body)
				assert.Equal(t, want, got, "%s, %s: %d %s", cause.name, shape, status, body)
			}
		}
	}
	for _, cause := range causes {
		if cause.name == "wrong secret, called a bad grant" || cause.name == "wrong redirect URI" {
			continue // only the text says so
		}
		for _, status := range []int{400, 401, 403, 404, 422} {
			assert.Equal(t, cause.byCode, verdictOf(t, status, "", fmt.Sprintf(`{"error":%q}`, cause.code)), "%s, code alone: %d", cause.name, status)
		}
	}
}

// TestVerdictIsDecidedBeforeTextsAreCut: a refusal at the end of a long text, or beside a secret.
//
// Law: P10
func TestVerdictIsDecidedBeforeTextsAreCut(t *testing.T) {
	long := `{"error":"e","error_description":"` + strings.Repeat("x ", 8<<10) + `invalid refresh_token"}`
	assert.Equal(t, over, verdictOf(t, 400, "application/json", long))
	echo := `{"error":"` + strings.Repeat("x", 100) + `invalid_grant","error_description":"old-refresh"}`
	assert.Equal(t, over, verdictOf(t, 400, "application/json", echo))
}

func TestNewRefreshTokenSpeaksAgainstARefusal(t *testing.T) {
	for _, status := range []int{200, 400} {
		c := testConfig()
		mock(c, status, `{"error":"invalid_grant","refresh_token":"R"}`)
		_, err := c.Refresh(t.Context(), old())
		var said *csoauth.Error
		require.ErrorAs(t, err, &said)
		require.NotNil(t, said.Token)
		require.Equal(t, retry, said.Verdict)
		require.NotErrorIs(t, err, csoauth.ErrLoginRequired)
	}
}

// TestErrorThatIsMadeByHand: a fake for a user's test plays every part.
//
// Law: P10
func TestErrorThatIsMadeByHand(t *testing.T) {
	for name, row := range map[string]struct {
		err  *csoauth.Error
		want error
	}{
		"status and code":          {&csoauth.Error{StatusCode: 400, Code: "invalid_grant"}, csoauth.ErrLoginRequired},
		"of a refresh":             {&csoauth.Error{Op: "refresh", StatusCode: 403, Code: "invalid_grant"}, csoauth.ErrLoginRequired},
		"description alone":        {&csoauth.Error{StatusCode: 400, Description: "invalid refresh_token"}, csoauth.ErrLoginRequired},
		"of an exchange":           {&csoauth.Error{Op: "exchange", StatusCode: 400, Code: "invalid_grant"}, nil},
		"verdict alone":            {&csoauth.Error{Verdict: over}, csoauth.ErrLoginRequired},
		"verdict over its text":    {&csoauth.Error{Op: "refresh", StatusCode: 400, Code: "invalid_client", Verdict: over}, csoauth.ErrLoginRequired},
		"verdict over a 500":       {&csoauth.Error{Op: "refresh", StatusCode: 500, Verdict: over}, csoauth.ErrLoginRequired},
		"verdict of an exchange":   {&csoauth.Error{Op: "exchange", StatusCode: 400, Verdict: over}, nil},
		"retry over its code":      {&csoauth.Error{StatusCode: 400, Code: "invalid_grant", Verdict: retry}, nil},
		"the operator's":           {&csoauth.Error{StatusCode: 401, Code: "invalid_client"}, csoauth.ErrConfig},
		"the operator's, exchange": {&csoauth.Error{Op: "exchange", StatusCode: 401, Code: "invalid_client"}, csoauth.ErrConfig},
		"operator by verdict":      {&csoauth.Error{Verdict: operator}, csoauth.ErrConfig},
		"a server error":           {&csoauth.Error{StatusCode: 500, Code: "invalid_grant"}, nil},
		"too many requests":        {&csoauth.Error{StatusCode: 429, Code: "invalid_grant"}, nil},
		"without a status":         {&csoauth.Error{Code: "invalid_grant"}, nil},
		"a denial":                 {&csoauth.Error{Op: "authorize", Code: "access_denied"}, csoauth.ErrDenied},
		"a denial elsewhere":       {&csoauth.Error{Op: "refresh", StatusCode: 400, Code: "access_denied"}, nil},
		"another callback":         {&csoauth.Error{Op: "authorize", Code: "invalid_grant"}, nil},
		"a callback with verdict":  {&csoauth.Error{Op: "authorize", Verdict: over}, nil},
	} {
		for _, sentinel := range []error{csoauth.ErrLoginRequired, csoauth.ErrConfig, csoauth.ErrDenied, csoauth.ErrState, csoauth.ErrNotSent} {
			assert.Equal(t, sentinel == row.want, errors.Is(row.err, sentinel), "%s: %v", name, sentinel)
		}
	}
	require.EqualError(t, &csoauth.Error{StatusCode: 400, Code: "invalid_grant"}, "csoauth: login required: 400 Bad Request: invalid_grant")
	require.EqualError(t, &csoauth.Error{Op: "refresh", StatusCode: 401, Description: "invalid client_secret"},
		"csoauth: refresh: 401 Unauthorized: invalid client_secret")
}

func TestVerdictHasAName(t *testing.T) {
	require.Equal(t, "none login over operator retry none", fmt.Sprint(csoauth.VerdictNone, over, operator, retry, csoauth.Verdict(9)))
}

func TestExchangeThatIsRefusedSaysWhoseMistakeItIs(t *testing.T) {
	for body, want := range map[string]csoauth.Verdict{
		`{"error":"invalid_grant"}`: over, `{"message":["invalid client_secret"]}`: operator, `{"message":["invalid code"]}`: retry,
	} {
		c := testConfig()
		mock(c, 400, body)
		_, err := exchange(t, c)
		var said *csoauth.Error
		require.ErrorAs(t, err, &said)
		require.Equal(t, want, said.Verdict)
		require.NotErrorIs(t, err, csoauth.ErrLoginRequired)
	}
}
