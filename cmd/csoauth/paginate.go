package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

const maxPages = 1000

// maxJoined is how many bytes pages may have together. Tests lower it.
var maxJoined = 256 << 20

// paginate gets the pages of a list, and writes them as one document: the first page, its array
// with the entries of all. query is that of the first page. Nobody documents when such a list has
// ended, so it ends with an empty page, with the count, and with a page that has no entry that is
// new: a server may ignore skip.
func paginate(out *bytes.Buffer, query string, get func(query string) ([]byte, error)) error {
	var first *page
	var entries []json.RawMessage
	skip, err := skipIn(query)
	if err != nil {
		return usage(err)
	}
	seen := map[string]bool{}
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
		if first == nil {
			first = p
		}
		isNew := false
		for _, entry := range p.entries {
			if id := identityOf(entry); !seen[id] {
				seen[id] = true
				isNew = true
				entries = append(entries, entry)
			}
		}
		if size += len(content); size > maxJoined {
			return fmt.Errorf("the pages have over %d bytes: get them one by one", maxJoined)
		}
		skip += len(p.entries)
		if !isNew || p.count >= 0 && skip >= p.count {
			first.write(out, entries)
			return nil
		}
	}
	return fmt.Errorf("the list does not end after %d pages, which are not printed", maxPages)
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

// identityOf returns what an entry is known by: its uid, or all that it says.
func identityOf(entry json.RawMessage) string {
	var known struct {
		UID string `json:"uid"`
	}
	if json.Unmarshal(entry, &known) == nil && known.UID != "" {
		return known.UID
	}
	return string(entry)
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
