package seal_test

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/seal"
)

const purpose = "a test"

// sealedBefore is "plain", sealed by the first csoauth that could, for user-1 with the key 00 01 …
// 1f.
const sealedBefore = "017017a798258b10937beb21940bd2dfcce235e1713fc2f01ba1a695434bb60179b20e290dc0"

func newBox(t testing.TB, purpose string, keys ...[]byte) *seal.Box {
	t.Helper()
	box, err := seal.New(purpose, keys)
	require.NoError(t, err)
	return box
}

func newKey() []byte {
	key := make([]byte, seal.KeySize)
	rand.Read(key)
	return key
}

func TestOpenReturnsWhatWasSealed(t *testing.T) {
	box := newBox(t, purpose, newKey())
	for _, plain := range [][]byte{nil, {}, {0}, []byte("plain"), bytes.Repeat([]byte("x"), 1<<20)} {
		for _, context := range []string{"", "user-1", strings.Repeat("k", 512)} {
			sealed := box.Seal(plain, []byte(context))
			assert.Len(t, sealed, len(plain)+seal.Overhead)
			opened, err := box.Open(sealed, []byte(context))
			require.NoError(t, err)
			assert.NotNil(t, opened)
			assert.True(t, bytes.Equal(plain, opened))
		}
	}
}

func TestSealingTwiceLooksDifferent(t *testing.T) {
	box := newBox(t, purpose, newKey())
	assert.NotEqual(t, box.Seal([]byte("plain"), nil)[5:], box.Seal([]byte("plain"), nil)[5:])
}

func TestArgumentsAreNotChangedOrKept(t *testing.T) {
	box := newBox(t, purpose, newKey())
	plain, context := []byte("plain")[:3:5], []byte("context")[:4:7]
	sealed := box.Seal(plain, context)
	kept := bytes.Clone(sealed)
	opened, err := box.Open(sealed, context)
	require.NoError(t, err)
	clear(opened)
	assert.Equal(t, kept, sealed)
	assert.Equal(t, "plain", string(plain[:5]))
	assert.Equal(t, "context", string(context[:7]))
	clear(plain)
	assert.Equal(t, kept, sealed)
}

func TestRotation(t *testing.T) {
	older, newer := newKey(), newKey()
	before, during, after := newBox(t, purpose, older), newBox(t, purpose, newer, older), newBox(t, purpose, newer)
	sealed := before.Seal([]byte("plain"), nil)
	opened, err := during.Open(sealed, nil)
	require.NoError(t, err)
	assert.Equal(t, "plain", string(opened))

	sealed = during.Seal([]byte("plain"), nil)
	_, err = after.Open(sealed, nil)
	assert.NoError(t, err, "the first key seals")
	_, err = before.Open(sealed, nil)
	assert.EqualError(t, err, "it was sealed with a key that is not among the 1 given, or for another purpose")
	_, err = newBox(t, purpose, newKey(), newKey()).Open(sealed, nil)
	assert.ErrorContains(t, err, "not among the 2 given")
}

func TestPurposesDoNotOpenEachOther(t *testing.T) {
	key := newKey()
	_, err := newBox(t, "another", key).Open(newBox(t, purpose, key).Seal([]byte("plain"), nil), nil)
	assert.ErrorContains(t, err, "for another purpose")
}

func TestContextsDoNotOpenEachOther(t *testing.T) {
	box := newBox(t, purpose, newKey())
	for _, pair := range [][2]string{{"a", "b"}, {"a", ""}, {"", "a"}, {"a", "ab"}, {"a", "a\x00"}} {
		_, err := box.Open(box.Seal([]byte("plain"), []byte(pair[0])), []byte(pair[1]))
		assert.EqualError(t, err, "it was damaged or forged, or moved here from another place", "%q", pair)
	}
}

func TestEveryFlippedBitIsRefused(t *testing.T) {
	box := newBox(t, purpose, newKey())
	sealed := box.Seal([]byte("plain"), []byte("here"))
	for i := range len(sealed) * 8 {
		forged := bytes.Clone(sealed)
		forged[i/8] ^= 1 << (i % 8)
		opened, err := box.Open(forged, []byte("here"))
		assert.Nil(t, opened)
		want := "damaged or forged"
		switch {
		case i < 8:
			want = "this csoauth opens version 1"
		case i < 5*8:
			want = "not among the 1 given"
		}
		assert.ErrorContains(t, err, want, "bit %d", i)
	}
}

