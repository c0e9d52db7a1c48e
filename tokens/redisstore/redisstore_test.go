package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/contentstack/csoauth/tokens"
	"github.com/contentstack/csoauth/tokens/redisstore"
	"github.com/contentstack/csoauth/tokens/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// These tests run over the fake server of fake_test.go; internal/integration has the real one.

func TestStoreKeepsItsPromises(t *testing.T) {
	for name, open := range map[string]func(*server, *redisstore.Options) (*redisstore.Store, error){
		"New, replies with strings": func(s *server, o *redisstore.Options) (*redisstore.Store, error) {
			return redisstore.New(s.goRedis, o)
		},
		"NewFunc, replies with bytes": func(s *server, o *redisstore.Options) (*redisstore.Store, error) {
			return redisstore.NewFunc(s.redigo, o)
		},
	} {
		t.Run(name, func(t *testing.T) {
			fake := new(server)
			storetest.Run(t, func(t testing.TB, dir string) tokens.Store {
				s, err := open(fake, &redisstore.Options{Prefix: dir + ":"})
				require.NoError(t, err)
				return s
			})
		})
	}
}

func TestTextOfAScriptIsSentOnceItIsMissed(t *testing.T) {
	fake := new(server)
	s := newStore(t, fake.do, nil)
	swap := func(old, new []byte) func() error {
		return func() error { return s.CompareAndSwap(t.Context(), "ada", old, new) }
	}
	load := func() error { _, err := s.Load(t.Context(), "ada"); return err }
	for _, calls := range [][2]func() error{{swap(nil, []byte("a")), swap([]byte("a"), []byte("b"))}, {load, load}} {
		fake.scripts, fake.sent = nil, nil // as if the server had just started
		for _, call := range calls {
			require.NoError(t, call())
		}
		require.Len(t, fake.sent, 3)
		assert.Equal(t, "EVALSHA", fake.sent[0][0], "and nobody has written into it since")
		assert.Equal(t, "EVAL", fake.sent[1][0])
		assert.Equal(t, fake.sent[0][2:], fake.sent[1][2:])
		assert.Equal(t, fake.sent[0][:5], fake.sent[2][:5])
		for _, arg := range fake.sent[0] {
			assert.IsType(t, "", arg)
		}
	}
}

func TestMissingScriptIsSentOnceOnly(t *testing.T) {
	missing := errors.New("ERR NOSCRIPT No matching script.")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for name, test := range map[string]struct {
		first, second step
		want          error
		value         string
	}{
		"it is missed again":            {replies(missing), replies(missing), missing, ""},
		"the server fails":              {replies(missing), replies(errDown), errDown, ""},
		"the server fails after it ran": {replies(missing), isLost(errDown), errDown, "a"},
		"the context ends in between": {
			func(context.Context, func() (any, error)) (any, error) { cancel(); return nil, missing },
			func(ctx context.Context, run func() (any, error)) (any, error) { return run() },
			context.Canceled, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			fake := &server{steps: []step{test.first, test.second}}
			s := newStore(t, fake.do, nil)
			ctx := ctx
			if test.want != context.Canceled {
				ctx = t.Context()
			}
			requireFailure(t, s.CompareAndSwap(ctx, "ada", nil, some("a")), test.want, "redisstore: swap: ")
			assert.Len(t, fake.sent, 2)
			requireValue(t, s, "ada", test.value)
		})
	}
}

var errDown = errors.New("the server is down")

// newStore returns a Store that sends its commands by do.
func newStore(t *testing.T, do func(context.Context, ...any) (any, error), o *redisstore.Options) *redisstore.Store {
	t.Helper()
	s, err := redisstore.NewFunc(do, o)
	require.NoError(t, err)
	return s
}

// some returns the value as a Store takes it: "" stands for none.
func some(value string) []byte {
	if value == "" {
		return nil
	}
	return []byte(value)
}

