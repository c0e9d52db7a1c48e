//go:build unix

package integration_test

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

// A storeStop is where in a refresh a process is stopped, past its lease, and who comes meanwhile.
type storeStop struct {
	name   string
	step   string
	nth    int
	left   time.Duration // of the access token; below 0, the next process has to refresh at once
	nobody bool          // nobody comes meanwhile
	late   bool          // the process sends the refresh token although its deadline has passed
	lost   bool          // law M5: the refresh token is sent again after the server has traded it
	either bool          // it may be, by the process that wakes, between a look at the clock and the POST
	sent   int           // requests to the token endpoint, without that one
}

// storeStopPoints are in order.
var storeStopPoints = []storeStop{
	{name: "after the Load", step: "load", nth: 1, left: -time.Minute, sent: 1},
	{name: "after the lease", step: "lease", nth: 1, left: -time.Minute, sent: 1},
	{name: "before the POST is sent", step: "post", nth: 1, left: -time.Minute, either: true, sent: 1},
	{name: "before the POST, which goes out all the same", step: "post", nth: 1, left: -time.Minute, late: true, lost: true, sent: 2},
	{name: "after the answer, nobody comes", step: "answer", nth: 1, left: -time.Minute, nobody: true, sent: 1},
	{name: "after the answer, who comes has a token left", step: "answer", nth: 1, left: 3 * time.Minute, sent: 1},
	{name: "after the answer, who comes has none", step: "answer", nth: 1, left: -time.Minute, lost: true, sent: 2},
	{name: "after the save", step: "save", nth: 1, left: -time.Minute, sent: 1},
}

// TestStoreProcessIsStoppedPastItsLease: a process that wakes finds out what others have done
// meanwhile.
func TestStoreProcessIsStoppedPastItsLease(t *testing.T) {
	t.Parallel()
	var table faultTable
	onEachKind(t, func(t *testing.T, kind string, d *database) {
		sideBySide(t, storeStopPoints, func(p storeStop) string { return p.name }, func(t *testing.T, p storeStop) {
			count := table.row(fmt.Sprintf("%s: stopped %s", kind, p.name))
			p.test(t, newFaultSite(t, d, kind, "stops_"+nameOf(p.name), 0), count)
		})
	})
	t.Log(&table)
}

func (p storeStop) test(t *testing.T, s *faultSite, count *faultCount) {
	const key = "user"
	s.logIn(t, key)
	s.leave(t, key, p.left)
	plan := s.plan(key, p.step, p.nth)
	plan.Late = p.late
	stopped := startStoreChild(t, plan)
	stopped.halted()
	require.NoError(t, stopped.cmd.Process.Signal(syscall.SIGSTOP))
	count.add(faultCount{runs: 1})
	base := readFaultRecord(t, s.store, key)

	other := s.manager(t, s.store)
	seen := p.passLease(t, other, key)
	switch {
	case p.lost && !p.late:
		require.True(t, csoauthLogout(seen.err), "%v", seen.err)
		count.add(faultCount{failed: 1})
	case !p.nobody:
		require.NoError(t, seen.err)
		count.add(faultCount{served: 1})
	}
	if base.lease != "" && p.left < 0 && !p.nobody {
		require.GreaterOrEqual(t, seen.took, faultLease, "nobody takes over before")
	}
	require.NoError(t, other.Close())

	// The process wakes.
	stopped.tell("go on")
	require.NoError(t, stopped.cmd.Process.Signal(syscall.SIGCONT))
	var report storeReport
	stopped.hear(&report)
	stopped.wait()
	require.Empty(t, report.Close)
	if p.late {
		require.True(t, report.Logout, "the refresh token that it sent is refused")
		count.add(faultCount{failed: 1})
	} else {
		require.Empty(t, report.Err)
		count.add(faultCount{served: 1})
	}
	count.add(faultCount{failed: len(report.Failures)})

	now := readFaultRecord(t, s.store, key)
	sent, traded := s.front.uses(now.token.RefreshToken)
	assert.Equal(t, 1, traded)
	late := p.either && sent == p.sent+1
	if !late {
		assert.Equal(t, p.sent, sent)
	}
	assert.Equal(t, p.lost || late, s.front.spent(now.token.RefreshToken))
	assert.NotEqual(t, now.token.RefreshToken, firstOf(s, now.token.RefreshToken), "the new pair is in the store")
	if !p.lost && !p.nobody && p.left < 0 {
		assert.Equal(t, seen.access, report.Access, "both have the same token")
		assert.Equal(t, seen.access, now.token.AccessToken)
	}
	if p.left > 0 {
		assert.Equal(t, base.token.AccessToken, seen.access, "the old token is served meanwhile")
	}
	s.aftermath(t, count, key)
	assert.Zero(t, count.otherwise)
	assert.Equal(t, p.lost || late, count.inWindow == 1)
}

// A passerBy is what another process got meanwhile.
type passerBy struct {
	access   string
	failures []string
	err      error
	took     time.Duration // until it got its first result
}

// passLease has another process ask for a token, unless nobody is set. It returns when more than a
// lease is over.
func (p storeStop) passLease(t *testing.T, other *tokens.Manager, key string) (got passerBy) {
	t.Helper()
	began := time.Now()
	over := began.Add(faultLease + faultLease/3)
	if !p.nobody {
		var token *csoauth.Token
		token, got.failures, got.err = askFor(t.Context(), other, key)
		got.took = time.Since(began)
		if got.err == nil {
			got.access = token.AccessToken
		}
	}
	for ; p.left > 0 && time.Now().Before(over); time.Sleep(20 * time.Millisecond) {
		token, err := other.Token(t.Context(), key)
		require.NoError(t, err)
		require.Equal(t, got.access, token.AccessToken)
	}
	time.Sleep(time.Until(over)) // what is to happen is that time passes
	return got
}

// firstOf returns the refresh token that a login began with.
func firstOf(s *faultSite, refresh string) string {
	s.front.mu.Lock()
	defer s.front.mu.Unlock()
	return s.front.first[refresh]
}
