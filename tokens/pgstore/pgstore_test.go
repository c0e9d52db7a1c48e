package pgstore_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/contentstack/csoauth/tokens"
	"github.com/contentstack/csoauth/tokens/pgstore"
	"github.com/contentstack/csoauth/tokens/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// These tests run over the fake server of fake_test.go; internal/integration has the real one.

func TestStorePrintsItsTableAlone(t *testing.T) {
	_, db := newServer(t)
	store := open(t, db, &pgstore.Options{Schema: "My \"app\"", Table: "logins"})
	for _, verb := range []string{"%v", "%s", "%d"} {
		assert.Equal(t, `pgstore.Store("My ""app"""."logins")`, fmt.Sprintf(verb, store), verb)
		assert.Equal(t, `pgstore.Store("My ""app"""."logins")`, fmt.Sprintf(verb, *store), verb)
	}
}

func TestTableIsAName(t *testing.T) {
	_, db := newServer(t)
	longest := strings.Repeat("a", 63)
	for name, test := range map[string]struct {
		options pgstore.Options
		want    string // the table in a statement, or an error
	}{
		"the defaults":       {pgstore.Options{}, `"public"."csoauth_tokens"`},
		"a table":            {pgstore.Options{Table: "logins_2"}, `"public"."logins_2"`},
		"an underscore":      {pgstore.Options{Table: "_x"}, `"public"."_x"`},
		"a long one":         {pgstore.Options{Table: longest, Schema: longest, Owner: longest}, `"` + longest + `"."` + longest + `"`},
		"a schema":           {pgstore.Options{Schema: "app"}, `"app"."csoauth_tokens"`},
		"a schema in quotes": {pgstore.Options{Schema: `Über "x".y; --`}, `"Über ""x"".y; --"."csoauth_tokens"`},

		"a table in quotes":      {pgstore.Options{Table: `x"; DROP y; `}, "Options.Table: "},
		"capitals":               {pgstore.Options{Table: "Logins"}, "Options.Table: "},
		"a digit first":          {pgstore.Options{Table: "1a"}, "Options.Table: "},
		"a space":                {pgstore.Options{Table: "log ins"}, "Options.Table: "},
		"another alphabet":       {pgstore.Options{Table: "über"}, "Options.Table: "},
		"a line":                 {pgstore.Options{Table: "logins\n"}, "Options.Table: "},
		"too long":               {pgstore.Options{Table: longest + "a"}, "Options.Table: "},
		"a dot":                  {pgstore.Options{Table: "."}, "Options.Table: "},
		"a dot behind":           {pgstore.Options{Table: "a."}, "Options.Table: "},
		"a schema before it":     {pgstore.Options{Table: "app.logins"}, "set the schema in Options.Schema"},
		"a schema with capitals": {pgstore.Options{Table: "App.logins"}, "set the schema in Options.Schema"},
		"a long schema":          {pgstore.Options{Schema: longest + "a"}, `Options.Schema: "` + longest + `a" is not a name of at most 63 bytes of UTF-8 without a zero byte`},
		"a schema cut in a rune": {pgstore.Options{Schema: "a\xc3"}, "Options.Schema: "},
		"a schema with a zero":   {pgstore.Options{Schema: "a\x00"}, "Options.Schema: "},
		"a long owner":           {pgstore.Options{Owner: longest + "a"}, "Options.Owner: "},
	} {
		s, err := pgstore.New(db, &test.options)
		if strings.HasPrefix(test.want, `"`) {
			require.NoError(t, err, name)
			assert.Contains(t, s.Schema(), "EXISTS "+test.want+" (", name)
			continue
		}
		require.ErrorContains(t, err, test.want, name)
		require.ErrorContains(t, err, "pgstore: Options.", name)
		assert.Nil(t, s, name)
	}
}

// TestReadmeHasTheTable: a table that someone makes by hand from the page is the table that Migrate
// makes.
func TestReadmeHasTheTable(t *testing.T) {
	_, db := newServer(t)
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	assert.Contains(t, string(readme), "\n"+open(t, db, nil).Schema()+";\n")
}

func TestStoreNeedsADatabase(t *testing.T) {
	for _, o := range []*pgstore.Options{nil, {}, {Table: "logins"}} {
		s, err := pgstore.New(nil, o)
		require.EqualError(t, err, "pgstore: there is no *sql.DB")
		assert.Nil(t, s)
	}
}

func TestCallsThatNeedNoServer(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, test := range map[string]struct {
		ctx       context.Context
		key, want string
	}{
		"no key":               {t.Context(), "", "the key has 0 bytes: want 1 to 512"},
		"a long key":           {t.Context(), strings.Repeat("k", 513), "the key has 513 bytes: want 1 to 512"},
		"a context that ended": {ended, "key", "context canceled"},
	} {
		t.Run(name, func(t *testing.T) {
			fake, store := newStore(t, nil)
			_, err := store.Load(test.ctx, test.key)
			require.EqualError(t, err, "pgstore: load: "+test.want)
			require.EqualError(t, store.CompareAndSwap(test.ctx, test.key, nil, some("a")), "pgstore: swap: "+test.want)
			assert.Empty(t, fake.sent)
		})
	}
}

