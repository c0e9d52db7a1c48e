package pgstore_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const day = 24 * time.Hour

func TestDeleteOlderThanSparesWhatIsInUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, store := newStore(t, map[string]string{"ada": "a", "alan": "a", "grace": "a"})
		time.Sleep(60 * day)
		require.NoError(t, store.CompareAndSwap(t.Context(), "ada", some("a"), some("b"))) // a refresh
		require.NoError(t, store.CompareAndSwap(t.Context(), "edsger", nil, some("a")))    // a login
		time.Sleep(30 * day)
		n, err := store.DeleteOlderThan(t.Context(), 90*day)
		require.NoError(t, err)
		assert.Zero(t, n, "no row is older than that")
		time.Sleep(time.Second)
		n, err = store.DeleteOlderThan(t.Context(), 90*day)
		require.NoError(t, err)
		assert.EqualValues(t, 2, n)
		requireValue(t, store, "ada", "b")
		requireValue(t, store, "edsger", "a")
		requireValue(t, store, "alan", "")
		assert.Len(t, fake.tables[tokensTable].rows, 2)
	})
}

func TestDeleteOlderThanGoesByPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, store := newStore(t, nil)
		rows := fake.tables[tokensTable].rows
		const all = 2*deletePage + deletePage/2
		for i := range all {
			rows[fmt.Sprintf("user/%05d", i)] = row{some("a"), time.Now()}
		}
		rows["user/00100"] = row{some("a"), time.Now().Add(day)}
		time.Sleep(100 * day)
		n, err := store.DeleteOlderThan(t.Context(), 99*day)
		require.NoError(t, err)
		assert.EqualValues(t, all-1, n)
		assert.Len(t, rows, 1)
		assert.Equal(t, []string{"WITH", "WITH", "WITH"}, fake.sent)
	})
}

func TestDeleteOlderThanThatFails(t *testing.T) {
	for name, test := range map[string]struct {
		steps []step
		cause error
		text  string
		n     int64
	}{
		"at once":               {[]step{fails(errDown)}, errDown, "", 0},
		"later":                 {[]step{runs, fails(errDown)}, errDown, "", deletePage},
		"there is no table":     {[]step{fails(sqlState("42P01"))}, sqlState("42P01"), "call Migrate first", 0},
		"there is no time":      {[]step{fails(sqlState("42703"))}, sqlState("42703"), "call Migrate first", 0},
		"others are in the way": {[]step{fails(sqlState("40001"))}, nil, "", deletePage + 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake, store := newStore(t, nil)
				for i := range deletePage + 1 {
					fake.tables[tokensTable].rows[fmt.Sprint(i)] = row{some("a"), time.Now()}
				}
				time.Sleep(100 * day)
				fake.steps = test.steps
				n, err := store.DeleteOlderThan(t.Context(), 90*day)
				assert.Equal(t, test.n, n)
				assert.Len(t, fake.tables[tokensTable].rows, deletePage+1-int(n))
				if test.cause == nil {
					require.NoError(t, err)
					return
				}
				require.ErrorIs(t, err, test.cause)
				require.ErrorContains(t, err, "pgstore: delete: ")
				require.ErrorContains(t, err, test.text)
			})
		})
	}
	t.Run("the context ends between two pages", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			fake, store := newStore(t, nil)
			for i := range deletePage + 1 {
				fake.tables[tokensTable].rows[fmt.Sprint(i)] = row{some("a"), time.Now()}
			}
			time.Sleep(100 * day)
			ctx, cancel := context.WithCancel(t.Context())
			fake.steps = []step{func(_ context.Context, run func() (reply, error)) (reply, error) {
				defer cancel()
				return run()
			}}
			_, err := store.DeleteOlderThan(ctx, 90*day)
			require.ErrorIs(t, err, context.Canceled)
			assert.Len(t, fake.sent, 1)
		})
	})
	t.Run("an age that logins in use may have", func(t *testing.T) {
		for _, age := range []time.Duration{-time.Hour, 0, day, 48*time.Hour - 1} {
			fake, store := newStore(t, given("key", "a"))
			n, err := store.DeleteOlderThan(t.Context(), age)
			require.ErrorContains(t, err, "is below 48h0m0s")
			assert.Zero(t, n)
			assert.Empty(t, fake.sent)
		}
	})
}
