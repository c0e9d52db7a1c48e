package integration_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/tokens"
)

// TestManagersWhereReadsRepeat: several Managers refresh the same logins at once over a server
// whose transactions are stricter than its default. One of them loses each race for the lease, and
// none loses a login.
func TestManagersWhereReadsRepeat(t *testing.T) {
	t.Parallel()
	const managers, keys, rounds = 4, 6, 3
	d := startPostgres(t, append([]string{"default_transaction_isolation=repeatable read"}, postgresWithoutSync...)...)
	var table faultTable
	sideBySide(t, []string{"repeatable read", "serializable"}, func(level string) string { return level }, func(t *testing.T, level string) {
		count := table.row(level)
		s := newFaultSite(t, d, "postgres", "level_"+nameOf(level), 0)
		if level != "repeatable read" {
			s.at.Params = "default_transaction_isolation=" + level
		}
		for i := range keys {
			s.logIn(t, fmt.Sprintf("user/%d", i))
		}
		s.front.slowDown(20 * time.Millisecond)
		conflicts := &conflictCounts{}
		var stores []tokens.Store
		for range managers {
			stores = append(stores, conflictStore{s.at.mustOpen(t), conflicts})
		}
		for round := range rounds {
			for i := range keys {
				s.expire(t, fmt.Sprintf("user/%d", i))
			}
			var all sync.WaitGroup
			for _, store := range stores {
				m := s.manager(t, store)
				for i := range keys {
					all.Go(func() {
						_, _, err := askFor(t.Context(), m, fmt.Sprintf("user/%d", i))
						if assert.NoError(t, err) {
							count.add(faultCount{served: 1})
						}
					})
				}
				defer func() { assert.NoError(t, m.Close()) }()
			}
			all.Wait()
			count.add(faultCount{runs: 1})
			for i := range keys {
				s.requireUses(t, fmt.Sprintf("user/%d", i), round+1, round+1)
			}
		}
		before := conflicts.conflicts.Load()
		assert.Positive(t, before, "they did get into each other's way")
		s.swapWhileHeld(t, stores[0], "user/0")
		assert.Equal(t, before+1, conflicts.conflicts.Load(), "the Manager waited for the row and finds it changed")
		s.requireUses(t, "user/0", rounds+1, rounds+1)
		assert.Zero(t, conflicts.others.Load(), "to be too late is a conflict and no failure")
		for i := range keys {
			s.aftermath(t, count, fmt.Sprintf("user/%d", i))
		}
		assert.Equal(t, keys, count.alive)
	})
	t.Log(&table)
}

// swapWhileHeld has a Manager refresh key while another transaction holds its row and changes it.
func (s *faultSite) swapWhileHeld(t *testing.T, store tokens.Store, key string) {
	t.Helper()
	s.expire(t, key)
	db := (&database{t: t, addr: s.at.Addr}).postgres("")
	defer db.Close()
	tx, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer func() { _ = tx.Rollback() }() // an error once it is committed
	// Another space changes no record.
	_, err = tx.ExecContext(t.Context(), "UPDATE "+s.at.Name+" SET value = value || ' '::bytea WHERE key = $1", []byte(key))
	require.NoError(t, err)
	m := s.manager(t, store)
	got := askLater(t.Context(), m, key)
	until(t, "the swap waits", func() bool {
		var waiting int
		err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE $1",
			"UPDATE%"+s.at.Name+"%").Scan(&waiting)
		require.NoError(t, err)
		return waiting == 1
	})
	require.NoError(t, tx.Commit())
	require.NoError(t, (<-got).err)
	require.NoError(t, m.Close())
}

// conflictCounts counts swaps that lost to a faster one, and those that failed otherwise.
type conflictCounts struct{ conflicts, others atomic.Int64 }

// A conflictStore counts them.
type conflictStore struct {
	tokens.Store
	*conflictCounts
}

func (s conflictStore) CompareAndSwap(ctx context.Context, key string, old, new []byte) error {
	err := s.Store.CompareAndSwap(ctx, key, old, new)
	switch {
	case errors.Is(err, tokens.ErrConflict):
		s.conflicts.Add(1)
	case err != nil:
		s.others.Add(1)
	}
	return err
}