var errDown = errors.New("the server is down")

// open returns a Store over db.
func open(t testing.TB, db *sql.DB, o *pgstore.Options) *pgstore.Store {
	t.Helper()
	store, err := pgstore.New(db, o)
	require.NoError(t, err)
	return store
}

// newStore returns a Store whose table has these values, and the server without a trace of that.
func newStore(t *testing.T, values map[string]string) (*server, *pgstore.Store) {
	t.Helper()
	fake, db := newServer(t)
	store := open(t, db, nil)
	require.NoError(t, store.Migrate(t.Context()))
	for key, value := range values {
		require.NoError(t, store.CompareAndSwap(t.Context(), key, nil, []byte(value)))
	}
	fake.sent, fake.at = nil, nil
	return fake, store
}

// tokensTable is the table of a Store without Options.
const tokensTable = `"public"."csoauth_tokens"`

// requireValue requires that key has this value; "" stands for none.
func requireValue(t *testing.T, store *pgstore.Store, key, want string) {
	t.Helper()
	value, err := store.Load(t.Context(), key)
	if want == "" {
		require.ErrorIs(t, err, tokens.ErrNotFound)
		return
	}
	require.NoError(t, err)
	require.Equal(t, want, string(value))
}

// requireFailure requires an error that says no more than that the call failed because of cause.
func requireFailure(t *testing.T, err, cause error, prefix string) {
	t.Helper()
	require.ErrorIs(t, err, cause)
	require.NotErrorIs(t, err, tokens.ErrConflict)
	require.NotErrorIs(t, err, tokens.ErrNotFound)
	require.EqualError(t, err, prefix+cause.Error())
}

// TestFailedSwapMayHaveHappened: a failure is no conflict, and the caller may ask again.
func TestFailedSwapMayHaveHappened(t *testing.T) {
	for name, swap := range map[string]struct{ old, new string }{"create": {"", "b"}, "replace": {"a", "b"}, "delete": {"a", ""}} {
		for _, cause := range []error{
			errDown, context.Canceled,
			sqlState("57P01"), sqlState("40003"), sqlState("40P01"), sqlState("40002"), sqlState("23505"), sqlState("25006"),
		} {
			lost := isLost
			if cause == context.Canceled {
				lost = func(error) step { return runs } // ends makes an error of it
			}
			for when, what := range map[string]func(error) step{"before": fails, "after": lost} {
				t.Run(fmt.Sprintf("%s, %v %s the change", name, cause, when), func(t *testing.T) {
					fake, store := newStore(t, given("key", swap.old))
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					fake.steps = []step{what(cause)}
					if cause == context.Canceled {
						fake.steps = []step{ends(cancel, what(cause))}
					}
					err := store.CompareAndSwap(ctx, "key", some(swap.old), some(swap.new))
					requireFailure(t, err, cause, "pgstore: swap: ")
					assert.Len(t, fake.sent, 1, "it is not sent again, nor looked at")
					if when == "before" {
						requireValue(t, store, "key", swap.old)
					} else {
						requireValue(t, store, "key", swap.new)
					}
					require.NoError(t, store.CompareAndSwap(t.Context(), "key", some(swap.old), some(swap.new)))
					requireValue(t, store, "key", swap.new)
				})
			}
		}
	}
}

// given returns the value as newStore takes it, and some as a Store does: "" stands for none.
func given(key, value string) map[string]string {
	if value == "" {
		return nil
	}
	return map[string]string{key: value}
}

func some(value string) []byte {
	if value == "" {
		return nil
	}
	return []byte(value)
}

