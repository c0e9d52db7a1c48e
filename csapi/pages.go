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

// walk yields the entries of a list, page by page. Contentstack does not document where such a list
// ends. So walk ends after an empty page, after count entries, and after a page without a new
// entry, because a server may ignore skip. If a request fails, walk yields the error and ends.
//
// walk compares an entry without a uid by all its fields.
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

var errEndless = errors.New("the list does not end after a thousand pages")
