package tokens_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

// storetest.Run goes over Sealed with every store. Here is what it cannot see.

const sealedKey, sealedText = "user-1", "an access token and a refresh token"

func key32(b byte) []byte { return bytes.Repeat([]byte{b}, 32) }

func sealed(t *testing.T, inner tokens.Store, keys ...[]byte) tokens.Store {
	t.Helper()
	s, err := tokens.Sealed(inner, keys...)
	require.NoError(t, err)
	return s
}

// sealedOne returns a Memory with one value in it, and that value as it is there.
func sealedOne(t *testing.T, keys ...[]byte) (inner *tokens.Memory, value []byte) {
	t.Helper()
	inner = &tokens.Memory{}
	require.NoError(t, sealed(t, inner, keys...).CompareAndSwap(t.Context(), sealedKey, nil, []byte(sealedText)))
	value, err := inner.Load(t.Context(), sealedKey)
	require.NoError(t, err)
	return inner, value
}

func TestSealedShowsNothingOfTheValue(t *testing.T) {
	_, value := sealedOne(t, key32(1))
	for i := range len(sealedText) - 3 {
		assert.NotContains(t, string(value), sealedText[i:i+4])
	}
}

func TestSealedTwiceLooksDifferent(t *testing.T) {
	_, one := sealedOne(t, key32(1))
	_, other := sealedOne(t, key32(1))
	assert.NotEqual(t, one, other)
}

func TestSealedRefusesEveryFlippedByte(t *testing.T) {
	inner, value := sealedOne(t, key32(1))
	s := sealed(t, inner, key32(1))
	last := value
	for i := range value {
		forged := bytes.Clone(value)
		forged[i] ^= 0x10
		require.NoError(t, inner.CompareAndSwap(t.Context(), sealedKey, last, forged))
		last = forged
		assertDoesNotOpen(t, s, sealedKey)
	}
	require.NoError(t, inner.CompareAndSwap(t.Context(), sealedKey, last, []byte{}))
	assertDoesNotOpen(t, s, sealedKey)
	require.NoError(t, inner.CompareAndSwap(t.Context(), sealedKey, []byte{}, value))
	assertOpens(t, s)
}

// TestSealedValueMoved: who writes to the store must not be able to hand one user's token to
// another.
func TestSealedValueMoved(t *testing.T) {
	inner, value := sealedOne(t, key32(1))
	require.NoError(t, inner.CompareAndSwap(t.Context(), "user-2", nil, value))
	assertDoesNotOpen(t, sealed(t, inner, key32(1)), "user-2")
}

// A reader leaves what it cannot open. Who may write can replace or delete it.
func TestSealedLeavesWhatItCannotOpen(t *testing.T) {
	inner, value := sealedOne(t, key32(1))
	s := sealed(t, inner, key32(2))
	assertDoesNotOpen(t, s, sealedKey)
	got, err := inner.Load(t.Context(), sealedKey)
	require.NoError(t, err)
	assert.Equal(t, value, got)

	shown, err := s.Load(t.Context(), sealedKey)
	require.ErrorIs(t, err, tokens.ErrUnreadable)
	require.ErrorIs(t, s.CompareAndSwap(t.Context(), sealedKey, []byte(sealedText), nil), tokens.ErrConflict)
	require.NoError(t, s.CompareAndSwap(t.Context(), sealedKey, shown, nil))
	_, err = s.Load(t.Context(), sealedKey)
	assert.ErrorIs(t, err, tokens.ErrNotFound)
}

func TestSealedRotation(t *testing.T) {
	older, newer := key32(1), key32(2)
	inner, _ := sealedOne(t, older)
	added, moved := sealed(t, inner, older, newer), sealed(t, inner, newer, older)
	assertOpens(t, added)
	assertOpens(t, moved)
	require.NoError(t, moved.CompareAndSwap(t.Context(), sealedKey, []byte(sealedText), []byte("between")))
	require.NoError(t, moved.CompareAndSwap(t.Context(), sealedKey, []byte("between"), []byte(sealedText)))
	assertOpens(t, added) // a process that was not told yet
	assertOpens(t, sealed(t, inner, newer))
	assertDoesNotOpen(t, sealed(t, inner, older), sealedKey)
}

