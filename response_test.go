package csoauth_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/contentstack/csoauth"
)

// old is a Token that a refresh test begins with.
func old() *csoauth.Token {
	return &csoauth.Token{
		AccessToken: "old-access", RefreshToken: "old-refresh", TokenType: "Bearer", Expiry: time.Now().UTC(), Scopes: []string{"a:read"},
		OrganizationUID: "blt1", UserUID: "blt2", AuthorizationType: "user", StackAPIKey: "blt3", Location: "NA",
	}
}

// Law: P9
func TestResponseIsReadAsFarAsItGoes(t *testing.T) {
	const hour = time.Hour
	for name, row := range map[string]struct {
		answer   string
		lifetime time.Duration
		change   func(*csoauth.Token) // of the old Token, beyond the access token
	}{
		"only an access token":        {`{"access_token":"A"}`, hour, nil},
		"a new refresh token":         {`{"access_token":"A","refresh_token":"R"}`, hour, func(t *csoauth.Token) { t.RefreshToken = "R" }},
		"an empty refresh token":      {`{"access_token":"A","refresh_token":""}`, hour, nil},
		"null members":                {`{"access_token":"A","refresh_token":null,"expires_in":null,"user_uid":null,"token_type":null,"error":null}`, hour, nil},
		"members of a wrong type":     {`{"access_token":"A","user_uid":7,"organization_uid":{},"scope":["x"],"location":[],"refresh_token":"R"}`, hour, func(t *csoauth.Token) { t.RefreshToken = "R" }},
		"unknown members":             {`{"access_token":"A","x":{"y":[1,2]},"token":"z"}`, hour, nil},
		"bearer in lower case":        {`{"access_token":"A","token_type":"bearer"}`, hour, nil},
		"lifetime":                    {`{"access_token":"A","expires_in":120}`, 2 * time.Minute, nil},
		"lifetime as a string":        {`{"access_token":"A","expires_in":"120"}`, 2 * time.Minute, nil},
		"lifetime with a fraction":    {`{"access_token":"A","expires_in":1.5}`, 1500 * time.Millisecond, nil},
		"lifetime zero":               {`{"access_token":"A","expires_in":0}`, hour, nil},
		"lifetime of nothing":         {`{"access_token":"A","expires_in":1e-10}`, hour, nil},
		"a blank refresh token":       {`{"access_token":"A","refresh_token":" \n "}`, hour, nil},
		"the same owner, in capitals": {`{"access_token":"A","authorization_type":"USER","user_uid":" blt2"}`, hour, func(t *csoauth.Token) { t.AuthorizationType, t.UserUID = "USER", " blt2" }},
		"lifetime negative":           {`{"access_token":"A","expires_in":-5}`, hour, nil},
		"lifetime no number":          {`{"access_token":"A","expires_in":"soon"}`, hour, nil},
		"lifetime NaN":                {`{"access_token":"A","expires_in":"NaN"}`, hour, nil},
		"lifetime an object":          {`{"access_token":"A","expires_in":{}}`, hour, nil},
		"lifetime of exactly a day":   {`{"access_token":"A","expires_in":86400}`, 24 * hour, nil},
		"lifetime over a day":         {`{"access_token":"A","expires_in":86401}`, 24 * hour, nil},
		"lifetime beyond any integer": {`{"access_token":"A","expires_in":1e300}`, 24 * hour, nil},
		"scopes":                      {`{"access_token":"A","scope":"b:read  c:read"}`, hour, func(t *csoauth.Token) { t.Scopes = []string{"b:read", "c:read"} }},
		"location":                    {`{"access_token":"A","location":"EU"}`, hour, func(t *csoauth.Token) { t.Location = "EU" }},
		"region for location":         {`{"access_token":"A","region":"EU"}`, hour, func(t *csoauth.Token) { t.Location = "EU" }},
		"location before region":      {`{"access_token":"A","region":"EU","location":"AU"}`, hour, func(t *csoauth.Token) { t.Location = "AU" }},
		"the same owner":              {`{"access_token":"A","user_uid":"blt2","organization_uid":"blt1"}`, hour, nil},
		"another stack":               {`{"access_token":"A","authorization_type":"user","stack_api_key":"blt9"}`, hour, func(t *csoauth.Token) { t.StackAPIKey = "blt9" }},
		"a byte order mark":           {"\uFEFF" + `{"access_token":"A"}`, hour, nil},
		"an empty error":              {`{"access_token":"A","error":{ }}`, hour, nil},
		"an error that is false":      {`{"access_token":"A","error":false}`, hour, nil},
		"an error that is zero":       {`{"access_token":"A","error":0}`, hour, nil},
		"an error that is no text":    {`{"access_token":"A","error":""}`, hour, nil},
		"an error that lists none":    {`{"access_token":"A","error":[]}`, hour, nil},
		"lifetime beyond any float":   {`{"access_token":"A","expires_in":1e400}`, 24 * hour, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := testConfig()
				mock(c, 200, row.answer)
				want := old()
				if row.change != nil {
					row.change(want)
				}
				before := old()
				got, err := c.Refresh(t.Context(), before)
				require.NoError(t, err)
				require.Equal(t, old(), before, "the old Token is not changed")

				want.AccessToken = "A"
				want.ClientID, want.RedirectURI = c.ClientID, c.RedirectURI
				want.Expiry = time.Now().UTC().Add(row.lifetime)
				got = got.WithoutTerms()
				require.Equal(t, want, got)
			})
		})
	}
}

func TestExpiryCountsFromBeforeTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testConfig()
		start := time.Now().UTC()
		c.HTTPClient = &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			time.Sleep(5 * time.Second)
			return httpmock.NewStringResponse(200, `{"access_token":"A","expires_in":60}`), nil
		})}
		got, err := c.Refresh(t.Context(), old())
		require.NoError(t, err)
		require.Equal(t, start.Add(time.Minute), got.Expiry)
		require.Equal(t, got.Expiry.Round(0), got.Expiry, "by the wall clock: the monotonic one stops while a machine sleeps")
	})
}

// Law: P9
func TestRefusedResponseKeepsTheNewRefreshToken(t *testing.T) {
	for name, row := range map[string]struct{ answer, want string }{
		"another token type":  {`{"access_token":"A","refresh_token":"R","token_type":"mac"}`, `the token_type is "mac", want Bearer`},
		"no access token":     {`{"refresh_token":"R"}`, "the response has no access_token"},
		"an unusable one":     {`{"access_token":"A\nB","refresh_token":"R"}`, "the access_token has a character that no header can carry"},
		"an error beside it":  {`{"access_token":"A","refresh_token":"R","error":"temporarily_unavailable"}`, "temporarily_unavailable"},
		"a token type object": {`{"access_token":"","refresh_token":"R","token_type":{}}`, "the response has no access_token"},
	} {
		t.Run(name, func(t *testing.T) {
			c := testConfig()
			mock(c, 200, row.answer)
			_, err := c.Refresh(t.Context(), old())
			var said *csoauth.Error
			require.ErrorAs(t, err, &said)
			require.ErrorContains(t, err, "csoauth: refresh: "+row.want)
			require.NotNil(t, said.Token)
			require.Equal(t, "R", said.Token.RefreshToken)
			require.Equal(t, "old-access", said.Token.AccessToken, "still the one that may be used")
			require.Equal(t, "blt2", said.Token.UserUID)
			require.NotErrorIs(t, err, csoauth.ErrLoginRequired)
		})
	}
	c := testConfig()
	mock(c, 200, `{"access_token":"A","token_type":"mac"}`)
	_, err := c.Refresh(t.Context(), old())
	var said *csoauth.Error
	require.ErrorAs(t, err, &said)
	require.Nil(t, said.Token, "without a new refresh token there is nothing to keep")
}

