package tokens_test

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

// singleRecords are two values of a Manager's: those of two logins.
func singleRecords(t *testing.T) (first, second []byte) {
	t.Helper()
	p, store := newProvider(), new(tokens.Memory)
	m := newManager(p.config(), store, nil)
	defer m.Close()
	for _, record := range []*[]byte{&first, &second} {
		require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
		var err error
		*record, err = store.Load(t.Context(), "user")
		require.NoError(t, err)
	}
	return first, second
}

// What storetest checks of a Store that takes any value, for one that takes a Manager's.
func TestSingleSwaps(t *testing.T) {
	first, second := singleRecords(t)
	for name, row := range map[string]struct {
		is, old, new []byte
		conflict     bool
		saves        int
	}{
		"the first":            {nil, nil, first, false, 1},
		"another":              {first, first, second, false, 1},
		"nothing":              {first, first, nil, false, 1},
		"the same again":       {first, first, first, false, 0},
		"done already":         {second, first, second, false, 0},
		"created already":      {first, nil, first, false, 0},
		"deleted already":      {nil, first, nil, false, 0},
		"nothing by nothing":   {nil, nil, nil, false, 0},
		"there is one":         {first, nil, second, true, 0},
		"there is another":     {first, second, nil, true, 0},
		"there is none":        {nil, first, second, true, 0},
		"an empty one is none": {nil, []byte{}, first, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			state := &singleState{p: newProvider()}
			s := tokens.Single(nil, state.save)
			if row.is != nil {
				require.NoError(t, s.CompareAndSwap(t.Context(), "user", nil, row.is))
				state.saves = nil
			}
			err := s.CompareAndSwap(t.Context(), "user", row.old, row.new)
			want := row.new
			if row.conflict {
				require.ErrorIs(t, err, tokens.ErrConflict)
				require.NotErrorIs(t, err, tokens.ErrNotFound)
				requireNoSecret(t, err.Error())
				want = row.is
			} else {
				require.NoError(t, err)
			}
			assert.Len(t, state.saved(), row.saves)
			got, err := s.Load(t.Context(), "user")
			if want == nil {
				require.ErrorIs(t, err, tokens.ErrNotFound)
				assert.Nil(t, state.current())
				return
			}
			require.NoError(t, err)
			assert.Equal(t, want, got)
			assert.NotNil(t, state.current())
		})
	}
}

// What the state has is not saved again, unless a save before failed: then nobody knows what it
// has.
func TestSingleSavesATokenOnce(t *testing.T) {
	first, second := singleRecords(t)
	same := func(record []byte) []byte { return append(bytes.Clone(record), ' ') } // another value with the same token
	p := newProvider()
	state := &singleState{p: p}
	s := tokens.Single(nil, state.save)
	swap := func(old, new []byte) error { return s.CompareAndSwap(t.Context(), "user", old, new) }
	saves := func(want int) {
		t.Helper()
		assert.Len(t, state.saved(), want)
	}
	require.NoError(t, swap(nil, first))
	saves(1)
	require.NoError(t, swap(first, same(first)))
	saves(1)
	got, err := s.Load(t.Context(), "user")
	require.NoError(t, err)
	assert.Equal(t, same(first), got)

	broken := true
	state.fails = func(int) error {
		if broken {
			return errors.New("the disk is full")
		}
		return nil
	}
	require.Error(t, swap(same(first), second))
	saves(2)
	broken = false
	require.NoError(t, swap(same(first), first), "it may be the second that the state has")
	saves(3)
	require.NoError(t, swap(first, same(first)))
	saves(3)
	require.NoError(t, swap(same(first), nil))
	saves(4)
	assert.Nil(t, state.current())
	require.NoError(t, swap(nil, first))
	saves(5)

	leased := bytes.Replace(first, []byte(`"token":`), []byte(`"lease":"a/b","lease_ms":1000,"token":`), 1)
	require.NoError(t, swap(first, leased), "it shows that the state can be written")
	saves(6)
	require.NoError(t, swap(leased, first))
	saves(6)
}

// TestSingleKnowsItsFirstToken: the state has it from the start.
func TestSingleKnowsItsFirstToken(t *testing.T) {
	state := &singleState{p: newProvider(), token: newProvider().login("user")}
	s := tokens.Single(state.token, state.save)
	value, err := s.Load(t.Context(), "user")
	require.NoError(t, err)
	require.NoError(t, s.CompareAndSwap(t.Context(), "user", value, append(bytes.Clone(value), ' ')))
	assert.Empty(t, state.saved())
}