// requireValue requires that key has this value; "" stands for none.
func requireValue(t *testing.T, s *redisstore.Store, key, want string) {
	t.Helper()
	value, err := s.Load(t.Context(), key)
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
		for _, cause := range []error{errDown, errors.New("NOREPLICAS Not enough good replicas to write."), context.Canceled} {
			for when, what := range map[string]func(error) step{
				"before": func(err error) step { return replies(err) },
				"after":  isLost,
			} {
				t.Run(fmt.Sprintf("%s, %.8s %s the change", name, cause, when), func(t *testing.T) {
					fake := new(server)
					s := newStore(t, fake.do, nil)
					require.NoError(t, s.CompareAndSwap(t.Context(), "ada", nil, some(swap.old)))
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					fake.sent, fake.steps = nil, []step{what(cause)}
					if cause == context.Canceled {
						fake.steps = []step{ends(cancel, what(cause))}
					}
					requireFailure(t, s.CompareAndSwap(ctx, "ada", some(swap.old), some(swap.new)), cause, "redisstore: swap: ")
					assert.Len(t, fake.sent, 1, "it is not sent again")
					if when == "before" {
						requireValue(t, s, "ada", swap.old)
					} else {
						requireValue(t, s, "ada", swap.new)
					}
					require.NoError(t, s.CompareAndSwap(t.Context(), "ada", some(swap.old), some(swap.new)))
					requireValue(t, s, "ada", swap.new)
				})
			}
		}
	}
}

func TestFailedLoadIsNoMiss(t *testing.T) {
	for _, cause := range []error{errDown, context.Canceled} {
		for _, key := range []string{"ada", "alan"} {
			fake := new(server)
			s := newStore(t, fake.do, nil)
			require.NoError(t, s.CompareAndSwap(t.Context(), "ada", nil, some("a")))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			fake.sent, fake.steps = nil, []step{replies(cause)}
			if cause == context.Canceled {
				fake.steps = []step{ends(cancel, replies(nil))}
			}
			value, err := s.Load(ctx, key)
			requireFailure(t, err, cause, "redisstore: load: ")
			assert.Nil(t, value)
			assert.Len(t, fake.sent, 1)
		}
	}
}

// TestReplyThatCannotBe: a proxy or a client may make one. The error does not have what is in it.
func TestReplyThatCannotBe(t *testing.T) {
	for want, reply := range map[string]any{
		"the reply is string":                           "secret",
		"the reply is <nil>":                            nil,
		"the reply is []interface {}, want an array of": []any{"ada"},
		"want an array of two strings":                  []any{"ada", "secret", "more"},
		"the reply has string and <nil>":                []any{"ada", nil},
		"the reply has <nil> and string":                []any{nil, "secret"},
		"the reply has int64 and []uint8":               []any{int64(1), []byte("secret")},
		"belongs to another key":                        []any{"alan", "secret"},
	} {
		value, err := newStore(t, (&server{steps: []step{replies(reply)}}).do, nil).Load(t.Context(), "ada")
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, "redisstore: load: ")
		require.NotContains(t, err.Error(), "secret")
		require.NotErrorIs(t, err, tokens.ErrNotFound)
		assert.Nil(t, value)
	}
	for want, reply := range map[string]any{
		"string": "OK", "int": 1, "int64": int64(2), "<nil>": nil, "[]interface {}": []any{int64(1)}, "bool": true,
	} {
		err := newStore(t, (&server{steps: []step{replies(reply)}}).do, nil).CompareAndSwap(t.Context(), "ada", nil, []byte{})
		require.ErrorContains(t, err, "redisstore: swap: the reply is "+want+", want an integer")
		require.NotErrorIs(t, err, tokens.ErrConflict)
	}
}

