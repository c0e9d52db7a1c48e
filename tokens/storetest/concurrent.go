package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/contentstack/csoauth/tokens"
)

const crowd = 8

// together runs do in a crowd of goroutines that begin at the same moment, each with one of two
// handles, and returns their errors.
func together(h [2]handle, do func(h handle, i int) error) []error {
	errs := make([]error, crowd)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			<-start
			errs[i] = do(h[i%2], i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}

// testIncrements: no increment of a counter is lost. Each value names who wrote it: two who ask for
// the same value both succeed.
func testIncrements(t *testing.T, s suite) {
	h := s.two(t)
	ctx := soon(t)
	const each = 10
	errs := together(h, func(h handle, i int) error {
		for done := 0; done < each; {
			old, err := h.Load(ctx, key)
			if err != nil && !errors.Is(err, tokens.ErrNotFound) {
				return err
			}
			err = h.CompareAndSwap(ctx, key, old, fmt.Appendf(nil, "%d by %d", count(old)+1, i))
			switch {
			case err == nil:
				done++
			case !errors.Is(err, tokens.ErrConflict):
				return err
			}
		}
		return nil
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	for _, h := range h {
		if value := h.load(key); count(value) != crowd*each {
			t.Fatalf("the counter is at %s after %d increments", show(value), crowd*each)
		}
	}
}

// count returns the number that value begins with; none is 0.
func count(value []byte) int {
	digits, _, _ := strings.Cut(string(value), " ")
	n, _ := strconv.Atoi(digits)
	return n
}

// testOneWinner: of many who create, replace or empty the same value at the same time, exactly one
// succeeds.
func testOneWinner(t *testing.T, s suite) {
	h := s.two(t)
	for round := range 10 {
		key := fmt.Sprintf("round %d", round)
		var old []byte
		for step := range 3 {
			value := func(i int) []byte { return fmt.Appendf(nil, "%d of step %d", i, step) }
			errs := together(h, func(h handle, i int) error { return h.CompareAndSwap(t.Context(), key, old, value(i)) })
			winner := -1
			for i, err := range errs {
				switch {
				case err == nil && winner >= 0:
					t.Fatalf("both %d and %d replaced %s", winner, i, show(old))
				case err == nil:
					winner = i
				case !errors.Is(err, tokens.ErrConflict):
					t.Fatal(err)
				}
			}
			if winner < 0 {
				t.Fatalf("nobody replaced %s, and nobody else changed it", show(old))
			}
			old = value(winner)
			for _, h := range h {
				h.want(key, old)
			}
		}
	}
}

// testSameSwap: all who ask for the same swap at the same time succeed, because it is done.
func testSameSwap(t *testing.T, s suite) {
	h := s.two(t)
	for range 5 {
		for _, step := range []struct{ old, new []byte }{{nil, a}, {a, b}, {b, empty}, {empty, nil}} {
			errs := together(h, func(h handle, _ int) error {
				return h.CompareAndSwap(t.Context(), key, step.old, bytes.Clone(step.new))
			})
			if err := errors.Join(errs...); err != nil {
				t.Fatalf("%d who swapped %s for %s: %v", crowd, show(step.old), show(step.new), err)
			}
			h[0].want(key, step.new)
		}
	}
}