func TestSingleKeepsNobodysSlices(t *testing.T) {
	first, _ := singleRecords(t)
	s := tokens.Single(nil, (&singleState{p: newProvider()}).save)
	passed := bytes.Clone(first)
	require.NoError(t, s.CompareAndSwap(t.Context(), "user", nil, passed))
	clear(passed)
	loaded, err := s.Load(t.Context(), "user")
	require.NoError(t, err)
	require.Equal(t, first, loaded)
	clear(loaded)
	loaded, err = s.Load(t.Context(), "user")
	require.NoError(t, err)
	assert.Equal(t, first, loaded)
}

func TestSingleChangesNothingAfterAnError(t *testing.T) {
	first, second := singleRecords(t)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	full := errors.New("the disk is full")
	for name, row := range map[string]struct {
		ctx   context.Context
		key   string
		new   []byte
		fails error
		is    error
	}{
		"ctx has ended":        {ended, "user", second, nil, context.Canceled},
		"no key":               {t.Context(), "", second, nil, nil},
		"a key too long":       {t.Context(), strings.Repeat("k", 513), second, nil, nil},
		"another key":          {t.Context(), "other", second, nil, nil},
		"an empty value":       {t.Context(), "user", []byte{}, nil, nil},
		"no record":            {t.Context(), "user", []byte("hello"), nil, nil},
		"save fails":           {t.Context(), "user", second, full, full},
		"save fails to delete": {t.Context(), "user", nil, full, full},
	} {
		t.Run(name, func(t *testing.T) {
			state := &singleState{p: newProvider()}
			s := tokens.Single(nil, state.save)
			require.NoError(t, s.CompareAndSwap(t.Context(), "user", nil, first))
			before := state.current()
			state.fails = func(int) error { return row.fails }
			err := s.CompareAndSwap(row.ctx, row.key, first, row.new)
			require.Error(t, err)
			if row.is != nil {
				require.ErrorIs(t, err, row.is)
			}
			require.NotErrorIs(t, err, tokens.ErrConflict)
			require.NotErrorIs(t, err, tokens.ErrNotFound)
			requireNoSecret(t, err.Error())
			got, err := s.Load(t.Context(), "user")
			require.NoError(t, err)
			assert.Equal(t, first, got)
			assert.Same(t, before, state.current())
		})
	}
	t.Run("load", func(t *testing.T) {
		s := tokens.Single(newProvider().login("user"), saveNowhere)
		_, err := s.Load(ended, "user")
		require.ErrorIs(t, err, context.Canceled)
		_, err = s.Load(t.Context(), "")
		require.Error(t, err)
		require.NotErrorIs(t, err, tokens.ErrNotFound)
	})
}

func TestSingleTakesAKeyOfAnyBytes(t *testing.T) {
	for _, key := range []string{"k", strings.Repeat("k", 512), "a/../b", "\x00\xff", " "} {
		_, err := tokens.Single(newProvider().login("user"), saveNowhere).Load(t.Context(), key)
		require.NoError(t, err, "%q", key)
	}
}

func TestSingleSavesOneAtATime(t *testing.T) {
	first, second := singleRecords(t)
	var mu sync.Mutex // TryLock fails if two saves are under way
	s := tokens.Single(nil, func(context.Context, *csoauth.Token) error {
		if assert.True(t, mu.TryLock(), "two saves at a time") {
			runtime.Gosched()
			mu.Unlock()
		}
		return nil
	})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 200 {
				old, err := s.Load(t.Context(), "user")
				if err != nil {
					old = nil
				}
				for _, next := range [][]byte{first, second, nil} {
					_ = s.CompareAndSwap(t.Context(), "user", old, next) // who wins is not the point
				}
			}
		})
	}
	all.Wait()
}

// save is the tool's own and may take long; who cannot wait for it need not.
func TestSingleHeedsContextsDuringASave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := singleRecords(t)
		s := tokens.Single(nil, func(context.Context, *csoauth.Token) error {
			time.Sleep(time.Minute)
			return nil
		})
		var all sync.WaitGroup
		all.Go(func() { assert.NoError(t, s.CompareAndSwap(t.Context(), "user", nil, first)) })
		synctest.Wait()
		for _, wait := range []func(context.Context) error{
			func(ctx context.Context) error { _, err := s.Load(ctx, "user"); return err },
			func(ctx context.Context) error { return s.CompareAndSwap(ctx, "user", first, second) },
		} {
			began := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			require.ErrorIs(t, wait(ctx), context.DeadlineExceeded)
			cancel()
			assert.Equal(t, time.Second, time.Since(began))
		}
		all.Wait()
		got, err := s.Load(t.Context(), "user")
		require.NoError(t, err)
		assert.Equal(t, first, got)
	})
}

func saveNowhere(context.Context, *csoauth.Token) error { return nil }

func TestSingleWithoutASaveIsAMistakeThatShowsAtOnce(t *testing.T) {
	require.Panics(t, func() { tokens.Single(newProvider().login("user"), nil) })
}
