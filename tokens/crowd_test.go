package tokens_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csoauthtest"
	"github.com/contentstack/csoauth/tokens"
)

// A bigger crowd: go test ./tokens -run Crowd -v -args -crowd-processes=8 -crowd-keys=50
// -crowd-rotations=20
var (
	crowdProcesses = flag.Int("crowd-processes", 4, "how many processes use the same logins")
	crowdKeys      = flag.Int("crowd-keys", 20, "how many logins there are")
	crowdRotations = flag.Int("crowd-rotations", 2, "how often the access token of each login is replaced before the test ends")
)

const (
	crowdLifetime = 3 * time.Second
	// crowdPatience ends a test that hangs. A busy machine needs only a part of it.
	crowdPatience = 5 * time.Minute
)

// A crowdReport is what one process of the crowd has seen.
type crowdReport struct {
	Tokens, Calls int
	Wrong         map[string]int // what must not happen on any machine, and how often it did
	Passing       map[string]int // failures that a process may see which gets too little of the processor
}

// TestCrowdRefreshesEachLoginOnce has a server that ends a login when a refresh token comes a
// second time, and processes that share nothing but a directory.
//
// Law: M3
func TestCrowdRefreshesEachLoginOnce(t *testing.T) {
	t.Parallel()
	server := csoauthtest.NewServer(t, &csoauthtest.Options{
		AccessTokenLifetime: crowdLifetime, Users: crowdUsers(), Allow: []string{"refresh-token-reused"}, // which the test counts itself
	})
	config := server.Config("http://localhost:8184/callback")
	dir := tokens.Dir(t.TempDir())
	keys, before := crowdLogsIn(t, server, config, dir)
	crowdWorks(t, server, processSiteOf(config, dir, keys))

	posts, refused := crowdPosts(server)
	require.Empty(t, refused)
	rotations := 0
	for _, key := range keys {
		after := readStoredOf(t, dir, key)
		rotations += posts[key]
		assert.GreaterOrEqual(t, posts[key], rounds(*crowdRotations), key)
		assert.EqualValues(t, after.seq-before[key], posts[key], "%s: as many POSTs as new tokens", key)
		assert.Empty(t, after.lease, "%s: nobody left a lease", key)
		_, err := config.Refresh(t.Context(), &after.token)
		assert.NoError(t, err, "%s: the directory has the refresh token that is good", key)
	}
	t.Logf("%d refreshes; none refused", rotations)
}

// crowdWorks lets the processes loose until every login was refreshed so often. It fails if one of
// them saw the end of a login, got a token that was over or another user's, or could not get a
// token of each login in the end.
func crowdWorks(t *testing.T, server *csoauthtest.Server, s processSite) {
	t.Helper()
	began := time.Now()
	var crowd []*process
	for range *crowdProcesses {
		p := startProcess(t, "crowd")
		p.tell(s)
		crowd = append(crowd, p)
	}
	assert.Eventually(t, func() bool {
		posts, refused := crowdPosts(server)
		return len(refused) > 0 || !slices.ContainsFunc(s.Keys, func(key string) bool { return posts[key] < rounds(*crowdRotations) })
	}, crowdPatience, 50*time.Millisecond, "each login is refreshed %d times; if not, the reports of the processes tell why", rounds(*crowdRotations))
	for _, p := range crowd {
		p.stop()
	}
	sum := crowdReport{Passing: map[string]int{}}
	for _, p := range crowd {
		var report crowdReport
		p.hear(&report)
		p.wait()
		assert.True(t, p.cmd.ProcessState.Success())
		assert.Empty(t, report.Wrong, "passing failures beside it: %v", report.Passing)
		assert.Positive(t, report.Calls)
		sum.Tokens += report.Tokens
		sum.Calls += report.Calls
		for failure, n := range report.Passing {
			sum.Passing[failure] += n
		}
	}
	t.Logf("%d processes, %d keys, %v: %d tokens handed out, %d API calls; passing failures: %v",
		*crowdProcesses, len(s.Keys), time.Since(began).Round(time.Millisecond), sum.Tokens, sum.Calls, sum.Passing)
}

// crowdUsers are one user for each key, named like it, so that the server's log tells their logins
// apart.
func crowdUsers() (users []csoauthtest.User) {
	for i := range *crowdKeys {
		users = append(users, csoauthtest.User{
			UID: fmt.Sprintf("user-%02d", i), Organizations: []csoauthtest.Organization{{UID: "org", Name: "Org"}},
		})
	}
	return users
}

