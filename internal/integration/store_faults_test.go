package integration_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csoauthtest"
	"github.com/contentstack/csoauth/tokens"
	"github.com/contentstack/csoauth/tokens/pgstore"
	"github.com/contentstack/csoauth/tokens/redisstore"
)

// More by: go test -run TestStore -v -args -store-rounds=20
var storeRounds = flag.Int("store-rounds", 1, "how often a server dies at each moment, and a process at each point")

const (
	// faultLease is short, because what it makes others wait for happens here all the time. It is
	// long enough for a refresh on a busy machine.
	faultLease = 6 * time.Second
	// faultPatience ends a test that hangs. A busy machine needs only a part of it.
	faultPatience = 3 * time.Minute
)

// A storeKind is a kind of server that the faults happen to.
type storeKind struct {
	name  string
	start func(t testing.TB, settings ...string) *database
}

var storeKinds = []storeKind{
	{"redis", startRedis},
	{"postgres", startPostgres},
}

// sideBySide runs subtests side by side, more of them than there are processors: most of what they
// do is wait.
func sideBySide[T any](t *testing.T, rows []T, name func(T) string, test func(*testing.T, T)) {
	t.Helper()
	var all sync.WaitGroup
	for _, row := range rows {
		all.Go(func() { t.Run(name(row), func(t *testing.T) { test(t, row) }) })
	}
	all.Wait()
}

// until waits until something is so. The test's own goroutine asks, so that the question may fail
// the test.
func until(t *testing.T, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(faultPatience); !so(); time.Sleep(20 * time.Millisecond) {
		require.True(t, time.Now().Before(end), what)
	}
}

// A storeAt says how to open a store, also to another process.
type storeAt struct {
	Kind, Addr string
	Name       string         // of the table, or in the names of the hashes
	Params     string         // of PostgreSQL's URL
	Redis      *redis.Options `json:"-"` // nil: the defaults
	Conns      int            // the most at a time; 0: the default
}

// open returns the store, and what closes its client.
func (a storeAt) open() (s tokens.Store, end func() error, err error) {
	if a.Kind == "postgres" {
		db, err := sql.Open("pgx", fmt.Sprintf("postgres://postgres@%s/postgres?sslmode=disable&%s", a.Addr, a.Params))
		if err != nil {
			return nil, nil, err
		}
		db.SetMaxOpenConns(a.Conns)
		s, err := pgstore.New(db, &pgstore.Options{Table: a.Name})
		return s, db.Close, err
	}
	o := redis.Options{}
	if a.Redis != nil {
		o = *a.Redis
	}
	o.Addr, o.PoolSize = a.Addr, a.Conns
	rdb := redis.NewClient(&o)
	s, err = redisstore.New(rdb.Do, &redisstore.Options{Prefix: a.Name + ":"})
	return s, rdb.Close, err
}

// mustOpen is open for a test, at whose end the client is closed.
func (a storeAt) mustOpen(t *testing.T) tokens.Store {
	t.Helper()
	s, end, err := a.open()
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, end()) })
	return s
}

// A faultSite is a strict server, a front before it, and a store in which logins are.
type faultSite struct {
	server *csoauthtest.Server
	front  *tradeFront
	config *csoauth.Config // by way of the front
	at     storeAt
	store  tokens.Store // for the test's own eyes and hands
}

// newFaultSite returns a site in d, apart from others there. Access tokens live so long; 0 is an
// hour.
func newFaultSite(t *testing.T, d *database, kind, name string, lifetime time.Duration) *faultSite {
	t.Helper()
	// A process that is killed, cut off or stopped may have got a response, which then seems to be
	// used twice.
	server := csoauthtest.NewServer(t, &csoauthtest.Options{AccessTokenLifetime: lifetime, Allow: []string{"refresh-token-reused"}})
	s := &faultSite{server: server, front: newTradeFront(t, server.URL), at: storeAt{Kind: kind, Addr: d.addr, Name: name}}
	s.config = server.Config("http://localhost:8184/callback")
	s.config.Endpoints = map[csoauth.Region]csoauth.Endpoints{csoauth.NA: {App: s.front.base, ContentManagement: server.URL}}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	s.config.HTTPClient = &http.Client{Transport: transport, Timeout: 30 * time.Second}
	s.store = s.at.mustOpen(t)
	if pg, ok := s.store.(*pgstore.Store); ok {
		require.NoError(t, pg.Migrate(t.Context()))
	}
	return s
}

// logIn stores a new login for key.
func (s *faultSite) logIn(t *testing.T, key string) {
	t.Helper()
	direct := s.server.Config(s.config.RedirectURI) // the browser goes to the server, and the code to the front
	request, err := direct.NewAuthRequest(nil)
	require.NoError(t, err)
	token, err := s.config.Exchange(t.Context(), request, s.server.Callback(s.server.Browser(), direct.AuthorizeURL(request)))
	require.NoError(t, err)
	m := newManager(t, s.config, s.store, nil)
	require.NoError(t, m.Put(t.Context(), key, token))
	require.NoError(t, m.Close())
}

