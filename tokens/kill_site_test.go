package tokens_test

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csoauthtest"
	"github.com/contentstack/csoauth/internal/atomicfile"
	"github.com/contentstack/csoauth/tokens"
)

// A killSite is where processes die: a strict server, a front before it, and a directory of logins
// whose access tokens have ended, so that the next caller refreshes at once.
type killSite struct {
	server *csoauthtest.Server
	front  *killFront
	config *csoauth.Config // by way of the front
	dir    tokens.Dir
	keys   []string
}

func newKillSite(t *testing.T, keys int) *killSite {
	// A process that is killed may have got a response, which then seems to be used twice.
	server := csoauthtest.NewServer(t, &csoauthtest.Options{Allow: []string{"refresh-token-reused"}})
	s := &killSite{server: server, front: newKillFront(t, server.URL), dir: tokens.Dir(t.TempDir())}
	s.config = server.Config("http://localhost:8184/callback")
	s.config.Endpoints = map[csoauth.Region]csoauth.Endpoints{csoauth.NA: {App: s.front.URL, ContentManagement: server.URL}}
	// Connections of this process would keep the front from being quiet.
	s.config.HTTPClient = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for i := range keys {
		key := fmt.Sprintf("user/%d", i)
		s.keys = append(s.keys, key)
		s.put(t, key, s.logIn(t))
	}
	return s
}

// site is what another process is told.
func (s *killSite) site() processSite { return processSiteOf(s.config, s.dir, s.keys) }

// manager returns one that knows nothing yet, as that of a process which has just begun.
func (s *killSite) manager(t *testing.T) (m *tokens.Manager, end func()) {
	m = newManager(s.config, s.dir, nil)
	return m, func() { require.NoError(t, m.Close()) }
}

// logIn returns the token of a new login. The browser goes to the server, and the code to the
// front.
func (s *killSite) logIn(t *testing.T) *csoauth.Token {
	direct := s.server.Config(s.config.RedirectURI)
	request, err := direct.NewAuthRequest(nil)
	require.NoError(t, err)
	token, err := s.config.Exchange(t.Context(), request, s.server.Callback(s.server.Browser(), direct.AuthorizeURL(request)))
	require.NoError(t, err)
	return token
}

// put stores token as one whose access token has ended.
func (s *killSite) put(t *testing.T, key string, token *csoauth.Token) {
	m, end := s.manager(t)
	defer end()
	require.NoError(t, m.Put(t.Context(), key, killExpired(token)))
}

// expireAll lets every access token in the directory end.
func (s *killSite) expireAll(t *testing.T) {
	for _, key := range s.keys {
		token := readStoredOf(t, s.dir, key).token
		s.put(t, key, &token)
	}
}

// aftermath is what the next process finds and does for each key: the file is whole, no lock is
// left, and the login is alive, unless the server has traded the refresh token that is in the
// directory, and so the new one never came there.
func (s *killSite) aftermath(t *testing.T, count *killCount) {
	t.Helper()
	count.kills++
	m, end := s.manager(t)
	defer end()
	for _, key := range s.keys {
		before := s.front.count()
		rec := readStoredOf(t, s.dir, key)
		lost := s.front.spent(rec.token.RefreshToken)
		count.logins++
		if rec.lease != "" {
			count.leased++
		}
		s.requireUnlocked(t, key, rec.raw)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		token, err := m.Token(ctx, key)
		cancel()
		assert.LessOrEqual(t, s.front.count()-before, 1, "the next process asks once")
		switch {
		case lost && assert.ErrorIs(t, err, csoauth.ErrLoginRequired):
			assert.NotEmpty(t, rec.lease, "the next process can see that a refresh had begun")
			count.inWindow++
			s.put(t, key, s.logIn(t))
		case !lost && assert.NoError(t, err) && assert.Equal(t, http.StatusOK, s.status(t, token)):
			count.alive++
		default:
			count.otherwise++
			s.put(t, key, s.logIn(t))
		}
	}
	left, err := filepath.Glob(filepath.Join(string(s.dir), "*"+atomicfile.Suffix))
	require.NoError(t, err)
	require.Empty(t, left, "temporary files that the swap of requireUnlocked did not replace")
}

// requireUnlocked fails if the dead process has left something in the way: a key's lock, or the
// lock or temporary file of a swap.
func (s *killSite) requireUnlocked(t *testing.T, key string, raw []byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	unlock, err := s.dir.Lock(ctx, key)
	require.NoError(t, err, "a stale lock")
	defer unlock()
	require.NoError(t, s.dir.CompareAndSwap(ctx, key, raw, append(raw, ' ')), "a stale lock of a swap") // a space changes no record
}

// status asks the API who the user of a token is.
func (s *killSite) status(t *testing.T, token *csoauth.Token) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.server.URL+"/v3/user", nil)
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+token.AccessToken)
	resp, err := s.config.HTTPClient.Do(r)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp.StatusCode
}

// A killCount is what became of the logins that dead processes had at work.
type killCount struct {
	name                                       string
	kills                                      int
	logins, leased, alive, inWindow, otherwise int
}

// A killTable has a row for each point.
type killTable []*killCount

func (k *killTable) row(name string) *killCount {
	count := &killCount{name: name}
	*k = append(*k, count)
	return count
}

func (k *killTable) String() string {
	var b strings.Builder
	const form = "\n%-32s %6v %7v %11v %6v %19v %15v"
	fmt.Fprintf(&b, form, "point", "kills", "logins", "lease found", "alive", "lost in M5's window", "lost otherwise")
	all := killCount{name: "all"}
	for _, c := range append(*k, &all) {
		fmt.Fprintf(&b, form, c.name, c.kills, c.logins, c.leased, c.alive, c.inWindow, c.otherwise)
		all.kills += c.kills
		all.logins += c.logins
		all.leased += c.leased
		all.alive += c.alive
		all.inWindow += c.inWindow
		all.otherwise += c.otherwise
	}
	return b.String()
}