// TestSwapThatCannotBeSettled: it changed no row, and nobody knows whether the value is new.
func TestSwapThatCannotBeSettled(t *testing.T) {
	for name, swap := range map[string]struct{ kept, old, new string }{
		"create":            {"c", "", "b"},
		"replace":           {"c", "a", "b"},
		"replace of none":   {"", "a", "b"},
		"delete":            {"c", "a", ""},
		"delete of none":    {"", "a", ""},
		"none to none":      {"", "", ""},
		"none, but not yet": {"c", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			fake, store := newStore(t, given("key", swap.kept))
			before := []step{runs}
			if swap.old == "" && swap.new == "" {
				before = nil
			}
			fake.steps = append(before, fails(errDown))
			requireFailure(t, store.CompareAndSwap(t.Context(), "key", some(swap.old), some(swap.new)), errDown, "pgstore: swap: ")
			requireValue(t, store, "key", swap.kept)
		})
	}
	t.Run("the context ends before the look", func(t *testing.T) {
		fake, store := newStore(t, given("key", "c"))
		ctx, cancel := context.WithCancel(t.Context())
		fake.steps = []step{func(_ context.Context, run func() (reply, error)) (reply, error) {
			defer cancel()
			return run()
		}}
		requireFailure(t, store.CompareAndSwap(ctx, "key", some("a"), nil), context.Canceled, "pgstore: swap: ")
		assert.Equal(t, []string{"DELETE"}, fake.sent)
	})
	t.Run("the context ends during the look", func(t *testing.T) {
		fake, store := newStore(t, nil)
		ctx, cancel := context.WithCancel(t.Context())
		fake.steps = []step{ends(cancel, runs)}
		requireFailure(t, store.CompareAndSwap(ctx, "key", nil, nil), context.Canceled, "pgstore: swap: ")
	})
	t.Run("the driver cannot count rows", func(t *testing.T) {
		fake, store := newStore(t, nil)
		fake.steps = []step{func(_ context.Context, run func() (reply, error)) (reply, error) {
			r, err := run()
			r.countErr = errDown
			return r, err
		}}
		requireFailure(t, store.CompareAndSwap(t.Context(), "key", nil, some("b")), errDown, "pgstore: swap: ")
		requireValue(t, store, "key", "b")
	})
}

func TestFailedLoadIsNoMiss(t *testing.T) {
	for name, key := range map[string]string{"of a value": "key", "of none": "other"} {
		t.Run(name, func(t *testing.T) {
			for _, cause := range []error{errDown, sqlState("57P01"), context.Canceled, sql.ErrNoRows} {
				fake, store := newStore(t, given("key", "a"))
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				fake.steps = []step{fails(cause)}
				switch cause {
				case context.Canceled:
					fake.steps = []step{ends(cancel, runs)}
				case sql.ErrNoRows: // a server that sends none
					fake.steps = []step{fails(nil)}
				}
				value, err := store.Load(ctx, key)
				requireFailure(t, err, cause, "pgstore: load: ")
				assert.Nil(t, value)
				assert.Len(t, fake.sent, 1)
			}
		})
	}
	t.Run("there is no table", func(t *testing.T) {
		_, db := newServer(t)
		_, err := open(t, db, nil).Load(t.Context(), "key")
		require.ErrorIs(t, err, sqlState("42P01"))
		require.NotErrorIs(t, err, tokens.ErrNotFound)
		require.ErrorContains(t, err, "call Migrate first")
	})
}

// TestStandbyIsNotBelieved: it may be behind, in what it has and in what it has not.
func TestStandbyIsNotBelieved(t *testing.T) {
	fake, store := newStore(t, given("key", "a"))
	fake.standby = true
	const want = "the server is a standby, which may be behind: connect to the primary"
	for _, key := range []string{"key", "other"} {
		value, err := store.Load(t.Context(), key)
		require.EqualError(t, err, "pgstore: load: "+want)
		require.NotErrorIs(t, err, tokens.ErrNotFound)
		assert.Nil(t, value)
		err = store.CompareAndSwap(t.Context(), key, nil, nil)
		require.EqualError(t, err, "pgstore: swap: "+want)
		require.NotErrorIs(t, err, tokens.ErrConflict)
	}
}

const tries = 10 // of a statement that others are in the way of

func times(n int, s step) (steps []step) {
	for range n {
		steps = append(steps, s)
	}
	return steps
}

func TestStatementIsSentAgainUntilItIsSerialized(t *testing.T) {
	wrapped := fmt.Errorf("the driver says: %w", sqlState("40001"))
	calls := map[string]struct {
		kept, first string
		call        func(context.Context, *pgstore.Store) error
	}{
		"load": {"a", "SELECT", func(ctx context.Context, s *pgstore.Store) error { _, err := s.Load(ctx, "key"); return err }},
		"create": {"", "INSERT", func(ctx context.Context, s *pgstore.Store) error {
			return s.CompareAndSwap(ctx, "key", nil, some("b"))
		}},
		"replace": {"a", "UPDATE", func(ctx context.Context, s *pgstore.Store) error {
			return s.CompareAndSwap(ctx, "key", some("a"), some("b"))
		}},
		"delete": {"a", "DELETE", func(ctx context.Context, s *pgstore.Store) error {
			return s.CompareAndSwap(ctx, "key", some("a"), nil)
		}},
	}
	for name, test := range calls {
		t.Run(name+" that succeeds at last", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake, store := newStore(t, given("key", test.kept))
				fake.steps = times(tries-1, fails(wrapped))
				require.NoError(t, test.call(t.Context(), store))
				require.Len(t, fake.sent, tries)
				for i, sent := range fake.sent {
					assert.Equal(t, test.first, sent)
					if i > 1 {
						assert.Greater(t, fake.at[i].Sub(fake.at[i-1]), fake.at[i-1].Sub(fake.at[i-2]), "the pauses grow")
					}
				}
			})
		})
		t.Run(name+" that never succeeds", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake, store := newStore(t, given("key", test.kept))
				fake.steps = times(tries, fails(wrapped))
				err := test.call(t.Context(), store)
				require.ErrorIs(t, err, sqlState("40001"))
				assert.Equal(t, name != "load", errors.Is(err, tokens.ErrConflict), "a swap that nobody serializes changed nothing")
				assert.Len(t, fake.sent, tries)
				requireValue(t, store, "key", test.kept)
			})
		})
		t.Run(name+" whose context ends in a pause", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake, store := newStore(t, given("key", test.kept))
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Millisecond)
				defer cancel()
				fake.steps = times(tries, fails(wrapped))
				start := time.Now()
				require.ErrorIs(t, test.call(ctx, store), sqlState("40001"))
				assert.Less(t, len(fake.sent), tries)
				assert.Equal(t, 3*time.Millisecond, time.Since(start), "nobody waits on")
				requireValue(t, store, "key", test.kept)
			})
		})
	}
}

