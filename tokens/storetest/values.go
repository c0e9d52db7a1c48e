package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/contentstack/csoauth/tokens"
)

const key = "user-1"

// The values of a test, by what they are to it. A nil value is none.
var (
	a, b, c = []byte("first"), []byte("second"), []byte("third")
	empty   = []byte{}
)

// testMiss: a key without a value is an error that wraps ErrNotFound, before the first swap and
// after a delete.
func testMiss(t *testing.T, s suite) {
	h := s.one(t)
	miss := func() {
		t.Helper()
		value, err := h.Load(t.Context(), key)
		if !errors.Is(err, tokens.ErrNotFound) || value != nil {
			t.Fatalf("Load = %s, %v; want no value and an error that wraps ErrNotFound", show(value), err)
		}
		if errors.Is(err, tokens.ErrConflict) {
			t.Fatalf("Load = %v, which also wraps ErrConflict", err)
		}
	}
	miss()
	h.swap(key, nil, a)
	h.want(key, a)
	h.want("user-2", nil)
	h.swap(key, a, nil)
	miss()
	h.swap(key, nil, b)
	h.want(key, b)
}

// testSwap goes through every way in which the value, old and new can be alike or differ.
func testSwap(t *testing.T, s suite) {
	h := s.one(t)
	values := map[string][]byte{"none": nil, "empty": empty, "a": a, "b": b, "c": c}
	for currentName, current := range values {
		for oldName, old := range values {
			for newName, new := range values {
				// Each has a key of its own, so none depends on the others.
				key := fmt.Sprintf("%s, %s to %s", currentName, oldName, newName)
				if current != nil {
					h.swap(key, nil, current)
				}
				if same(current, old) || same(current, new) {
					h.swap(key, old, new)
					h.want(key, new)
				} else {
					h.conflict(key, old, new)
					h.want(key, current)
				}
			}
		}
	}
}

// testRepeat: a swap that was done already is a success, whatever the caller thinks was there.
func testRepeat(t *testing.T, s suite) {
	h := s.two(t)
	for _, step := range []struct {
		name     string
		old, new []byte
	}{
		{"create", nil, a},
		{"replace", a, b},
		{"empty", b, empty},
		{"delete", empty, nil},
	} {
		t.Run(step.name, func(t *testing.T) {
			h := [2]handle{{h[0].Store, t}, {h[1].Store, t}}
			h[0].swap(key, step.old, step.new)
			for _, old := range [][]byte{step.old, nil, empty, a, b, c, step.new} {
				for _, h := range h {
					h.swap(key, old, step.new)
					h.want(key, step.new)
				}
			}
		})
	}
}

// testEmpty: an empty value is a value.
func testEmpty(t *testing.T, s suite) {
	h := s.one(t)
	h.swap(key, nil, empty)
	h.want(key, empty)
	h.conflict(key, nil, a)
	h.want(key, empty)
	h.swap(key, empty, a)
	h.want(key, a)
	h.conflict(key, empty, b)
	h.swap(key, a, empty)
	h.want(key, empty)
	h.swap(key, empty, nil)
	h.want(key, nil)
	h.conflict(key, empty, a)
	h.want(key, nil)
}

// testValues: a value is any bytes, up to the largest that must fit, and comes back as it was.
func testValues(t *testing.T, s suite) {
	h := s.one(t)
	values := [][]byte{
		{0}, {0, 0, 0}, {0xff}, {0xff, 0xfe}, []byte(" a "), []byte("a\n"), []byte("a\r\n"), []byte("\ufeffa"),
		[]byte(`{"a":"\u00e9"}`), []byte(`'";--`), []byte("null"), []byte("e\u0301"), []byte("\u00e9"), []byte("$1 %s \\x00"),
	}
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	values = append(values, every)
	for _, size := range []int{255, 4095, 4096, 4097, s.max - 1, s.max} {
		values = append(values, bytes.Repeat(every, size/256+1)[:size])
	}
	var last []byte
	for _, value := range values {
		h.swap(key, last, value)
		h.want(key, value)
		last = value
	}

	// Values of the same size, which differ in one byte only.
	for _, i := range []int{0, s.max / 2, s.max - 1} {
		other := bytes.Clone(last)
		other[i] ^= 1
		h.conflict(key, other, a)
		h.want(key, last)
		h.swap(key, last, other)
		h.want(key, other)
		last = other
	}
	h.conflict(key, last[:len(last)-1], a)
	h.swap(key, last, nil)
	h.want(key, nil)
}