// crowdLogsIn logs every user in and puts the tokens into dir. It returns the keys and the seq of
// each record.
func crowdLogsIn(t *testing.T, server *csoauthtest.Server, c *csoauth.Config, dir tokens.Dir) (keys []string, seqs map[string]int64) {
	m := newManager(c, dir, nil)
	seqs = map[string]int64{}
	for _, user := range crowdUsers() {
		request, err := c.NewAuthRequest(nil)
		require.NoError(t, err)
		callback := server.Callback(server.BrowserOf(csoauthtest.Visitor{UserUID: user.UID}), c.AuthorizeURL(request))
		token, err := c.Exchange(t.Context(), request, callback)
		require.NoError(t, err)
		require.NoError(t, m.Put(t.Context(), user.UID, token))
		keys = append(keys, user.UID)
		seqs[user.UID] = readStoredOf(t, dir, user.UID).seq
	}
	require.NoError(t, m.Close())
	return keys, seqs
}

// crowdPosts returns how often each login was refreshed, by its user, and the refreshes that were
// refused.
func crowdPosts(server *csoauthtest.Server) (granted map[string]int, refused []string) {
	granted = map[string]int{}
	for _, r := range server.Requests() {
		switch user := r.Answer["user_uid"]; {
		case r.Params["grant_type"] != "refresh_token" || r.Status == 0: // or not decided yet
		case r.Status == http.StatusOK:
			granted[user]++
		default:
			refused = append(refused, r.String())
		}
	}
	return granted, refused
}

// A crowdMember is one process of the crowd.
type crowdMember struct {
	processSite
	manager *tokens.Manager

	mu     sync.Mutex
	report crowdReport
}

// childOfCrowd asks for tokens of random keys, and calls the API with one now and then. Told to
// stop, it asks for each once more.
func childOfCrowd() {
	c := crowdMember{report: crowdReport{Wrong: map[string]int{}, Passing: map[string]int{}}}
	ctx := toldToProcess(&c.processSite)
	c.manager = newManager(c.config(), c.Dir, nil)
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() { c.takeTokens(ctx) })
	}
	c.callAPI(ctx)
	all.Wait()
	for _, key := range c.Keys {
		c.takeAtLast(key)
	}
	if err := c.manager.Close(); err != nil {
		c.wrong(err.Error())
	}
	processSays(&c.report)
}

func (c *crowdMember) wrong(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.report.Wrong[what]++
}

// failed notes why there was no token. The login is alive, so anything else than its end may be
// the machine's doing.
func (c *crowdMember) failed(key string, err error) {
	if errors.Is(err, csoauth.ErrLoginRequired) {
		c.wrong(key + ": " + err.Error())
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.report.Passing[err.Error()]++
}

// take asks for a token of key, and reports whether there was one.
func (c *crowdMember) take(key string) bool {
	asked := time.Now()
	token, err := c.manager.Token(context.Background(), key)
	if err != nil {
		c.failed(key, err)
		return false
	}
	if token.UserUID != key {
		c.wrong(key + ": the token is of " + token.UserUID)
	}
	if !asked.Before(token.Expiry) {
		c.wrong(key + ": the token had expired")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.report.Tokens++
	return true
}

func (c *crowdMember) takeTokens(ctx context.Context) {
	for pause := time.NewTicker(2 * time.Millisecond); ; {
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
			c.take(c.Keys[rand.N(len(c.Keys))])
		}
	}
}

// takeAtLast asks until there is a token.
func (c *crowdMember) takeAtLast(key string) {
	for end := time.Now().Add(crowdPatience); !c.take(key); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			c.wrong(key + ": no token any more")
			return
		}
	}
}

// callAPI calls the API as programs do. The server forgets an access token when it is replaced, so
// a call may get a 401. The Client fixes that once a minute for each login; a second one comes
// back.
func (c *crowdMember) callAPI(ctx context.Context) {
	for pause := time.NewTicker(50 * time.Millisecond); ; {
		select {
		case <-ctx.Done():
			return
		case <-pause.C:
		}
		key := c.Keys[rand.N(len(c.Keys))]
		resp, err := c.manager.For(key).Client().Get(c.API + "/v3/user")
		if err != nil {
			c.failed(key, err)
			continue
		}
		_ = resp.Body.Close() // only the status counts
		if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusUnauthorized {
			c.wrong(key + ": the API responded with " + resp.Status)
		}
		c.mu.Lock()
		c.report.Calls++
		c.mu.Unlock()
	}
}