func TestEveryOtherLengthIsRefused(t *testing.T) {
	box := newBox(t, purpose, newKey())
	sealed := box.Seal([]byte("plain"), nil)
	for n := range sealed {
		opened, err := box.Open(sealed[:n], nil)
		assert.Nil(t, opened)
		if n < seal.Overhead {
			assert.ErrorContains(t, err, fmt.Sprintf("it has %d bytes, and a sealed value has at least 33", n))
		} else {
			assert.ErrorContains(t, err, "damaged")
		}
	}
	_, err := box.Open(append(bytes.Clone(sealed), 0), nil)
	assert.ErrorContains(t, err, "damaged")
}

func TestKeysThatCannotWork(t *testing.T) {
	good := newKey()
	for _, test := range []struct {
		keys [][]byte
		want string
	}{
		{nil, "no key is given"},
		{[][]byte{nil}, "key 1 has 0 bytes, want 32"},
		{[][]byte{good, good[:16]}, "key 2 has 16 bytes, want 32"},
		{[][]byte{append(bytes.Clone(good), 1)}, "key 1 has 33 bytes, want 32"},
		{[][]byte{good, good, make([]byte, 32)}, "key 3 is all zero: it was never filled with random bytes"},
	} {
		box, err := seal.New(purpose, test.keys)
		assert.Nil(t, box)
		assert.EqualError(t, err, test.want)
	}
}

func TestTheCallersKeyMayChangeAfterwards(t *testing.T) {
	key := newKey()
	box := newBox(t, purpose, key)
	sealed := box.Seal([]byte("plain"), nil)
	clear(key)
	_, err := box.Open(sealed, nil)
	assert.NoError(t, err)
}

// TestKeysWithTheSameID: an ID has four bytes, so two keys may share one. The one that opens must
// be found.
func TestKeysWithTheSameID(t *testing.T) {
	a, b := newKey(), newKey()
	both := newBox(t, purpose, a, b)
	both.SameIDs()
	opened, err := both.Open(both.Seal([]byte("first"), nil), nil)
	require.NoError(t, err)
	assert.Equal(t, "first", string(opened))

	// What the second sealed under the shared ID.
	second := newBox(t, purpose, b)
	second.SetID(both)
	sealed := second.Seal([]byte("plain"), nil)
	opened, err = both.Open(sealed, nil)
	require.NoError(t, err)
	assert.Equal(t, "plain", string(opened))
	sealed[len(sealed)-1] ^= 1
	_, err = both.Open(sealed, nil)
	assert.ErrorContains(t, err, "damaged")
}

func TestPrintsNoKeys(t *testing.T) {
	key := bytes.Repeat([]byte("K"), 32)
	box := newBox(t, purpose, key)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		assert.Equal(t, "seal.Box(1 keys)", fmt.Sprintf(verb, box))
		assert.Equal(t, "seal.Box(1 keys)", fmt.Sprintf(verb, *box))
		type holder struct{ box *seal.Box }
		assert.NotContains(t, fmt.Sprintf(verb, holder{box}), "KK")
		assert.NotContains(t, fmt.Sprintf(verb, holder{box}), "75 75")
	}
}

// TestTheFormStaysTheSame opens what an older csoauth sealed. A change of the form needs another
// version, and this must still open.
func TestTheFormStaysTheSame(t *testing.T) {
	key := make([]byte, seal.KeySize)
	for i := range key {
		key[i] = byte(i)
	}
	sealed, err := hex.DecodeString(sealedBefore)
	require.NoError(t, err)
	opened, err := newBox(t, purpose, key).Open(sealed, []byte("user-1"))
	require.NoError(t, err)
	assert.Equal(t, "plain", string(opened))
}

func FuzzOpen(f *testing.F) {
	box := newBox(f, purpose, bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32))
	sealed := box.Seal([]byte("plain"), []byte("user-1"))
	f.Add(sealed, []byte("user-1"))
	f.Add(sealed, []byte("user-2"))
	f.Add(sealed[:20], []byte("user-1"))
	f.Add([]byte{}, []byte{})
	f.Add([]byte{1}, []byte{})
	f.Add([]byte{2, 0, 0}, []byte{})
	f.Fuzz(func(t *testing.T, sealed, context []byte) {
		opened, err := box.Open(sealed, context)
		if (opened == nil) == (err == nil) {
			t.Fatalf("Open = %q, %v", opened, err)
		}
		if err == nil && string(opened) != "plain" {
			t.Fatalf("the fuzzer forged %q", opened)
		}
	})
}
