package integration_test

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
	"github.com/contentstack/csoauth/tokens/redisstore"
)

// A failover is a replica that lacks something and is made the master, while one process has the
// newest pair, or is about to.
type failover struct {
	name     string
	hasLease bool // the replica has all writes before the response; otherwise it lacks the lease too
	saved    bool // the pair was saved at the old master before; otherwise its response is still on the way
	holder   bool // the process that has the newest pair looks first; otherwise another that knows nothing
	adopted  bool // the holder did not refresh, and has the pair from the store
	lost     bool // law M5: the store forgot a write, and a process used what is left
	sent     int  // requests to the token endpoint before the aftermath
}

var failovers = []failover{
	{name: "promoted before the save, without the lease, the refresher writes first", holder: true, sent: 1},
	{name: "promoted before the save, without the lease, another asks first", lost: true, sent: 2},
	{name: "promoted before the save, with the lease, another asks first", hasLease: true, sent: 1},
	{name: "promoted after the save, without the lease, the refresher looks first", saved: true, holder: true, sent: 1},
	{name: "promoted after the save, without the lease, who adopted the pair looks first", saved: true, holder: true, adopted: true, sent: 1},
	{name: "promoted after the save, without the lease, another asks first", saved: true, lost: true, sent: 2},
	{name: "promoted after the save, with the lease, another asks first", saved: true, hasLease: true, sent: 1},
}

// TestStaleReplicaIsPromoted: a login whose newest pair a living process has is written back,
// unless another has used what is left.
func TestStaleReplicaIsPromoted(t *testing.T) {
	t.Parallel()
	var table faultTable
	sideBySide(t, failovers, func(f failover) string { return f.name }, func(t *testing.T, f failover) { f.test(t, table.row(f.name)) })
	t.Log(&table)
}

func (f failover) test(t *testing.T, count *faultCount) {
	r := newReplicated(t)
	s := newFaultSite(t, r.master, "redis", "failover", 0)
	s.store = r.store // follows the promotion
	const key = "user"
	s.logIn(t, key)
	s.expire(t, key)
	r.awaitReplica(t)

	// The refresh, cut off from the replica either before or after its lease.
	if !f.hasLease {
		r.link.breakAll(true)
	}
	answered, deliver := make(chan struct{}), make(chan struct{})
	s.front.hold(nil, func() bool {
		close(answered)
		<-deliver
		return false
	})
	refresher := newManager(t, s.config, s.store, &tokens.Options{Lease: faultLease, Recheck: 20 * time.Millisecond})
	defer refresher.Close()
	got := askLater(t.Context(), refresher, key)
	<-answered
	if f.hasLease {
		r.awaitReplica(t)
		r.link.breakAll(true)
	}
	holder := refresher
	if f.saved {
		close(deliver)
		require.NoError(t, (<-got).err)
		if f.adopted {
			holder = newManager(t, s.config, s.store, &tokens.Options{Lease: faultLease, Recheck: 20 * time.Millisecond})
			defer holder.Close()
			_, err := holder.Token(t.Context(), key)
			require.NoError(t, err)
			require.NoError(t, refresher.Close())
		}
	}
	newest := readFaultRecord(t, s.store, key)
	r.promote(t)
	count.add(faultCount{runs: 1})
	left := readFaultRecord(t, s.store, key)
	require.Equal(t, f.hasLease, left.lease != "", "the replica has the lease")
	require.True(t, s.front.spent(left.token.RefreshToken), "the replica has the refresh token that was spent")
	require.Equal(t, f.saved, newest.seq > left.seq, "the replica lacks the save")

	// Who comes first.
	looked, looks := make(chan struct{}), 1 // as many as come before its POST
	if f.hasLease {
		looks = 3 // and it waits
	}
	other := s.manager(t, &stepStore{Store: s.store, after: func(step string, nth int) {
		if step == "load" && nth == looks {
			close(looked)
		}
	}})
	defer other.Close()
	var others <-chan askedFor
	if !f.holder {
		others = askLater(t.Context(), other, key)
		<-looked
		if f.lost {
			first := <-others
			require.True(t, csoauthLogout(first.err), "the refresh token that was left is refused: %v", first.err)
			count.add(faultCount{failed: 1})
		}
	}
	if !f.saved {
		close(deliver)
		require.NoError(t, (<-got).err, "the pair is saved over what the replica had")
	}

	// The holder looks at the store by itself and writes its pair back, whatever came of that.
	var holders *csoauth.Token
	until(t, "the pair is written back", func() (done bool) {
		var err error
		holders, err = holder.Token(t.Context(), key)
		require.NoError(t, err)
		return readFaultRecord(t, s.store, key).token.RefreshToken != left.token.RefreshToken
	})
	count.add(faultCount{served: 1})
	status := http.StatusOK
	if f.lost {
		status = http.StatusUnauthorized // the server has ended the whole login
	}
	require.Equal(t, status, s.status(t, holders))
	written := readFaultRecord(t, s.store, key)
	require.Empty(t, written.lease)
	if f.saved {
		require.Equal(t, newest.token.RefreshToken, written.token.RefreshToken)
	}
	if !f.lost {
		if others == nil {
			others = askLater(t.Context(), other, key)
		}
		second := <-others
		require.NoError(t, second.err)
		require.Equal(t, written.token.AccessToken, second.token.AccessToken, "another process sees the pair that was written back")
		count.add(faultCount{served: 1})
	}
	s.requireUses(t, key, f.sent, 1)
	require.NoError(t, refresher.Close())
	require.NoError(t, holder.Close())
	require.NoError(t, other.Close())
	s.aftermath(t, count, key)
	require.Equal(t, f.lost, count.inWindow == 1)
}

