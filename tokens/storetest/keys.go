package storetest

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/contentstack/csoauth/tokens"
)

// maxKey is how many bytes a key may have.
const maxKey = 512

// hostileKeys returns keys that a store may take for each other, or for something else than a key.
func hostileKeys() []string {
	sum := sha256.Sum256([]byte("a"))
	keys := []string{
		// Neighbours and parts of each other.
		"a", "ab", "abc", "b", "aa", "a.", "a/", "a ", " a", "a\t", "a\n", "a\r\n", "a\x00", "\x00a", "a\x00b", "A", "Ab",
		"AB", "aB",
		// Not text.
		"\x00", "\x00\x00", "\xff", "\xfe\xff", "\xc3\x28", "\xed\xa0\x80", "\ufeff", "\ufeffa", "\ufffd", "a\xff", "a\xfe",
		"\n", "\x7f", "\x1b[31m",
		// The same to a reader: composed and not, and cases that fold.
		"\u00e9", "e\u0301", "\u212a", "k", "K", "\u017f", "s", "S", "\u0130", "i", "I", "\u0131", "\u00df", "ss", "\uff41",
		"\u200b", "a\u200b", "\u202ea",
		// Paths, and what they may not hold.
		".", "..", "/", "//", "\\", "../a", "..\\a", "a/../b", "a/./b", "a//b", "a/b", "a\\b", "/etc/passwd", "C:\\a", "C:",
		"a:b", "~", "~/a", "a.tmp",
		".tmp", ".token", "a.token", "CON", "NUL", "nul.txt", "COM1", "a*", "a?", "[a]", "swaps", "locks", "swaps/00",
		"locks/ff", "00", "ff", "swaps/../a",
		// Names that a store may give by itself.
		hex.EncodeToString(sum[:]), strings.ToUpper(hex.EncodeToString(sum[:])), hex.EncodeToString(sum[:]) + ".token", string(sum[:]),
		base64.StdEncoding.EncodeToString([]byte("a")), base64.RawURLEncoding.EncodeToString([]byte("a")), "a%00", "a%20", "a+", "%61", "%2e%2e", "\\x61", "\\141", "&amp;", "&",
		// Words of databases, shells and formats.
		"{a}", "{a}:b", "a:{b}", "{}", "{", "}", "a:b:c", ":", "a b", "*", "%", "_", "a_b", "a%b", "?", "$1", "${a}", "$(a)",
		"`a`", "'", "''", "\"", "\"\"", "';--", "a'b", "-", "--", "-a", "#", "a#b",
		"null", "nil", "NULL", "true", "0", "1", "01", "1.0", "-1", "1e3", "[]", "\"a\"", "__proto__", "%s", "%!s(MISSING)",
		"a=b", "a,b", "a|b", "a;b", "<a>",
	}
	// As long as a key may be, and alike but for one byte, or for their end.
	long := strings.Repeat("k", maxKey)
	keys = append(keys, long, long[1:], long[1:]+"l", "l"+long[1:], long[:255]+"l"+long[256:],
		long[:64], long[:65], long[:128], long[:250], long[:255], long[:256],
		strings.Repeat("\x00", maxKey), strings.Repeat("\xff", maxKey),
		strings.Repeat("/", maxKey), strings.Repeat("\u00e9", maxKey/2), strings.Repeat("../", maxKey/3))
	return keys
}

// testKeys: every key has a value of its own.
func testKeys(t *testing.T, s suite) {
	h := s.two(t)
	keys := hostileKeys()
	number := func(i int) []byte { return fmt.Appendf(nil, "value %d", i) }
	for i, key := range keys {
		h[0].want(key, nil)
		h[0].swap(key, nil, number(i))
	}
	for i, key := range keys {
		h[1].want(key, number(i))
	}
	for i, key := range keys {
		if i%2 == 0 {
			h[1].swap(key, number(i), nil)
		}
	}
	for i, key := range keys {
		want := number(i)
		if i%2 == 0 {
			want = nil
		}
		h[0].want(key, want)
	}
}

// testKeyLimits: a key has 1 to 512 bytes. For another key a store returns an error that no caller
// can take for a result.
func testKeyLimits(t *testing.T, s suite) {
	h := s.one(t)
	for _, key := range []string{"", strings.Repeat("k", maxKey+1), strings.Repeat("k", 1<<16)} {
		check := func(call string, err error) {
			t.Helper()
			switch {
			case err == nil:
				t.Fatalf("%s takes a key of %d bytes", call, len(key))
			case errors.Is(err, tokens.ErrNotFound) || errors.Is(err, tokens.ErrConflict):
				t.Fatalf("%s refuses a key of %d bytes with %v: it must be neither ErrNotFound nor ErrConflict", call, len(key), err)
			case errors.Is(err, context.DeadlineExceeded):
				t.Fatalf("%s waits with a key of %d bytes", call, len(key))
			}
		}
		_, err := h.Load(t.Context(), key)
		check("Load", err)
		check("CompareAndSwap", h.CompareAndSwap(t.Context(), key, nil, a))
		check("CompareAndSwap", h.CompareAndSwap(t.Context(), key, a, b))
		check("CompareAndSwap", h.CompareAndSwap(t.Context(), key, a, nil))
		check("CompareAndSwap", h.CompareAndSwap(t.Context(), key, nil, nil))
		if locker, ok := h.Store.(tokens.Locker); ok {
			_, err := locker.Lock(soon(t), key)
			check("Lock", err)
		}
	}
	h.want(strings.Repeat("k", maxKey), nil) // and was not cut to this
}
