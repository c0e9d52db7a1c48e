package integration_test

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A pythonClient sends what Contentstack's Python client, contentstack-management 1.11, sends. It
// stands in for that client because these tests install no Python. Its own oddities are
//
//   - a code verifier of 128 random bytes, which are 171 characters,
//   - the query behind the # of the authorize URL,
//   - no state and no scope, although it takes both,
//   - app_id in the forms,
//   - the access token that it has, in an Authorization header at the token endpoint,
//   - no redirect_uri at a refresh,
//   - no PKCE if it has a secret.
type pythonClient struct {
	t        *testing.T
	base     string
	secret   string
	verifier string
	tokens   struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	http *http.Client
}

func newPythonClient(t *testing.T, c *contentstack, withSecret bool) *pythonClient {
	p := &pythonClient{t: t, base: c.app, http: &http.Client{Transport: c.transport}}
	if withSecret {
		p.secret = otherApp.ClientSecret
		return p
	}
	random := make([]byte, 128)
	rand.Read(random)
	p.verifier = base64.RawURLEncoding.EncodeToString(random)
	require.Len(t, p.verifier, 171)
	return p
}

func (p *pythonClient) authorizeURL() (string, error) {
	q := url.Values{"response_type": {"code"}, "client_id": {otherApp.ClientID}, "redirect_uri": {otherApp.RedirectURIs[0]}}
	if p.verifier != "" {
		hash := sha256.Sum256([]byte(p.verifier))
		q.Set("code_challenge", base64.RawURLEncoding.EncodeToString(hash[:]))
		q.Set("code_challenge_method", "S256")
	}
	return p.base + "/#!/apps/" + otherApp.UID + "/authorize?" + q.Encode(), nil
}

func (p *pythonClient) callback(q url.Values) error {
	form := url.Values{"grant_type": {"authorization_code"}, "code": {q.Get("code")}, "redirect_uri": {otherApp.RedirectURIs[0]}}
	if p.verifier != "" {
		form.Set("code_verifier", p.verifier)
	}
	return p.getTokens(form)
}

func (p *pythonClient) refresh(extra map[string]string) error {
	require.Empty(p.t, extra, "it has no way to add parameters")
	return p.getTokens(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {p.tokens.Refresh}})
}

func (p *pythonClient) getTokens(form url.Values) error {
	form.Set("client_id", otherApp.ClientID)
	form.Set("app_id", otherApp.UID)
	if p.secret != "" {
		form.Set("client_secret", p.secret)
	}
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.base+"/token", strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return p.do(req, &p.tokens)
}

func (p *pythonClient) user() (uid string, err error) {
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.base+"/v3/user", nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	var body struct{ User struct{ UID string } }
	err = p.do(req, &body)
	return body.User.UID, err
}

func (p *pythonClient) do(req *http.Request, body any) error {
	req.Header.Set("Accept", "application/json")
	if p.tokens.Access != "" {
		req.Header.Set("Authorization", "Bearer "+p.tokens.Access)
	}
	resp, err := p.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("python: %s %s: %s", req.Method, req.URL.Path, resp.Status)
	}
	return json.NewDecoder(resp.Body).Decode(body)
}