// TestReplicaIsNoStore: a process that is connected to a replica gets errors, and no stale token;
// nobody is logged out by that.
func TestReplicaIsNoStore(t *testing.T) {
	t.Parallel()
	r := newReplicated(t)
	s := newFaultSite(t, r.master, "redis", "readonly", 0)
	s.logIn(t, "user")
	s.expire(t, "user")
	r.awaitReplica(t)
	at := s.at
	at.Addr = r.replica.addr
	stale := at.mustOpen(t)

	for _, key := range []string{"user", "nobody"} {
		_, err := stale.Load(t.Context(), key)
		require.ErrorContains(t, err, "READONLY")
		require.NotErrorIs(t, err, tokens.ErrNotFound)
	}
	rec := readFaultRecord(t, s.store, "user")
	err := stale.CompareAndSwap(t.Context(), "user", rec.raw, []byte("other"))
	require.ErrorContains(t, err, "READONLY")
	require.NotErrorIs(t, err, tokens.ErrConflict)

	m := s.manager(t, stale)
	_, err = m.Token(t.Context(), "user")
	require.ErrorContains(t, err, "READONLY")
	require.False(t, csoauthLogout(err))
	require.NoError(t, m.Close())
	s.requireUses(t, "user", 0, 0)

	table := faultTable{}
	count := table.row("connected to a replica")
	count.add(faultCount{runs: 1, failed: 1})
	s.aftermath(t, count, "user")
	require.Equal(t, 1, count.alive)
	t.Log(&table)
}

// A replicated is a master and a replica of it, and a store at the one or the other.
type replicated struct {
	master, replica *database
	link            *wire                  // between the two
	at              atomic.Pointer[string] // where the clients' next connection goes
	store           tokens.Store
}

func newReplicated(t *testing.T) *replicated {
	t.Helper()
	r := &replicated{master: startRedis(t, "--repl-diskless-sync-delay", "0")}
	r.link = newWire(t, r.master.addr)
	r.at.Store(&r.master.addr)
	rdb := redis.NewClient(&redis.Options{
		Dialer: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "tcp", *r.at.Load())
		},
	})
	t.Cleanup(func() { assert.NoError(t, rdb.Close()) })
	var err error
	r.store, err = redisstore.New(rdb.Do, &redisstore.Options{Prefix: "failover:"})
	require.NoError(t, err)
	r.replica = startRedis(t, "--replicaof", "127.0.0.1 "+portOf(t, r.link.addr()))
	return r
}

// awaitReplica waits until the replica has all that the master has.
func (r *replicated) awaitReplica(t *testing.T) {
	t.Helper()
	rdb := r.master.redis(&redis.Options{ReadTimeout: 10 * time.Second})
	defer rdb.Close()
	until(t, "the replica follows", func() bool {
		conn := rdb.Conn() // WAIT looks at what its own connection wrote last
		defer conn.Close()
		if conn.Incr(t.Context(), "written").Err() != nil {
			return false
		}
		n, err := conn.Wait(t.Context(), 1, time.Second).Result()
		return err == nil && n == 1
	})
}

// promote ends the master, and makes the replica the master that clients find.
func (r *replicated) promote(t *testing.T) {
	t.Helper()
	rdb := r.replica.redis(nil)
	defer rdb.Close()
	require.NoError(t, rdb.Do(t.Context(), "REPLICAOF", "NO", "ONE").Err())
	r.at.Store(&r.replica.addr)
	r.master.kill()
}

// An askedFor is the result of a call of Token that another goroutine made.
type askedFor struct {
	token *csoauth.Token
	err   error
}

// askLater calls Token meanwhile.
func askLater(ctx context.Context, m *tokens.Manager, key string) <-chan askedFor {
	answer := make(chan askedFor, 1)
	go func() {
		token, err := m.Token(ctx, key)
		answer <- askedFor{token, err}
	}()
	return answer
}
