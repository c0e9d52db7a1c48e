package tokens_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csoauthtest"
	"github.com/contentstack/csoauth/tokens"
)

// The crowd: so many processes use the same logins, until the access token of each was replaced so often.
const (
	crowdProcesses = 8
	crowdKeys      = 50
	crowdRotations = 4
	crowdLifetime  = 3 * time.Second
	crowdPatience  = 40 * time.Second
)

// A crowdReport is what one process of the crowd has seen, and each failure how often.
type crowdReport struct {
	Tokens, Calls int
	Failures      map[string]int
}

// TestCrowdRefreshesEachLoginOnce has a server that ends a login when a refresh token comes a second time, and processes that
// share nothing but a directory.
func TestCrowdRefreshesEachLoginOnce(t *testing.T) {
	server := csoauthtest.NewServer(t, &csoauthtest.Options{AccessTokenLifetime: crowdLifetime, Users: crowdUsers()})
	config := server.Config("http://localhost:8184/callback")
	dir := tokens.Dir(t.TempDir())
	keys, before := crowdLogsIn(t, server, config, dir)
	crowdWorks(t, server, processSiteOf(config, dir, keys))

	posts, refused := crowdPosts(server)
	require.Empty(t, refused)
	rotations := 0
	for _, key := range keys {
		after := readStoredOf(t, dir, key)
		rotations += len(posts[key])
		assert.GreaterOrEqual(t, len(posts[key]), crowdRotations, key)
		assert.EqualValues(t, after.seq-before[key], len(posts[key]), "%s: as many POSTs as new tokens", key)
		assert.Empty(t, after.mark, "%s: nobody left a mark", key)
		for i := 1; i < len(posts[key]); i++ {
			pause := posts[key][i].Sub(posts[key][i-1])
			assert.Greater(t, pause, crowdLifetime/2, "%s: one POST for each token that nears its end", key)
		}
		_, err := config.Refresh(t.Context(), &after.token)
		assert.NoError(t, err, "%s: the directory has the refresh token that is good", key)
	}
	t.Logf("%d refreshes, each of a token that neared its end; none refused", rotations)
}

// crowdWorks lets the processes loose until every login was refreshed so often, and fails if one of them got a token that
// did not work.
func crowdWorks(t *testing.T, server *csoauthtest.Server, s processSite) {
	t.Helper()
	began := time.Now()
	var crowd []*process
	for range crowdProcesses {
		p := startProcess(t, "crowd")
		p.tell(s)
		crowd = append(crowd, p)
	}
	require.Eventually(t, func() bool {
		posts, refused := crowdPosts(server)
		return len(refused) > 0 || !slices.ContainsFunc(s.Keys, func(key string) bool { return len(posts[key]) < crowdRotations })
	}, crowdPatience, 50*time.Millisecond, "each login is refreshed %d times", crowdRotations)
	for _, p := range crowd {
		p.stop()
	}
	var sum crowdReport
	for _, p := range crowd {
		var report crowdReport
		p.hear(&report)
		p.wait()
		assert.True(t, p.cmd.ProcessState.Success())
		assert.Empty(t, report.Failures)
		assert.Positive(t, report.Calls)
		sum.Tokens += report.Tokens
		sum.Calls += report.Calls
	}
	again := 0
	for _, r := range server.Requests() {
		if r.Path == "/v3/user" && r.Status == http.StatusUnauthorized {
			again++
		}
	}
	t.Logf("%d processes, %d keys, %v: %d tokens handed out; %d API calls, %d of them sent again because another process had just refreshed",
		crowdProcesses, len(s.Keys), time.Since(began).Round(time.Millisecond), sum.Tokens, sum.Calls, again)
}

// crowdUsers are one user for each key, named like it, so that the server's log tells their logins apart.
func crowdUsers() (users []csoauthtest.User) {
	for i := range crowdKeys {
		users = append(users, csoauthtest.User{
			UID: fmt.Sprintf("user-%02d", i), Organizations: []csoauthtest.Organization{{UID: "org", Name: "Org"}},
		})
	}
	return users
}

// crowdLogsIn logs every user in and puts the tokens into dir. It returns the keys and the seq of each record.
func crowdLogsIn(t *testing.T, server *csoauthtest.Server, c *csoauth.Config, dir tokens.Dir) (keys []string, seqs map[string]int64) {
	m := tokens.New(c, dir, nil)
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

// crowdPosts returns when each login was refreshed, by its user, and the refreshes that were refused.
func crowdPosts(server *csoauthtest.Server) (granted map[string][]time.Time, refused []string) {
	granted = map[string][]time.Time{}
	for _, r := range server.Requests() {
		switch user := r.Answer["user_uid"]; {
		case r.Params["grant_type"] != "refresh_token" || r.Status == 0: // or not decided yet
		case r.Status == http.StatusOK:
			granted[user] = append(granted[user], r.Time)
		default:
			refused = append(refused, r.String())
		}
	}
	return granted, refused
}

// childOfCrowd asks for tokens of random keys without a pause, and calls the API with one now and then.
func childOfCrowd() {
	var s processSite
	ctx := toldToProcess(&s)
	m := tokens.New(s.config(), s.Dir, nil)
	report := crowdReport{Failures: map[string]int{}}
	var mu sync.Mutex
	fail := func(why string) {
		mu.Lock()
		defer mu.Unlock()
		report.Failures[why]++
	}
	var taken atomic.Int64
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() { taken.Add(s.takeTokens(ctx, m, fail)) })
	}
	report.Calls = s.callAPI(ctx, m, fail)
	all.Wait()
	report.Tokens = int(taken.Load())
	if err := m.Close(); err != nil {
		fail(err.Error())
	}
	processSays(report)
}

// takeTokens returns how many tokens it asked for.
func (s processSite) takeTokens(ctx context.Context, m *tokens.Manager, fail func(why string)) (n int64) {
	for ; ctx.Err() == nil; n++ {
		key := s.Keys[rand.N(len(s.Keys))]
		asked := time.Now()
		token, err := m.Token(context.Background(), key)
		switch {
		case err != nil:
			fail(key + ": " + err.Error())
		case token.UserUID != key:
			fail(key + ": the token is of " + token.UserUID)
		case !asked.Before(token.Expiry):
			fail(key + ": the token had expired")
		}
	}
	return n
}

// callAPI calls the API as programs do, and returns how often. The server forgets an access token when it is replaced, so a call
// may get a 401, which the Client mends.
func (s processSite) callAPI(ctx context.Context, m *tokens.Manager, fail func(why string)) (n int) {
	for pause := time.NewTicker(50 * time.Millisecond); ; n++ {
		select {
		case <-ctx.Done():
			return n
		case <-pause.C:
		}
		key := s.Keys[rand.N(len(s.Keys))]
		resp, err := m.Client(key).Get(s.API + "/v3/user")
		if err != nil {
			fail(key + ": " + err.Error())
			continue
		}
		_ = resp.Body.Close() // only the status counts
		if resp.StatusCode != http.StatusOK {
			fail(key + ": the API answered " + resp.Status)
		}
	}
}