func TestNameOfALogin(t *testing.T) {
	for name, test := range map[string]struct {
		options *redisstore.Options
		want    string
	}{
		"without Options": {nil, "csoauth:"},
		"without Prefix":  {&redisstore.Options{TTL: time.Hour}, "csoauth:"},
		"with Prefix":     {&redisstore.Options{Prefix: "{app}/"}, "{app}/"},
	} {
		t.Run(name, func(t *testing.T) {
			fake := new(server)
			require.NoError(t, newStore(t, fake.do, test.options).CompareAndSwap(t.Context(), "ada", nil, []byte{}))
			const sum = "fdee430d40bd57deeac186cd9790033d0f06f909a8806e7ce6e717ab7c7d5029" // sha256 of ada
			assert.Equal(t, test.want+"{"+sum+"}", fake.sent[0][3])
			assert.Equal(t, "ada", fake.sent[0][4])
		})
	}
}

func TestLoginStaysForItsTTL(t *testing.T) {
	const weeks = 3 * 7 * 24 * time.Hour
	for _, ttl := range []time.Duration{time.Millisecond, 2 * time.Second, weeks} {
		t.Run(ttl.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake := new(server)
				s := newStore(t, fake.do, &redisstore.Options{TTL: ttl})
				require.NoError(t, s.CompareAndSwap(t.Context(), "ada", nil, some("a")))
				time.Sleep(ttl - 1)
				requireValue(t, s, "ada", "a")
				require.NoError(t, s.CompareAndSwap(t.Context(), "ada", some("a"), some("b")))
				time.Sleep(ttl - 1)
				requireValue(t, s, "ada", "b")
				time.Sleep(time.Nanosecond)
				requireValue(t, s, "ada", "")
			})
		})
	}
	t.Run("for good, once one without a TTL writes it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			fake := new(server)
			require.NoError(t, newStore(t, fake.do, &redisstore.Options{TTL: weeks}).CompareAndSwap(t.Context(), "ada", nil, some("a")))
			s := newStore(t, fake.do, nil)
			require.NoError(t, s.CompareAndSwap(t.Context(), "ada", some("a"), some("b")))
			time.Sleep(100 * weeks)
			requireValue(t, s, "ada", "b")
		})
	})
}

func TestCallsThatNeedNoServer(t *testing.T) {
	none := func(context.Context, ...any) (any, error) {
		t.Error("the server is asked")
		return nil, nil
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, test := range map[string]struct {
		ctx  context.Context
		key  string
		want string
	}{
		"no key":               {t.Context(), "", "the key has 0 bytes: want 1 to 512"},
		"a long key":           {t.Context(), strings.Repeat("k", 513), "the key has 513 bytes: want 1 to 512"},
		"a context that ended": {ended, "ada", "context canceled"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t, none, nil)
			_, err := s.Load(test.ctx, test.key)
			require.EqualError(t, err, "redisstore: load: "+test.want)
			require.EqualError(t, s.CompareAndSwap(test.ctx, test.key, nil, []byte{}), "redisstore: swap: "+test.want)
		})
	}
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	fake := new(server)
	for ttl, want := range map[time.Duration]string{
		-time.Hour:           "-1h0m0s is less than a millisecond",
		-1:                   "-1ns is less than a millisecond",
		1:                    "1ns is less than a millisecond",
		time.Millisecond - 1: "999.999µs is less than a millisecond",
	} {
		for name, open := range map[string]func(*redisstore.Options) (*redisstore.Store, error){
			"New":     func(o *redisstore.Options) (*redisstore.Store, error) { return redisstore.New(fake.goRedis, o) },
			"NewFunc": func(o *redisstore.Options) (*redisstore.Store, error) { return redisstore.NewFunc(fake.do, o) },
		} {
			s, err := open(&redisstore.Options{TTL: ttl})
			require.EqualError(t, err, "redisstore: Options.TTL: "+want, name)
			assert.Nil(t, s, name)
		}
	}
	var none func(context.Context, ...any) cmd
	s, err := redisstore.New(none, nil)
	require.ErrorContains(t, err, "redisstore: do is nil: pass a function that sends a command")
	assert.Nil(t, s)
	s, err = redisstore.NewFunc(nil, nil)
	require.ErrorContains(t, err, "redisstore: do is nil: pass a function that sends a command")
	assert.Nil(t, s)
	assert.Empty(t, fake.sent, "the server is not asked")
}