// A server that has no connection left has one a moment later, when others have their values.
func TestCallWaitsForAConnection(t *testing.T) {
	full := fmt.Errorf("failed to connect: %w", sqlState("53300"))
	for _, n := range []int{1, tries - 1, tries} {
		synctest.Test(t, func(t *testing.T) {
			fake, store := newStore(t, given("key", "a"))
			fake.steps = times(n, fails(full))
			value, err := store.Load(t.Context(), "key")
			if n == tries {
				require.ErrorContains(t, err, "SetMaxOpenConns")
				require.NotErrorIs(t, err, tokens.ErrNotFound)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, "a", string(value))

			fake.steps = times(n, fails(full))
			require.NoError(t, store.CompareAndSwap(t.Context(), "key", some("a"), some("b")))
			requireValue(t, store, "key", "b")
		})
	}
}

// TestTryAfterAFailureLooksAgain: the last try counts, not those before it.
func TestTryAfterAFailureLooksAgain(t *testing.T) {
	for name, test := range map[string]struct {
		meanwhile string
		want      error
	}{"somebody was faster": {"c", tokens.ErrConflict}, "with the same value": {"b", nil}} {
		t.Run(name, func(t *testing.T) {
			fake, store := newStore(t, given("key", "a"))
			fake.steps = []step{func(context.Context, func() (reply, error)) (reply, error) {
				fake.tables[tokensTable].rows["key"] = row{[]byte(test.meanwhile), time.Now()}
				return reply{}, sqlState("40001")
			}}
			require.ErrorIs(t, store.CompareAndSwap(t.Context(), "key", some("a"), some("b")), test.want)
			assert.Equal(t, []string{"UPDATE", "UPDATE", "SELECT"}, fake.sent)
			requireValue(t, store, "key", test.meanwhile)
		})
	}
}

func TestStoreKeepsItsPromises(t *testing.T) {
	for name, emptyNil := range map[string]bool{"empty values scan as empty": false, "empty values scan as nil": true} {
		t.Run(name, func(t *testing.T) {
			dbs := map[string]*sql.DB{}
			storetest.Run(t, func(t testing.TB, dir string) tokens.Store {
				if dbs[dir] == nil {
					var fake *server
					fake, dbs[dir] = newServer(t)
					fake.emptyNil = emptyNil
				}
				store := open(t, dbs[dir], nil)
				require.NoError(t, store.Migrate(t.Context()))
				return store
			})
		})
	}
}

// A slowServer takes a second to refuse a connection.
type slowServer struct{ now, most atomic.Int32 }

func (s *slowServer) Driver() driver.Driver { return nil }

func (s *slowServer) Connect(context.Context) (driver.Conn, error) {
	if n := s.now.Add(1); n > s.most.Load() {
		s.most.Store(n)
	}
	time.Sleep(time.Second)
	s.now.Add(-1)
	return nil, errors.New("refused")
}

// A crowd does not open a connection for each of its members.
func TestFewCallsAreUnderWayAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := new(slowServer)
		db := sql.OpenDB(server)
		defer db.Close()
		store, err := pgstore.New(db, nil)
		require.NoError(t, err)
		var all sync.WaitGroup
		for range 500 {
			all.Go(func() { _, _ = store.Load(t.Context(), "key") })
		}
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		synctest.Wait()
		_, err = store.Load(ctx, "key")
		require.ErrorIs(t, err, context.DeadlineExceeded, "it waits behind the others, and no longer than it may")
		all.Wait()
		assert.EqualValues(t, 64, server.most.Load())
	})
}
