package tokens_test

import (
	"cmp"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/tokens"
)

// Law: M3
func TestDeadHoldersLeaseIsWaitedOutOnce(t *testing.T) {
	for name, row := range map[string]struct{ its, ours, want time.Duration }{
		"longer than ours":   {10 * time.Minute, 10 * time.Second, 10 * time.Minute},
		"shorter than ours":  {10 * time.Second, time.Minute, time.Minute},
		"of our defaults":    {30 * time.Second, 0, 30 * time.Second},
		"both of one second": {time.Second, time.Second, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, store := newProvider(), new(tokens.Memory)
				m := replicas(t, 1, p, store, &tokens.Options{Lease: row.ours, Recheck: -1})[0]
				p.takes = 50 * time.Millisecond
				atEnd(p)
				leaveLease(t, store, "of a dead process", row.its)

				got := <-ask(t.Context(), m)
				require.NoError(t, got.err)
				assert.Equal(t, "access-user-2", got.token.AccessToken)
				assert.GreaterOrEqual(t, got.took, row.want)
				ours := cmp.Or(row.ours, 30*time.Second)
				assert.Less(t, got.took, row.want+max(2*time.Second, ours/8)+1500*time.Millisecond, "and time for a holder that lives")
				assert.Equal(t, 1, p.asked())
			})
		})
	}
}

// A lease's age counts from when this process first saw it, however often it looked since.
func TestLeaseThatWasSeenBeforeIsNotWaitedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), new(tokens.Memory)
		m := replicas(t, 1, p, store, nil)[0]
		leaveLease(t, store, "of a dead process", 30*time.Second)
		for range 60 { // minutes, with a recheck in each
			access(t, m)
			time.Sleep(p.lives / 60)
		}
		got := <-ask(t.Context(), m)
		require.NoError(t, got.err)
		assert.Equal(t, 30*time.Second/8+p.takes, got.took, "only a holder that lives has time to save")
		assert.Equal(t, 1, p.asked())
	})
}

// Law: M3
func TestLeaseThatChangesRestartsTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newProvider(), new(tokens.Memory)
		m := replicas(t, 1, p, store, nil)[0]
		atEnd(p)
		leaveLease(t, store, "first", 30*time.Second)
		answer := ask(t.Context(), m)
		for _, lease := range []string{"second", "third"} {
			time.Sleep(25 * time.Second)
			leaveLease(t, store, lease, 30*time.Second)
		}
		time.Sleep(29 * time.Second)
		assert.Equal(t, 0, p.asked())
		got := <-answer
		require.NoError(t, got.err)
		assert.GreaterOrEqual(t, got.took, 80*time.Second)
		assert.Less(t, got.took, 87*time.Second)
	})
}