// Law: P9
func TestNewRefreshTokenIsSavedFromABrokenResponse(t *testing.T) {
	for name, row := range map[string]struct {
		status     int
		body, want string
	}{
		"a comma too many":     {200, `{"access_token":"A","refresh_token":"R",}`, "is not a JSON object"},
		"a number that is not": {200, `{"refresh_token":"R","expires_in":NaN}`, "is not a JSON object"},
		"something behind it":  {200, `{"access_token":"A","refresh_token":"R"}<!-- -->`, "is not a JSON object"},
		"cut inside a member":  {200, `{"access_token":"A","refresh_token":"R","expires_`, "is not a JSON object"},
		"over a MiB":           {200, `{"refresh_token":"R","x":"` + strings.Repeat("x", 1<<20) + `"}`, "the response is over 1048576 bytes"},
		"a 500":                {500, `{"access_token":"A","refresh_token":"R"}`, "500 Internal Server Error"},
		"a redirect":           {307, `{"access_token":"A","refresh_token":"R"}`, "which is not followed"},
	} {
		t.Run(name, func(t *testing.T) {
			c := testConfig()
			mock(c, row.status, row.body)
			_, err := c.Refresh(t.Context(), old())
			var said *csoauth.Error
			require.ErrorAs(t, err, &said)
			require.ErrorContains(t, err, row.want)
			require.NotNil(t, said.Token)
			require.Equal(t, "R", said.Token.RefreshToken)
			require.Equal(t, "old-access", said.Token.AccessToken)
		})
	}
	for name, body := range map[string]string{
		"cut inside the token": `{"access_token":"A","refresh_token":"R`,
		"the old one again":    `{"error":"invalid_grant","refresh_token":"old-refresh"}`,
		"another user's":       `{"refresh_token":"R","user_uid":"bltX",}`,
		"not its own member":   `{"data":{"refresh_token":"R"}}`,
		"no object":            `["refresh_token","R"]`,
	} {
		c := testConfig()
		mock(c, 200, body)
		_, err := c.Refresh(t.Context(), old())
		var said *csoauth.Error
		require.ErrorAs(t, err, &said, name)
		require.Nil(t, said.Token, name)
	}
}

// TestResponseThatBreaksOffAtEveryByte cuts the connection inside the response. From the byte on
// with which the new refresh token is there, it is kept.
//
// Law: P9
func TestResponseThatBreaksOffAtEveryByte(t *testing.T) {
	const answer = `{"access_token":"A","refresh_token":"R","token_type":"Bearer","expires_in":3600}`
	there := strings.Index(answer, `"R"`) + len(`"R"`)
	for cut := range len(answer) + 1 {
		c := testConfig()
		c.HTTPClient = &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			resp := httpmock.NewStringResponse(200, "")
			resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(answer[:cut]), brokenReader{}))
			return resp, nil
		})}
		token, err := c.Refresh(t.Context(), old())
		var said *csoauth.Error
		switch {
		case cut == len(answer):
			require.NoError(t, err, "it was whole before it broke off")
			require.Equal(t, "R", token.RefreshToken)
		case cut >= there:
			require.ErrorAs(t, err, &said, cut)
			require.ErrorContains(t, err, "csoauth: refresh: the response broke off")
			require.Equal(t, "R", said.Token.RefreshToken)
		default:
			require.False(t, errors.As(err, &said), cut)
			require.ErrorIs(t, err, io.ErrUnexpectedEOF, cut)
		}
	}
}

// Law: P9
func TestAnotherUsersTokenIsNeverTaken(t *testing.T) {
	for answer, want := range map[string]string{
		`{"access_token":"A","refresh_token":"R","user_uid":"bltX"}`:                          `the response is for user "bltX", and the token was for "blt2"`,
		`{"access_token":"A","refresh_token":"R","user_uid":"blt2","organization_uid":"blY"}`: `the response is for organization "blY", and the token was for "blt1"`,
		`{"access_token":"A","refresh_token":"R","authorization_type":"app"}`:                 `the response is for authorization type "app", and the token was for "user"`,
	} {
		c := testConfig()
		mock(c, 200, answer)
		_, err := c.Refresh(t.Context(), old())
		var said *csoauth.Error
		require.ErrorAs(t, err, &said)
		require.ErrorContains(t, err, want)
		require.Nil(t, said.Token)
	}
}

