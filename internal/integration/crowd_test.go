package integration_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

// A bigger crowd, one at a time:
//
//	go test -run Crowd -v -parallel=1 -args -crowd-processes=6 -crowd-keys=60 \
//		-crowd-rotations=5 -crowd-lifetime=5s
var (
	crowdProcesses = flag.Int("crowd-processes", 3, "how many processes use the same logins")
	crowdKeys      = flag.Int("crowd-keys", 20, "how many logins there are")
	crowdRotations = flag.Int("crowd-rotations", 2, "how often the access token of each login is replaced")
	crowdLifetime  = flag.Duration("crowd-lifetime", 3*time.Second, "how long an access token lives")
)

const (
	crowdAnswer  = 200 * time.Millisecond // how long a refresh takes: others find it due meanwhile
	crowdCallers = 4                      // in each process
	crowdPause   = 100 * time.Millisecond // between two tokens of one key to one caller
	crowdAgain   = 10                     // users log in again while the crowd is at work
	// crowdPatience ends a test that hangs. A busy machine needs only a part of it.
	crowdPatience = 5 * time.Minute
)

// TestCrowdRefreshesEachLoginOnce: each of these servers ends a login when a refresh token comes a
// second time. The processes share nothing but a store.
//
// Law: M3
func TestCrowdRefreshesEachLoginOnce(t *testing.T) {
	t.Parallel()
	for _, store := range sharedStores {
		for _, server := range servers {
			if store.name != "dir" && server.name == "fosite" {
				continue // the stores do not see the server: one that others wrote is enough
			}
			t.Run(store.name+" and "+server.name, func(t *testing.T) {
				t.Parallel()
				f := newFront(t, server.start(t, *crowdLifetime))
				crowdWorks(t, f, store.start(t))
			})
		}
	}
}

// crowdWorks lets the processes use the logins in a store, and some users log in again meanwhile.
func crowdWorks(t *testing.T, f *front, storeText string) {
	store, closeStore, err := openSealed(t.Context(), storeText, nil)
	require.NoError(t, err)
	defer func() { assert.NoError(t, closeStore()) }()
	config := f.config(publicApp)
	w := &crowdWork{front: f, t: t, config: config, store: store, manager: newManager(t, config, store, nil), firsts: map[string][]string{}}
	defer func() { assert.NoError(t, w.manager.Close()) }()
	var keys []string
	for i := range *crowdKeys {
		keys = append(keys, fmt.Sprintf("user/%d", i))
	}
	w.putLogins(keys)

	f.slowDown(crowdAnswer)
	began := time.Now()
	w.start(crowdPlan{f.URL, config.AppUID, config.ClientID, config.RedirectURI, storeText, keys})
	w.awaitRenewals(keys, *crowdRotations)
	w.putLogins(keys[:crowdAgain])
	w.awaitRenewals(keys[:crowdAgain], 1)
	took := time.Since(began)
	handedOut, passing := w.stop()
	f.slowDown(0)

	posts := w.assertOnePostForEachToken()
	w.assertLoginsGoOn()
	t.Logf("%d processes, %d users, %v: %d refreshes, %d tokens handed out; passing failures: %v",
		*crowdProcesses, *crowdKeys, took.Round(time.Millisecond), posts, handedOut, passing)
}

// A crowdWork is a crowd at work.
type crowdWork struct {
	*front
	t         *testing.T
	config    *csoauth.Config
	store     tokens.Store
	manager   *tokens.Manager
	processes []*child

	firsts map[string][]string // the refresh tokens that came with the logins of each key, the newest last
}

// putLogins lets the users log in.
func (w *crowdWork) putLogins(keys []string) {
	for _, key := range keys {
		token := w.logIn(w.t, w.config, nil)
		w.firsts[key] = append(w.firsts[key], token.RefreshToken)
		require.NoError(w.t, w.manager.Put(w.t.Context(), key, token))
	}
}

func (w *crowdWork) start(plan crowdPlan) {
	for range *crowdProcesses {
		p := startChild(w.t, "crowd")
		p.tell(plan)
		w.processes = append(w.processes, p)
	}
}

// stop ends the processes. It returns how many tokens they handed out, and the failures that a
// busy machine explains.
func (w *crowdWork) stop() (handedOut int, passing map[string]int) {
	for _, p := range w.processes {
		p.stop()
	}
	passing = map[string]int{}
	for _, p := range w.processes {
		var report crowdReport
		p.hear(&report)
		p.wait()
		assert.Empty(w.t, report.Wrong, "passing failures beside it: %v", report.Passing)
		handedOut += report.Tokens
		for failure, n := range report.Passing {
			passing[failure] += n
		}
	}
	return handedOut, passing
}

// awaitRenewals waits until the newest login of each key was refreshed so often.
func (w *crowdWork) awaitRenewals(keys []string, often int) {
	w.t.Helper()
	assert.Eventually(w.t, func() bool {
		for _, key := range keys {
			firsts := w.firsts[key]
			if renewals, _ := w.renewalsOf(firsts[len(firsts)-1]); renewals < often {
				return false
			}
		}
		return true
	}, crowdPatience, 50*time.Millisecond, "each login is refreshed %d times; if not, the reports of the processes tell why", often)
}

// assertOnePostForEachToken checks that each refresh token was sent once, and brought the next
// one. It returns how many were sent.
func (w *crowdWork) assertOnePostForEachToken() (posts int) {
	renewed := 0
	for _, firsts := range w.firsts {
		for _, first := range firsts {
			renewals, _ := w.renewalsOf(first)
			renewed += renewals
		}
	}
	posts = w.assertNoTokenTwice(w.t)
	assert.Equal(w.t, renewed, posts, "each POST brought the next token of one of the logins")
	return posts
}

// assertLoginsGoOn checks that the store has the refresh token of each login that the server takes.
func (w *crowdWork) assertLoginsGoOn() {
	for key, firsts := range w.firsts {
		_, last := w.renewalsOf(firsts[len(firsts)-1])
		stored := readStored(w.t, w.store, key)
		assert.Equal(w.t, last, stored.RefreshToken, "%s: the store has the refresh token that came last", key)
		refresh(w.t, w.config, &stored)
	}
}

// assertNoTokenTwice checks that no refresh token was sent twice, and returns how many were sent.
func (f *front) assertNoTokenTwice(t *testing.T) (sent int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	seen := map[string]bool{}
	for _, form := range f.posts {
		if form.Get("grant_type") == "refresh_token" {
			assert.False(t, seen[form.Get("refresh_token")], "a refresh token was sent twice")
			seen[form.Get("refresh_token")] = true
			sent++
		}
	}
	return sent
}

// readStored reads the token in the record that the Manager keeps for key, and checks that nobody
// left a lease on it.
func readStored(t *testing.T, store tokens.Store, key string) (token csoauth.Token) {
	t.Helper()
	raw, err := store.Load(t.Context(), key)
	require.NoError(t, err)
	var record struct {
		Lease string          `json:"lease"`
		Token json.RawMessage `json:"token"`
	}
	require.NoError(t, json.Unmarshal(raw, &record))
	assert.Empty(t, record.Lease, "%s: nobody left a lease", key)
	require.NoError(t, token.UnmarshalBinary(record.Token))
	return token
}
