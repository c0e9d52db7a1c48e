package bearer

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestJudge(t *testing.T) {
	for name, row := range map[string]struct {
		body, header string
		want         Rejection
	}{
		"Contentstack's code":           {`{"error_message":"You're not allowed in here unless you're logged in.","error_code":105}`, "", TheToken},
		"the code as a string":          {`{"error_code":"105"}`, "", TheToken},
		"Contentstack's text":           {`{"error_message":"The provided access token is invalid or expired or revoked"}`, "", TheToken},
		"a list of messages":            {`{"message":["Access token expired"]}`, "", TheToken},
		"RFC 6750 in the header":        {``, `Bearer error="invalid_token"`, TheToken},
		"RFC 6750 in the body":          {`{"error":"invalid_token"}`, "", TheToken},
		"not valid":                     {`{"message":"access_token is not valid"}`, "", TheToken},
		"revoked":                       {`{"message":"access token was revoked"}`, "", TheToken},
		"161":                           {`{"error_code":161,"error_message":"access token invalid"}`, "", NotTheToken},
		"294":                           {`{"error_code":"294"}`, "", NotTheToken},
		"nothing":                       {``, "", Unclear},
		"no JSON":                       {`access token invalid`, "", Unclear},
		"another token":                 {`{"message":"the delivery token is invalid"}`, "", Unclear},
		"nothing is wrong with it":      {`{"message":"an access token is needed"}`, "", Unclear},
		"a challenge":                   {``, `Bearer realm="x"`, Unclear},
		"another code":                  {`{"error_code":1050}`, "", Unclear},
		"a member that nobody asks for": {`{"notice":"access token invalid"}`, "", Unclear},
	} {
		resp := &http.Response{StatusCode: 401, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(row.body))}
		if row.header != "" {
			resp.Header.Set("WWW-Authenticate", row.header)
		}
		assert.Equal(t, row.want, Judge(resp), name)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		assert.Equal(t, row.body, string(body), name)
	}
	assert.Equal(t, Unclear, Judge(&http.Response{StatusCode: 401}), "no body at all")
}

// What is read ahead is given back, and so is an error.
func TestJudgedBodyIsWhole(t *testing.T) {
	long := strings.Repeat("x", 3*maxPeek)
	resp := &http.Response{Body: io.NopCloser(strings.NewReader(long))}
	Judge(resp)
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	assert.Equal(t, long, string(body))

	broken := errors.New("broken")
	resp.Body = io.NopCloser(io.MultiReader(strings.NewReader("head"), &onceBroken{broken}))
	Judge(resp)
	body, err = io.ReadAll(resp.Body)
	require.ErrorIs(t, err, broken)
	assert.Equal(t, "head", string(body))
}

// An onceBroken returns an error once, and then the end.
type onceBroken struct{ err error }

func (r *onceBroken) Read([]byte) (int, error) {
	err := r.err
	r.err = io.EOF
	return 0, err
}

// A body that does not end is not drained for ever.
func TestDrain(t *testing.T) {
	endless := &endlessBody{}
	Drain(&http.Response{Body: endless})
	assert.Positive(t, endless.read, "what is read leaves a connection that can be used again")
	assert.LessOrEqual(t, endless.read, 2*maxPeek)
	assert.True(t, endless.closed)
}

type endlessBody struct {
	read   int
	closed bool
}

func (b *endlessBody) Read(p []byte) (int, error) { b.read += len(p); return len(p), nil }
func (b *endlessBody) Close() error               { b.closed = true; return nil }

func TestIsSecure(t *testing.T) {
	for raw, want := range map[string]bool{
		"https://api.example.com/": true, "HTTPS://x/": true, "http://127.0.0.1:1/": true, "http://[::1]/": true, "http://localhost/": true,
		"http://LOCALHOST/": false, "http://api.example.com/": false, "http://10.0.0.1/": false, "http://localhost.evil.example/": false,
		"ftp://127.0.0.1/": false, "//localhost/": false,
	} {
		u, err := url.Parse(raw)
		require.NoError(t, err)
		assert.Equal(t, want, IsSecure(u), raw)
	}
}
