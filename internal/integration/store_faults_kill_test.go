package integration_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A storeKill is where in a refresh a process dies, and what it leaves behind.
type storeKill struct {
	name   string
	step   string // where it halts and is killed
	nth    int
	cut    *wireCut // what happens to its next request to the store, in silence, before it is killed
	front  string   // or the front kills it, "before" or "after" it has the POST processed
	leased bool     // the record bears the lease
	posts  int      // requests to the token endpoint
	lost   bool     // law M5: the refresh token is traded, and the new pair is not in the store
}

// storeKillPoints are in order.
var storeKillPoints = []storeKill{
	{name: "after the Load", step: "load", nth: 1},
	{name: "after the lease", step: "lease", nth: 1, leased: true},
	{name: "before the POST is sent", step: "post", nth: 1, leased: true},
	{name: "POST sent, not processed", front: "before", leased: true, posts: 1},
	{name: "POST processed, answer not read", front: "after", leased: true, posts: 1, lost: true},
	{name: "after the answer, before the save", step: "answer", nth: 1, leased: true, posts: 1, lost: true},
	{name: "save sent, not processed", step: "before save", nth: 1, cut: &wireCut{}, leased: true, posts: 1, lost: true},
	{name: "save processed, answer not read", step: "before save", nth: 1, cut: &wireCut{answer: true}, posts: 1},
	{name: "after the save", step: "save", nth: 1, posts: 1},
}

// TestStoreProcessIsKilledAtEachPoint: no more is lost than law M5 says, and others take over after
// the lease.
func TestStoreProcessIsKilledAtEachPoint(t *testing.T) {
	t.Parallel()
	var table faultTable
	onEachKind(t, func(t *testing.T, kind string, d *database) {
		sideBySide(t, storeKillPoints, func(p storeKill) string { return p.name }, func(t *testing.T, p storeKill) {
			count := table.row(fmt.Sprintf("%s: killed %s", kind, p.name))
			s := newFaultSite(t, d, kind, "kills_"+nameOf(p.name), 0)
			for i := range *storeRounds {
				key := fmt.Sprintf("user/%d", i)
				s.logIn(t, key)
				s.expire(t, key)
				s.killAt(t, key, p)
				count.add(faultCount{runs: 1})
				began := time.Now()
				s.aftermath(t, count, key)
				if p.leased {
					require.GreaterOrEqual(t, time.Since(began), faultLease, "nobody takes over before")
				}
				if p.lost {
					count.add(faultCount{failed: 1})
					s.requireUses(t, key, 2, 1)
				} else {
					count.add(faultCount{served: 1})
					s.requireUses(t, key, p.posts+1, tradedAt(p)+1)
				}
			}
			want := faultCount{fault: count.fault, runs: *storeRounds, served: *storeRounds, alive: *storeRounds}
			if p.lost {
				want.served, want.alive, want.failed, want.inWindow = 0, 0, *storeRounds, *storeRounds
			}
			require.Equal(t, want, *count)
		})
	})
	t.Log(&table)
}

// killAt has a process refresh key and die at point, and checks what that leaves.
func (s *faultSite) killAt(t *testing.T, key string, point storeKill) {
	t.Helper()
	plan := s.plan(key, point.step, point.nth)
	var w *wire
	if point.cut != nil {
		w = newWire(t, s.at.Addr)
		plan.At.Addr = w.addr()
	}
	p := startStoreChild(t, plan)
	killed := make(chan struct{})
	die := func() bool {
		p.kill()
		close(killed)
		return true
	}
	switch point.front {
	case "before":
		s.front.hold(die, nil)
		<-killed
	case "after":
		s.front.hold(nil, die)
		<-killed
	default:
		p.halted()
		if point.cut != nil {
			cut := *point.cut
			cut.with, cut.silent = key, true
			w.cut(cut)
			p.tell("go on")
			until(t, "the save was sent", func() bool {
				return w.cuts() == 1 && (!cut.answer || readFaultRecord(t, s.store, key).lease == "")
			})
		}
		p.kill()
	}
	p.wait()
	rec := readFaultRecord(t, s.store, key)
	require.Equal(t, point.leased, rec.lease != "", "the record bears the lease")
	sent, traded := s.front.uses(rec.token.RefreshToken)
	require.Equal(t, point.posts, sent, "requests to the token endpoint")
	require.Equal(t, point.lost, s.front.spent(rec.token.RefreshToken), "the refresh token in the store is spent")
	require.Equal(t, tradedAt(point), traded)
}

// tradedAt is how many refresh tokens the server has traded when a process dies at p.
func tradedAt(p storeKill) int {
	if p.posts == 1 && p.front != "before" {
		return 1
	}
	return 0
}

// nameOf makes a name for a table of a test's.
func nameOf(test string) string {
	name := []byte(test)
	for i, c := range name {
		if c < 'a' || c > 'z' {
			name[i] = '_'
		}
	}
	return string(name)
}