func TestSealedArguments(t *testing.T) {
	for _, test := range []struct {
		store tokens.Store
		keys  [][]byte
		want  string
	}{
		{nil, [][]byte{key32(1)}, "tokens: sealed: the store is nil"},
		{tokens.Single(nil, func(context.Context, *csoauth.Token) error { return nil }), [][]byte{key32(1)}, "tokens: sealed: Single cannot be sealed, because it passes a token to its function: seal what that function stores"},
		{&tokens.Memory{}, nil, "tokens: sealed: no key is given"},
		{&tokens.Memory{}, [][]byte{key32(1), key32(1)[:16]}, "tokens: sealed: key 2 has 16 bytes, want 32"},
		{&tokens.Memory{}, [][]byte{key32(0)}, "tokens: sealed: key 1 is all zero: it was never filled with random bytes"},
	} {
		s, err := tokens.Sealed(test.store, test.keys...)
		assert.Nil(t, s)
		assert.EqualError(t, err, test.want)
	}
}

func TestSealedIsALockerIfTheStoreIs(t *testing.T) {
	_, ok := sealed(t, &tokens.Memory{}, key32(1)).(tokens.Locker)
	assert.False(t, ok)
	dir := tokens.Dir(t.TempDir())
	locker, ok := sealed(t, dir, key32(1)).(tokens.Locker)
	require.True(t, ok)
	unlock, err := locker.Lock(t.Context(), sealedKey)
	require.NoError(t, err)
	defer unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 1)
	defer cancel()
	_, err = dir.Lock(ctx, sealedKey)
	assert.ErrorIs(t, err, context.DeadlineExceeded, "they share the lock")
}

func TestSealedPrintsNoSecrets(t *testing.T) {
	inner, _ := sealedOne(t, key32('K'))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		for _, secret := range []string{"KKKK", "75 75", "4b4b", "0x4b, 0x4b", sealedText} {
			assert.NotContains(t, fmt.Sprintf(verb, sealed(t, inner, key32('K'))), secret)
		}
	}
}

// A recorder is a Store that remembers the swaps it was asked for, and does something before each.
type recorder struct {
	tokens.Store
	swaps  []swapCall
	before func(n int) error // of the n-th swap; nil is nothing, an error is its result
}

type swapCall struct{ old, new []byte }

func (r *recorder) CompareAndSwap(ctx context.Context, key string, old, new []byte) error {
	r.swaps = append(r.swaps, swapCall{old, new})
	if r.before != nil {
		if err := r.before(len(r.swaps)); err != nil {
			return err
		}
	}
	return r.Store.CompareAndSwap(ctx, key, old, new)
}

// TestSealedSwapsOverWhatItRead: over the very bytes, or a change in between would be lost.
func TestSealedSwapsOverWhatItRead(t *testing.T) {
	inner, value := sealedOne(t, key32(1))
	r := &recorder{Store: inner}
	s := sealed(t, r, key32(1))
	text := []byte(sealedText)

	require.NoError(t, s.CompareAndSwap(t.Context(), sealedKey, text, []byte("second")))
	require.NoError(t, s.CompareAndSwap(t.Context(), sealedKey, text, []byte("second")), "a repeat")
	require.NoError(t, s.CompareAndSwap(t.Context(), sealedKey, []byte("second"), nil))
	require.NoError(t, s.CompareAndSwap(t.Context(), sealedKey, []byte("second"), nil), "a repeat")
	require.NoError(t, s.CompareAndSwap(t.Context(), sealedKey, nil, text))
	assert.ErrorIs(t, s.CompareAndSwap(t.Context(), sealedKey, nil, []byte("second")), tokens.ErrConflict)

	require.Len(t, r.swaps, 5)
	second := r.swaps[0].new
	assert.Equal(t, []swapCall{
		{value, second},
		{second, second}, // only the inner store knows whether it would outlive a crash
		{second, nil},
		{nil, nil},
		{nil, r.swaps[4].new},
	}, r.swaps)
	assert.NotEqual(t, value, r.swaps[4].new)
}