// Law: P6
func TestErrorResponsesOfEveryShape(t *testing.T) {
	html := "<html><body>Bad gateway, refresh token old-refresh</body></html>"
	for name, row := range map[string]struct {
		status            int
		contentType, body string
		code, description string
		login             bool // errors.Is ErrLoginRequired
	}{
		"OAuth":                       {400, "application/json", `{"error":"invalid_grant","error_description":"Token expired"}`, "invalid_grant", "Token expired", true},
		"OAuth, code alone":           {401, "application/json", `{"error":"invalid_grant"}`, "invalid_grant", "", true},
		"OAuth with a 403":            {403, "application/json", `{"error":"invalid_grant"}`, "invalid_grant", "", true},
		"OAuth with a 200":            {200, "application/json", `{"error":"invalid_grant","error_description":"no"}`, "invalid_grant", "no", true},
		"another error with a 200":    {200, "application/json", `{"error":"server_error"}`, "server_error", "", false},
		"OAuth with a 201":            {201, "application/json", `{"error":"Invalid_Grant"}`, "Invalid_Grant", "", true},
		"OAuth with a 299":            {299, "application/json", `{"error":"invalid_grant"}`, "invalid_grant", "", true},
		"the client, as a message":    {400, "application/json", `{"statusCode":400,"message":"invalid_client","error":"Bad Request"}`, "", "invalid_client", false},
		"the client itself":           {401, "application/json", `{"error":"invalid_client"}`, "invalid_client", "", false},
		"the client's grants":         {400, "application/json", `{"error":"unauthorized_client"}`, "unauthorized_client", "", false},
		"NestJS, a string":            {400, "application/json", `{"statusCode":400,"message":"Invalid refresh token","error":"Bad Request"}`, "", "Invalid refresh token", true},
		"NestJS, an array":            {400, "application/json", `{"statusCode":400,"message":["code should not be empty","client_id must be a string"],"error":"Bad Request"}`, "", "code should not be empty; client_id must be a string", false},
		"NestJS, the status alone":    {401, "application/json", `{"statusCode":401,"message":"Unauthorized"}`, "", "Unauthorized", false},
		"NestJS, one word":            {401, "application/json", `{"statusCode":401,"message":"No such token","error":"Unauthorized"}`, "", "No such token", false},
		"NestJS, only an error":       {403, "application/json", `{"error":"Forbidden"}`, "", "Forbidden", false},
		"error is a sentence":         {400, "application/json", `{"error":"The token is no good"}`, "", "The token is no good", false},
		"error is an object":          {400, "application/json", `{"error":{"code":"E17","message":"Wrong token"}}`, "E17", "Wrong token", false},
		"error is another object":     {401, "application/json", `{"error":{"code":17},"error_description":"Wrong"}`, "17", "Wrong", false},
		"Content Management API":      {401, "application/json", `{"error_message":"You're not allowed in here unless you're logged in.","error_code":105,"errors":{}}`, "105", "You're not allowed in here unless you're logged in.", false},
		"its errors object":           {422, "application/json", `{"error_message":"Failed","error_code":119,"errors":{"token":["is not valid"]}}`, "119", `Failed {"token":["is not valid"]}`, false},
		"its errors array":            {422, "application/json", `{"error_message":"Failed","error_code":119,"errors":["one","two"]}`, "119", "Failed one; two", false},
		"description of a wrong type": {400, "application/json", `{"error":"invalid_grant","error_description":{"a":1}}`, "invalid_grant", `{"a":1}`, true},
		"JSON without media type":     {400, "", `{"error":"invalid_grant"}`, "invalid_grant", "", true},
		"no known shape":              {400, "application/json", `{"ok":false}`, "", "the response is JSON, but not a known form of error", false},
		"an empty object":             {401, "application/json", `{}`, "", "the response is JSON, but not a known form of error", false},
		"an array":                    {400, "application/json", `["invalid_grant"]`, "", "the response (17 bytes) is not a JSON object", false},
		"a JSON string":               {400, "application/json", `"invalid_grant"`, "", "the response (15 bytes) is not a JSON object", false},
		"cut JSON":                    {400, "application/json", `{"error":"invalid_gr`, "", "the response (20 bytes) is not a JSON object", false},
		"HTML":                        {401, "text/html; charset=utf-8", html, "", `the response (64 bytes) is "text/html", not JSON`, false},
		"HTML with a 200":             {200, "text/html", html, "", `the response (64 bytes) is "text/html", not JSON`, false},
		"HTML called JSON":            {400, "application/json", html, "", "the response (64 bytes) is not a JSON object", false},
		"empty":                       {401, "application/json", "", "", "the response is empty", false},
		"blank":                       {502, "text/plain", " \n", "", "the response is empty", false},
		"empty with a 200":            {200, "", "", "", "the response is empty", false},
		"null with a 200":             {200, "application/json", "null", "", "the response has no access_token", false},
		"server error":                {500, "application/json", `{"statusCode":500,"message":"Internal server error"}`, "", "Internal server error", false},
		"rate limit":                  {429, "application/json", `{"error_message":"Slow down","error_code":429}`, "429", "Slow down", false},
		"redirect":                    {302, "text/html", html, "", "the response is a redirect, which is not followed", false},
		"control characters":          {400, "application/json", `{"error":"invalid_grant","error_description":"a\u001b[31mb\r\nc\u202ed\u0000e"}`, "invalid_grant", "a[31mb  cde", true},
		"a long code":                 {400, "application/json", `{"error":"` + strings.Repeat("x", 100) + `"}`, strings.Repeat("x", 64), "", false},
		"a long description":          {400, "application/json", `{"error":"e","error_description":"` + strings.Repeat("é", 400) + `"}`, "e", strings.Repeat("é", 256), false},
		"an endless body":             {200, "application/json", `{"access_token":"A","x":"` + strings.Repeat("x", 1<<20) + `"}`, "", "the response is over 1048576 bytes", false},
	} {
		t.Run(name, func(t *testing.T) {
			c := testConfig()
			c.HTTPClient = &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
				resp := httpmock.NewStringResponse(row.status, row.body)
				resp.Header.Set("Content-Type", row.contentType)
				resp.Header.Set("Location", "https://evil.example/")
				return resp, nil
			})}
			_, err := c.Refresh(t.Context(), old())
			var said *csoauth.Error
			require.ErrorAs(t, err, &said)
			require.Equal(t, "refresh", said.Op)
			require.Equal(t, row.status, said.StatusCode)
			require.Equal(t, row.code, said.Code)
			require.True(t, strings.HasPrefix(said.Description, row.description), said.Description)
			require.LessOrEqual(t, len(said.Description), 512)
			require.Equal(t, row.login, errors.Is(err, csoauth.ErrLoginRequired))
			require.NotContains(t, err.Error(), "old-refresh")

			var known *oauth2.RetrieveError
			require.ErrorAs(t, err, &known)
			require.Equal(t, row.code, known.ErrorCode)
			require.Equal(t, said.Description, known.ErrorDescription)
			require.Equal(t, row.status, known.Response.StatusCode)
			require.Nil(t, known.Response.Request)
			require.Empty(t, known.Body)
			require.NotEmpty(t, known.Error())
			require.Empty(t, known.Response.Header.Get("Location"))

			_, err = exchange(t, c)
			require.ErrorAs(t, err, &said)
			require.Equal(t, "exchange", said.Op)
			require.NotErrorIs(t, err, csoauth.ErrLoginRequired, "there is no login yet")
		})
	}
}

