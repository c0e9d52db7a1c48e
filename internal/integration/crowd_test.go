package integration_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csoauthtest"
	"github.com/contentstack/csoauth/tokens"
)

// A crowd is so many processes that use the same logins, until the access token of each was replaced so often.
type crowd struct {
	processes, keys, rotations int
	lifetime                   time.Duration // of an access token
}

var (
	bigCrowd    = crowd{6, 200, 5, 5 * time.Second}
	denseCrowd  = crowd{8, 50, 4, 3 * time.Second}
	littleCrowd = crowd{3, 20, 3, 3 * time.Second}
)

const (
	crowdAnswer  = 200 * time.Millisecond // how long a refresh takes: others find it due meanwhile
	crowdCallers = 8                      // in each process
	crowdPause   = 100 * time.Millisecond // between two tokens of one key to one caller
	crowdRecheck = time.Second            // Options.Recheck
	crowdGrace   = 5 * time.Second / 2    // beyond that, for a machine with other things to do
	crowdAgain   = 10                     // users log in again while the crowd is at work
	crowdSlack   = 30 * time.Second
)

// TestCrowdRefreshesEachLoginOnce: each of these servers ends a login when a refresh token comes a second time. The processes share
// nothing but a store.
func TestCrowdRefreshesEachLoginOnce(t *testing.T) {
	t.Parallel()
	for _, store := range sharedStores {
		for _, server := range servers {
			size := littleCrowd
			switch {
			case store.name == "dir":
				size = denseCrowd
			case server.name == "fosite":
				continue // the stores do not see the server: one that others wrote is enough
			}
			t.Run(store.name+" and "+server.name, func(t *testing.T) {
				t.Parallel()
				f := newFront(t, server.start(t, size.lifetime))
				c := f.config(publicApp)
				size.works(t, store.start(t), crowdSite{f, c, func() *csoauth.Token { return f.logIn(t, c, nil) }})
			})
		}
	}
}

// TestBigCrowdRefreshesEachLoginOnce runs with nothing beside it: on two cores, it is as much as they can do within the life of a token.
func TestBigCrowdRefreshesEachLoginOnce(t *testing.T) {
	for _, store := range sharedStores {
		t.Run(store.name, func(t *testing.T) { bigCrowd.works(t, store.start(t), emulatedSite(t, bigCrowd.lifetime)) })
	}
}

// A crowdSite is a server, what processes know of it, and how a user gets in.
type crowdSite struct {
	*front
	config *csoauth.Config
	logIn  func() *csoauth.Token
}

// emulatedSite is the emulator, as package csoauthtest has it. Its pages pass the front by, and all tokens go through it.
func emulatedSite(t *testing.T, lifetime time.Duration) crowdSite {
	server := csoauthtest.NewServer(t, &csoauthtest.Options{AccessTokenLifetime: lifetime})
	f := newFront(t, server.URL)
	direct := server.Config(publicApp.redirectURI)
	c := f.config(app{clientID: direct.ClientID, redirectURI: direct.RedirectURI})
	c.AppUID = direct.AppUID
	return crowdSite{f, c, func() *csoauth.Token {
		request, err := c.NewAuthRequest(nil)
		require.NoError(t, err)
		page := strings.Replace(c.AuthorizeURL(request), f.URL, server.URL, 1) // csoauthtest's browser knows no other
		token, err := c.Exchange(t.Context(), request, server.Callback(server.Browser(), page))
		require.NoError(t, err)
		return token
	}}
}

// works lets the crowd work at the site with that store, and some users log in again meanwhile.
func (size crowd) works(t *testing.T, storeText string, site crowdSite) {
	store, closeStore, err := openSealed(t.Context(), storeText, nil)
	require.NoError(t, err)
	defer func() { assert.NoError(t, closeStore()) }()
	w := &crowdWork{crowd: size, crowdSite: site, t: t, store: store, manager: tokens.New(site.config, store, nil),
		firsts: map[string][]string{}, seen: sightings{}}
	defer func() { assert.NoError(t, w.manager.Close()) }()
	var keys []string
	for i := range size.keys {
		keys = append(keys, fmt.Sprintf("user/%d", i))
	}
	w.putLogins(keys)

	site.slowDown(crowdAnswer)
	began := time.Now()
	w.start(crowdPlan{site.URL, site.config.AppUID, site.config.ClientID, site.config.RedirectURI, storeText, keys})
	deadline := began.Add(time.Duration(size.rotations+1)*size.lifetime + crowdSlack)
	w.awaitRenewals(keys, size.rotations, deadline)
	w.putLogins(keys[:crowdAgain])
	w.awaitRenewals(keys[:crowdAgain], 1, deadline)
	took := time.Since(began)
	handedOut := w.stop()
	site.slowDown(0)

	posts := w.assertOnePostForEachToken()
	late := w.seen.latest()
	assert.Less(t, late, crowdRecheck+crowdGrace, "a process handed out a token that another had replaced so long before")
	w.assertLoginsGoOn()
	t.Logf("%d processes, %d users, %v: %d refreshes, %d tokens handed out, none later than %v after the next one was there",
		size.processes, size.keys, took.Round(time.Millisecond), posts, handedOut, late.Round(time.Millisecond))
}

