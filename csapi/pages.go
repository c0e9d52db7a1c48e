package csapi

import (
	"context"
	"errors"
	"fmt"
	"iter"
)

// maxPages is how many pages of a list are read at most.
const maxPages = 1000

// A page is a part of a list.
type page[T any] struct {
	entries []T
	count   *int // of the whole list; nil: the response does not say
}

// walk yields the entries of a list, page by page. Nobody documents when such a list has ended, so
// it ends with an empty page, with the count, and with a page that has no entry that is new: a
// server may ignore skip. An error comes last.
//
// An entry without a uid is known by all that it says.
func walk[T comparable](ctx context.Context, uid func(T) string, read func(ctx context.Context, skip int) (page[T], error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		seen := map[any]bool{}
		skip := 0
		for range maxPages {
			p, err := read(ctx, skip)
			if err != nil {
				yield(none, err)
				return
			}
			isNew := false
			for _, entry := range p.entries {
				var id any = entry
				if u := uid(entry); u != "" {
					id = u
				}
				if seen[id] {
					continue
				}
				seen[id] = true
				isNew = true
				if !yield(entry, nil) {
					return
				}
			}
			skip += len(p.entries)
			if !isNew || p.count != nil && skip >= *p.count {
				return
			}
		}
		yield(none, fmt.Errorf("csapi: %w", errEndless))
	}
}

var errEndless = errors.New("the list does not end, after a thousand pages")