// manager returns a Manager over store that knows nothing yet.
func (s *faultSite) manager(t *testing.T, store tokens.Store) *tokens.Manager {
	t.Helper()
	return newManager(t, s.config, store, &tokens.Options{Lease: faultLease})
}

// A faultRecord is what a store holds for a key.
type faultRecord struct {
	token csoauth.Token
	seq   int64
	lease string
	raw   []byte
}

func readFaultRecord(t *testing.T, store tokens.Store, key string) (r faultRecord) {
	t.Helper()
	var j struct {
		Seq   int64           `json:"seq"`
		Lease string          `json:"lease"`
		Token json.RawMessage `json:"token"`
	}
	var err error
	r.raw, err = store.Load(t.Context(), key)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(r.raw, &j))
	require.NoError(t, r.token.UnmarshalBinary(j.Token))
	r.seq, r.lease = j.Seq, j.Lease
	return r
}

// leave rewrites the record of key so that so much is left of its access token, of an hour: who
// comes next has to refresh it.
func (s *faultSite) leave(t *testing.T, key string, left time.Duration) {
	t.Helper()
	rec := readFaultRecord(t, s.store, key)
	rec.token.Expiry = time.Now().Add(left)
	var members map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(rec.raw, &members))
	var err error
	members["token"], err = rec.token.MarshalBinary()
	require.NoError(t, err)
	members["lifetime_ms"] = json.RawMessage("3600000")
	next, err := json.Marshal(members)
	require.NoError(t, err)
	require.NoError(t, s.store.CompareAndSwap(t.Context(), key, rec.raw, next))
}

// expire lets the access token of key end.
func (s *faultSite) expire(t *testing.T, key string) { s.leave(t, key, -time.Minute) }

// status asks the API who the user of a token is.
func (s *faultSite) status(t *testing.T, token *csoauth.Token) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.server.URL+"/v3/user", nil)
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+token.AccessToken)
	resp, err := s.config.HTTPClient.Do(r)
	require.NoError(t, err)
	_, _ = io.Copy(io.Discard, resp.Body)
	require.NoError(t, resp.Body.Close())
	return resp.StatusCode
}

// askFor asks until there is a token or the login is over, and returns the failures on the way,
// none of which is a logout.
func askFor(ctx context.Context, m *tokens.Manager, key string) (token *csoauth.Token, failures []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, faultPatience)
	defer cancel()
	for {
		token, err = m.Token(ctx, key)
		if err == nil || csoauthLogout(err) || ctx.Err() != nil {
			return token, failures, err
		}
		failures = append(failures, err.Error())
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// aftermath finds out what has become of the login of key, and counts it: its access token ends,
// and a process that knows nothing refreshes it. A login that is over is lost in law M5's window if
// the front's log shows that what the store had was spent, or was sent again after that; otherwise
// it is the library's fault.
func (s *faultSite) aftermath(t *testing.T, count *faultCount, key string) {
	t.Helper()
	s.expire(t, key)
	stored := readFaultRecord(t, s.store, key).token.RefreshToken
	spent := s.front.spent(stored)
	m := s.manager(t, s.store)
	var err error
	until(t, "the API takes the token, or the login is over", func() bool {
		var token *csoauth.Token
		token, _, err = askFor(t.Context(), m, key) // one that lives three seconds may be over before it gets to the API
		return err != nil || s.status(t, token) == http.StatusOK
	})
	require.NoError(t, m.Close())
	switch {
	case err == nil:
		count.add(faultCount{alive: 1})
	case spent && csoauthLogout(err):
		count.add(faultCount{inWindow: 1})
	default:
		count.add(faultCount{otherwise: 1})
		assert.Fail(t, "a login is lost outside law M5's windows", "%s: %v", key, err)
	}
}

// A faultCount is what callers saw of a fault, and what became of the logins.
type faultCount struct {
	fault                                            string
	runs, served, failed, alive, inWindow, otherwise int
}

// A faultTable has a row for each fault. Its tests may run side by side.
type faultTable struct {
	mu   sync.Mutex
	rows []*faultCount
}

var faultTableMu sync.Mutex // of every row

func (k *faultTable) row(fault string) *faultCount {
	k.mu.Lock()
	defer k.mu.Unlock()
	count := &faultCount{fault: fault}
	k.rows = append(k.rows, count)
	return count
}

func (c *faultCount) add(more faultCount) {
	faultTableMu.Lock()
	defer faultTableMu.Unlock()
	c.runs += more.runs
	c.served += more.served
	c.failed += more.failed
	c.alive += more.alive
	c.inWindow += more.inWindow
	c.otherwise += more.otherwise
}

func (k *faultTable) String() string {
	var b strings.Builder
	const form = "\n%-76s %5v %7v %7v %6v %19v %15v"
	fmt.Fprintf(&b, form, "fault", "runs", "served", "failed", "alive", "lost in M5's window", "lost otherwise")
	slices.SortFunc(k.rows, func(a, b *faultCount) int { return strings.Compare(a.fault, b.fault) })
	for _, c := range k.rows {
		fmt.Fprintf(&b, form, c.fault, c.runs, c.served, c.failed, c.alive, c.inWindow, c.otherwise)
	}
	return b.String()
}