// A crowdWork is a crowd at work.
type crowdWork struct {
	crowd
	crowdSite
	t         *testing.T
	store     tokens.Store
	manager   *tokens.Manager
	processes []*child

	firsts map[string][]string // the refresh tokens that came with the logins of each key, the newest last
	seen   sightings           // of all processes, this one too
}

// putLogins lets the users log in.
func (w *crowdWork) putLogins(keys []string) {
	for _, key := range keys {
		token := w.logIn()
		w.firsts[key] = append(w.firsts[key], token.RefreshToken)
		require.NoError(w.t, w.manager.Put(w.t.Context(), key, token))
		now := time.Now()
		w.seen.add(key, token.AccessToken, now, now)
	}
}

func (w *crowdWork) start(plan crowdPlan) {
	for range w.crowd.processes {
		p := startChild(w.t, "crowd")
		p.tell(plan)
		w.processes = append(w.processes, p)
	}
}

// stop ends the processes, and returns how many tokens they handed out.
func (w *crowdWork) stop() (handedOut int) {
	for _, p := range w.processes {
		p.stop()
	}
	for _, p := range w.processes {
		var report crowdReport
		p.hear(&report)
		p.wait()
		assert.Empty(w.t, report.Failures)
		handedOut += report.Tokens
		for key, tokens := range report.Seen {
			assert.GreaterOrEqual(w.t, len(tokens), w.rotations, "%s: each process has had each token, but for one that was there before it came", key)
			for token, s := range tokens {
				w.seen.add(key, token, s.First, s.Last)
			}
		}
	}
	return handedOut
}

// awaitRenewals waits until the newest login of each key was refreshed so often.
func (w *crowdWork) awaitRenewals(keys []string, often int, deadline time.Time) {
	w.t.Helper()
	for {
		fewest := often
		for _, key := range keys {
			firsts := w.firsts[key]
			renewals, _ := w.renewalsOf(firsts[len(firsts)-1])
			fewest = min(fewest, len(renewals))
		}
		if fewest == often || !assert.True(w.t, time.Now().Before(deadline), "a login was refreshed %d times, and not yet %d", fewest, often) {
			return // if not, the reports of the processes tell why
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// assertOnePostForEachToken checks that each refresh token was sent once, when its access token neared its end. It returns how many were.
func (w *crowdWork) assertOnePostForEachToken() (posts int) {
	renewed, soonest := 0, w.lifetime
	for _, firsts := range w.firsts {
		for _, first := range firsts {
			renewals, _ := w.renewalsOf(first)
			renewed += len(renewals)
			for i := 1; i < len(renewals); i++ {
				soonest = min(soonest, renewals[i].at.Sub(renewals[i-1].at))
			}
		}
	}
	posts = w.assertNoTokenTwice(w.t)
	assert.Equal(w.t, renewed, posts, "each POST brought the next token of one of the logins")
	assert.Greater(w.t, soonest, (w.lifetime-time.Second)/2, "one POST for each token that nears its end, which a server may tell in whole seconds")
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

// readStored reads the token in the record that the Manager keeps for key, and checks that nobody left a mark on it.
func readStored(t *testing.T, store tokens.Store, key string) (token csoauth.Token) {
	t.Helper()
	raw, err := store.Load(t.Context(), key)
	require.NoError(t, err)
	var record struct {
		Mark  string          `json:"mark"`
		Token json.RawMessage `json:"token"`
	}
	require.NoError(t, json.Unmarshal(raw, &record))
	assert.Empty(t, record.Mark, "%s: nobody left a mark", key)
	require.NoError(t, token.UnmarshalBinary(record.Token))
	return token
}