// TestSealedValueThatChangesBetween the Load and the swap of the inner store.
func TestSealedValueThatChangesBetween(t *testing.T) {
	for _, test := range []struct {
		name    string
		theirs  []byte // what another process makes of it
		old     []byte
		new     []byte
		want    error
		remains []byte
	}{
		{"to another value", []byte("theirs"), []byte(sealedText), []byte("ours"), tokens.ErrConflict, []byte("theirs")},
		{"to nothing", nil, []byte(sealedText), []byte("ours"), tokens.ErrConflict, nil},
		{"to the same new value", []byte("ours"), []byte(sealedText), []byte("ours"), nil, []byte("ours")},
		{"to the same nothing", nil, []byte(sealedText), nil, nil, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			inner, _ := sealedOne(t, key32(1))
			other := sealed(t, inner, key32(1))
			s := sealed(t, &recorder{Store: inner, before: func(n int) error {
				if n > 1 {
					return nil
				}
				return other.CompareAndSwap(t.Context(), sealedKey, []byte(sealedText), test.theirs)
			}}, key32(1))
			assert.ErrorIs(t, s.CompareAndSwap(t.Context(), sealedKey, test.old, test.new), test.want)
			got, err := s.Load(t.Context(), sealedKey)
			if test.remains == nil {
				assert.ErrorIs(t, err, tokens.ErrNotFound)
			}
			assert.Equal(t, test.remains, got)
		})
	}
}

// TestSealedOverABrokenStore: one that calls everything a conflict gets tired of, and not tried for
// ever.
func TestSealedOverABrokenStore(t *testing.T) {
	r := &recorder{Store: &tokens.Memory{}, before: func(int) error { return tokens.ErrConflict }}
	err := sealed(t, r, key32(1)).CompareAndSwap(t.Context(), sealedKey, nil, []byte("x"))
	assert.ErrorIs(t, err, tokens.ErrConflict)
	assert.Len(t, r.swaps, 100)
}

func TestSealedPassesOnWhatItCannotJudge(t *testing.T) {
	broken := errors.New("connection lost")
	r := &recorder{Store: &tokens.Memory{}, before: func(int) error { return broken }}
	err := sealed(t, r, key32(1)).CompareAndSwap(t.Context(), sealedKey, nil, []byte("x"))
	assert.Equal(t, broken, err)
	assert.Len(t, r.swaps, 1)

	err = sealed(t, unreadable{&tokens.Memory{}}, key32(1)).CompareAndSwap(t.Context(), sealedKey, nil, []byte("x"))
	require.ErrorIs(t, err, errUnreadable)
	assert.ErrorContains(t, err, "; nothing was changed")
}

var errUnreadable = errors.New("cannot be read")

type unreadable struct{ tokens.Store }

func (unreadable) Load(context.Context, string) ([]byte, error) { return nil, errUnreadable }

func assertOpens(t *testing.T, s tokens.Store) {
	t.Helper()
	got, err := s.Load(t.Context(), sealedKey)
	require.NoError(t, err)
	assert.Equal(t, sealedText, string(got))
}

// assertDoesNotOpen: it is an error and no miss, and a swap over anything else is a conflict.
func assertDoesNotOpen(t *testing.T, s tokens.Store, key string) {
	t.Helper()
	_, err := s.Load(t.Context(), key)
	require.ErrorIs(t, err, tokens.ErrUnreadable)
	require.ErrorContains(t, err, "tokens: sealed: the value cannot be read: it ")
	assert.False(t, errors.Is(err, tokens.ErrNotFound) || errors.Is(err, tokens.ErrConflict), "%v", err)
	assert.False(t, strings.Contains(err.Error(), key), "%v", err)
	for _, old := range [][]byte{nil, []byte("x"), []byte(sealedText)} {
		require.ErrorIs(t, s.CompareAndSwap(t.Context(), key, old, []byte("y")), tokens.ErrConflict)
	}
}

func ExampleSealed() {
	// In a real program: 32 random bytes, which are kept elsewhere than the values.
	older, newer := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)

	store := tokens.Dir("tokens")
	sealed, err := tokens.Sealed(store, newer, older) // newer seals; both open
	if err != nil {
		fmt.Println(err)
		return
	}
	_, locks := sealed.(tokens.Locker)
	fmt.Println("a Locker, as Dir is one:", locks)
	// Output: a Locker, as Dir is one: true
}