// testAliasing: the caller keeps its slices. The store neither changes them nor notices when the
// caller does.
func testAliasing(t *testing.T, s suite) {
	h := s.one(t)
	const text, more = "value one", " and more"
	spare := []byte(text + more)
	value := spare[:len(text):len(spare)]
	h.swap(key, nil, value)
	if string(spare) != text+more {
		t.Fatalf("CompareAndSwap changed the slice of new, or the room behind it: %q", spare)
	}
	clear(spare)
	h.want(key, []byte(text))

	for _, change := range []func([]byte){
		func(b []byte) { clear(b) },
		func(b []byte) { clear(b[:cap(b)]) },
		func(b []byte) { _ = append(b, "xxxx"...) },
	} {
		change(h.load(key))
		h.want(key, []byte(text))
	}
	first, second := h.load(key), h.load(key)
	clear(first)
	if string(second) != text {
		t.Fatalf("two Loads share a slice: %q", second)
	}

	spare = []byte(text + more)
	old, new := spare[:len(text):len(spare)], []byte("value two")
	h.swap(key, old, new)
	if string(spare) != text+more || string(new) != "value two" {
		t.Fatalf("CompareAndSwap changed the slice of old or new: %q, %q", spare, new)
	}
	clear(spare)
	h.want(key, []byte("value two"))
	h.conflict(key, []byte("other"), old)
	clear(old)
	clear(new)
	h.want(key, []byte("value two"))
}

// testHandles: Load sees every swap that returned before, through whichever handle.
func testHandles(t *testing.T, s suite) {
	h := s.two(t)
	var last []byte
	for i := range 20 {
		next := fmt.Appendf(nil, "%d", i)
		if i%5 == 4 {
			next = nil
		}
		h[1].want(key, last) // so that a handle with a cache has something in it
		h[0].swap(key, last, next)
		h[1].want(key, next)
		h[0].want(key, next)
		if last != nil {
			h[1].conflict(key, last, c)
		}
		last = next
		h[0], h[1] = h[1], h[0]
	}
}

// testDirs: two dirs are two stores. It checks open more than the store.
func testDirs(t *testing.T, s suite) {
	one, other := s.one(t), s.one(t)
	one.swap(key, nil, a)
	other.want(key, nil)
	other.swap(key, nil, b)
	one.want(key, a)
}

// testContext: a context that has ended before the call changes nothing, and the error says so.
func testContext(t *testing.T, s suite) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	expired, cancel := context.WithTimeout(t.Context(), -1)
	defer cancel()
	for _, test := range []struct {
		ctx  context.Context
		want error
	}{
		{cancelled, context.Canceled},
		{expired, context.DeadlineExceeded},
	} {
		h := s.one(t)
		check := func(call string, err error) {
			t.Helper()
			if !errors.Is(err, test.want) || errors.Is(err, tokens.ErrNotFound) || errors.Is(err, tokens.ErrConflict) {
				t.Fatalf("%s = %v, want an error that wraps that of the context, and neither ErrNotFound nor ErrConflict", call, err)
			}
		}
		_, err := h.Load(test.ctx, key)
		check("Load of a missing key", err)
		check("create", h.CompareAndSwap(test.ctx, key, nil, a))
		h.want(key, nil)
		h.swap(key, nil, a)

		value, err := h.Load(test.ctx, key)
		check("Load", err)
		if value != nil {
			t.Fatalf("Load returned %s besides the error", show(value))
		}
		check("replace", h.CompareAndSwap(test.ctx, key, a, b))
		check("a swap that would conflict", h.CompareAndSwap(test.ctx, key, b, c))
		check("delete", h.CompareAndSwap(test.ctx, key, a, nil))
		h.want(key, a)
	}
}
