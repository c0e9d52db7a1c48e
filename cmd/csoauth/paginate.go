package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

const maxPages = 1000

// maxJoined is how many bytes pages may have together. Tests lower it.
var maxJoined = 256 << 20

// paginate gets the pages of a list, and writes them as one document: the first page, its array
// with the entries of all. query is that of the first page.
//
// Nobody documents when such a list has ended. So it ends with an empty page, with a page that is
// the same as the one before, because the API ignores skip, and with the count. Some APIs may count
// the page alone, so that a first page of count entries is followed by another request.
func paginate(out *bytes.Buffer, query string, get func(query string) ([]byte, error)) error {
	skip, err := skipIn(query)
	if err != nil {
		return usage(err)
	}
	var first, before *page
	entries := joined{}
	size := 0
	for number := 1; number <= maxPages; number++ {
		ask := query
		if number > 1 {
			ask = withSkip(query, skip)
		}
		content, err := get(ask)
		if err != nil {
			return fmt.Errorf("%w (after %d pages, which are not printed)", err, number-1)
		}
		p, err := parsePage(content)
		if err == nil && first != nil && p.list != first.list {
			err = fmt.Errorf("its list is %q, and that of the first page is %q", p.list, first.list)
		}
		if err != nil {
			return fmt.Errorf("page %d cannot be joined: %w", number, err)
		}
		if size += len(content); size > maxJoined {
			return fmt.Errorf("the pages have over %d bytes: get them one by one", maxJoined)
		}
		isSame := before != nil && p.hasEntriesOf(before)
		if first == nil {
			first = p
		}
		if len(p.entries) == 0 || isSame {
			if isSame && first.count > skip {
				return fmt.Errorf("the list has %d entries, and page %d is the same as the one before: the API takes no skip here, so --paginate cannot have them all", first.count, number)
			}
			first.write(out, entries.all)
			return nil
		}
		entries.add(p.entries)
		skip += len(p.entries)
		if skip >= p.count && p.count > len(p.entries) {
			first.write(out, entries.all)
			return nil
		}
		before = p
	}
	return fmt.Errorf("the list does not end after %d pages, which are not printed", maxPages)
}

// joined are the entries of several pages.
type joined struct {
	all  []json.RawMessage
	seen map[string]bool // the objects of earlier pages
}

// add adds the entries of a page. One that was on an earlier page, byte for byte, has moved here
// because the list has changed meanwhile.
func (j *joined) add(entries []json.RawMessage) {
	onPage := map[string]bool{}
	for _, entry := range entries {
		isObject := entry[0] == '{'
		if isObject && j.seen[string(entry)] {
			continue
		}
		if isObject {
			onPage[string(entry)] = true
		}
		j.all = append(j.all, entry)
	}
	if j.seen == nil {
		j.seen = map[string]bool{}
	}
	maps.Copy(j.seen, onPage)
}

// A page is a JSON object with one array, or is an array.
type page struct {
	members []member
	list    string // the name of the array; empty: the page is the array
	entries []json.RawMessage
	count   int // of the whole list; -1: not said
}

// A member is one of an object.
type member struct {
	name  string
	value json.RawMessage
}

// parsePage reads a page. Its members keep their order.
func parsePage(content []byte) (*page, error) {
	p := &page{count: -1}
	content = bytes.TrimSpace(content)
	if len(content) > 0 && content[0] == '[' {
		return p, json.Unmarshal(content, &p.entries)
	}
	if len(content) == 0 || content[0] != '{' {
		return nil, errors.New("it is no JSON object")
	}
	d := json.NewDecoder(bytes.NewReader(content))
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	var lists []string
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		m := member{name: name.(string)}
		if err := d.Decode(&m.value); err != nil {
			return nil, err
		}
		p.members = append(p.members, m)
		switch {
		case m.value[0] == '[':
			lists = append(lists, m.name)
			if err := json.Unmarshal(m.value, &p.entries); err != nil {
				return nil, err
			}
		case m.name == "count":
			if n, err := strconv.Atoi(string(m.value)); err == nil {
				p.count = n
			}
		}
	}
	switch len(lists) {
	case 0:
		return nil, errors.New("it has no array at its top: leave --paginate out")
	case 1:
		p.list = lists[0]
		return p, nil
	}
	return nil, fmt.Errorf("it has several arrays at its top (%s), and nothing says which is the list: leave --paginate out", strings.Join(lists, ", "))
}

// write writes the page with these entries.
func (p *page) write(out *bytes.Buffer, entries []json.RawMessage) {
	list := func() {
		out.WriteByte('[')
		for i, entry := range entries {
			if i > 0 {
				out.WriteByte(',')
			}
			out.Write(entry)
		}
		out.WriteByte(']')
	}
	if p.list == "" {
		list()
		out.WriteByte('\n')
		return
	}
	out.WriteByte('{')
	for i, m := range p.members {
		if i > 0 {
			out.WriteByte(',')
		}
		name, _ := json.Marshal(m.name) // a string always marshals
		out.Write(name)
		out.WriteByte(':')
		if m.name == p.list {
			list()
		} else {
			out.Write(m.value)
		}
	}
	out.WriteString("}\n")
}

// hasEntriesOf reports whether two pages have the same entries.
func (p *page) hasEntriesOf(other *page) bool {
	return slices.EqualFunc(p.entries, other.entries, func(a, b json.RawMessage) bool { return bytes.Equal(a, b) })
}

// skipIn returns the number that a query skips.
func skipIn(query string) (int, error) {
	for pair := range strings.SplitSeq(strings.TrimPrefix(query, "?"), "&") {
		if value, ok := strings.CutPrefix(pair, "skip="); ok {
			skip, err := strconv.Atoi(value)
			if err != nil || skip < 0 {
				return 0, fmt.Errorf("--paginate: skip=%.40s is no number", value)
			}
			return skip, nil
		}
	}
	return 0, nil
}

// withSkip returns a query that skips so many entries, and is otherwise as it was.
func withSkip(query string, skip int) string {
	pairs := slices.DeleteFunc(strings.Split(strings.TrimPrefix(query, "?"), "&"), func(pair string) bool {
		return pair == "" || strings.HasPrefix(pair, "skip=")
	})
	return "?" + strings.Join(append(pairs, "skip="+strconv.Itoa(skip)), "&")
}
