package csoauthtest_test

import (
	"fmt"
	"net/http"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csoauthtest"
	_ "github.com/contentstack/csoauth/internal/offline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const callbackURI = "http://localhost:8184/callback"

// A failedTest is a testing.TB that keeps its failures to itself; all else is the real test's.
type failedTest struct {
	testing.TB

	mu     sync.Mutex
	failed []string
}

func (f *failedTest) Errorf(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failed = append(f.failed, fmt.Sprintf(format, args...))
}

// Fatalf ends the goroutine, as that of a real test does.
func (f *failedTest) Fatalf(format string, args ...any) {
	f.Errorf(format, args...)
	runtime.Goexit()
}

// failures runs test as a test of its own and returns what it failed with.
func failures(t *testing.T, test func(tb testing.TB)) []string {
	f := &failedTest{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		test(f)
	}()
	<-done
	return f.failed
}

// userStatus asks the API with a token who its user is.
func userStatus(t *testing.T, c *csoauth.Config, token *csoauth.Token) int {
	hosts, err := c.EndpointsFor(token)
	require.NoError(t, err)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, hosts.ContentManagement+"/v3/user", nil)
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+token.AccessToken)
	resp, err := c.HTTPClient.Do(r)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp.StatusCode
}

// begin returns a new attempt and its authorize URL.
func begin(t *testing.T, c *csoauth.Config) (*csoauth.AuthRequest, string) {
	r, err := c.NewAuthRequest(nil)
	require.NoError(t, err)
	return r, c.AuthorizeURL(r)
}

// twoApps are a public app and a confidential one.
func twoApps() *csoauthtest.Options {
	return &csoauthtest.Options{Apps: []csoauthtest.App{
		{UID: "public-app", ClientID: "public-client", AllowPKCE: true, Scopes: []string{"user:read"}},
		{UID: "secret-app", ClientID: "secret-client", ClientSecret: "s3cr3t", Scopes: []string{"user:read"}},
	}}
}