func TestStatusThatMeansSuccess(t *testing.T) {
	for status, want := range map[int]string{
		199: "csoauth: refresh: 199: ", 200: "", 201: "", 299: "", 300: "which is not followed", 399: "which is not followed", 400: "400 Bad Request: ",
	} {
		c := testConfig()
		mock(c, status, recorded)
		got, err := c.Refresh(t.Context(), &csoauth.Token{RefreshToken: "old-refresh"})
		if want == "" {
			require.NoError(t, err, status)
			require.Equal(t, "fedcba9876543210fedcba9876543210", got.RefreshToken, status)
			continue
		}
		require.ErrorContains(t, err, want, status)
		require.Equal(t, status >= 300 && status < 400, strings.Contains(err.Error(), "redirect"), "%d: %v", status, err)
	}
}

func TestErrorText(t *testing.T) {
	c := testConfig()
	mock(c, 400, `{"error":"invalid_grant","error_description":"Token expired"}`)
	_, err := c.Refresh(t.Context(), old())
	require.EqualError(t, err, "csoauth: refresh: login required: 400 Bad Request: invalid_grant: Token expired")
	mock(c, 200, `{"error":"server_error"}`)
	_, err = c.Refresh(t.Context(), old())
	require.EqualError(t, err, "csoauth: refresh: server_error")
	mock(c, 599, ``)
	_, err = c.Refresh(t.Context(), old())
	require.EqualError(t, err, "csoauth: refresh: 599: the response is empty")
}

func TestRetryAfterIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for value, want := range map[string]time.Duration{
			"120": 2 * time.Minute, "0": 0, "-1": 0, "soon": 0, "": 0, "1.5": 0, "0x10": 0, "86401": 24 * time.Hour, "99999999": 24 * time.Hour,
			"99999999999999999999": 24 * time.Hour, "Fri, 31 Dec 9999 23:59:59 GMT": 24 * time.Hour,
			time.Now().Add(90 * time.Second).UTC().Format(http.TimeFormat): 90 * time.Second,
			time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat):       0,
		} {
			c := testConfig()
			c.HTTPClient = &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
				return answered(500, value, `{}`), nil
			})}
			_, err := c.Refresh(t.Context(), old())
			var said *csoauth.Error
			require.ErrorAs(t, err, &said)
			require.Equal(t, want, said.RetryAfter, value)
		}
	})
}

// Law: P9
func FuzzTokenResponse(f *testing.F) {
	f.Add(recorded)
	for _, s := range []string{"", "null", "[]", `{"access_token":"A"}`, `{"access_token":"A","expires_in":"1e9"}`, `{"refresh_token":"R","token_type":"mac"}`,
		`{"access_token":"A","error":"x"}`, `{"access_token":"A","ACCESS_TOKEN":"B"}`, `{"access_token":"\ud800"}`, recorded[:100]} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		c := testConfig()
		mock(c, 200, body)
		got, err := c.Refresh(t.Context(), old())
		if err != nil {
			require.Nil(t, got)
			require.NotContains(t, err.Error(), "old-refresh")
			var said *csoauth.Error
			if errors.As(err, &said) && said.Token != nil {
				require.NotEqual(t, "old-refresh", said.Token.RefreshToken)
				require.Equal(t, "blt2", said.Token.UserUID)
			}
			return
		}
		require.NotEmpty(t, got.AccessToken)
		require.NotEmpty(t, got.RefreshToken)
		require.Equal(t, "Bearer", got.TokenType)
		require.Equal(t, "blt2", got.UserUID)
		require.Equal(t, "blt1", got.OrganizationUID)
		left := time.Until(got.Expiry)
		require.True(t, left > -time.Minute && left <= 24*time.Hour, "%v", left)
		requireStoredFormRoundTrips(t, got)
	})
}

// Law: P8
func FuzzErrorResponse(f *testing.F) {
	for _, s := range []string{"", "{}", `{"error":"invalid_grant"}`, `{"statusCode":400,"message":["a"],"error":"Bad Request"}`, `{"error":{"code":1,"message":"S"}}`,
		`{"error_message":"S","error_code":105,"errors":["S"]}`, `{"error":"e","error_description":"\u001bS\u0000S"}`, "<html>S</html>", `{"error":"S"}`, `{"errors":{"S":"S"}}`} {
		f.Add(400, s)
	}
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 200 || status > 599 {
			return
		}
		const secret = "old-refresh"
		c := testConfig()
		mock(c, status, strings.ReplaceAll(body, "S", secret))
		_, err := c.Refresh(t.Context(), old())
		if err == nil {
			return
		}
		require.NotContains(t, err.Error(), secret)
		var said *csoauth.Error
		require.ErrorAs(t, err, &said)
		require.LessOrEqual(t, len(said.Description), 512)
		require.LessOrEqual(t, len(said.Code), 64)
		for _, char := range err.Error() {
			require.GreaterOrEqual(t, char, ' ')
		}
	})
}
