package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// pages returns a page for each query.
type pages map[string]string

func (p pages) get(query string) ([]byte, error) {
	page, ok := p[query]
	if !ok {
		return nil, fmt.Errorf("%q was not expected", query)
	}
	return []byte(page), nil
}

func TestPagesAreJoined(t *testing.T) {
	for name, row := range map[string]struct {
		query string
		pages pages
		want  string
	}{
		"one page with its count":         {"", pages{"": `{"stacks":[1,2],"count":2}`, "?skip=2": `{"stacks":[],"count":2}`}, `{"stacks":[1,2],"count":2}`},
		"an empty one":                    {"", pages{"": `{"stacks":[]}`}, `{"stacks":[]}`},
		"an empty page ends it":           {"", pages{"": `{"s":[1]}`, "?skip=1": `{"s":[2]}`, "?skip=2": `{"s":[]}`}, `{"s":[1,2]}`},
		"the count ends it":               {"", pages{"": `{"s":[1,2],"count":3}`, "?skip=2": `{"s":[3],"count":3}`}, `{"s":[1,2,3],"count":3}`},
		"a query that skips":              {"?skip=10&limit=1", pages{"?skip=10&limit=1": `{"s":[11],"count":12}`, "?limit=1&skip=11": `{"s":[12],"count":12}`}, `{"s":[11,12],"count":12}`},
		"the rest of the query stays":     {"?a=%zz&&b", pages{"?a=%zz&&b": `{"s":[1]}`, "?a=%zz&b&skip=1": `{"s":[]}`}, `{"s":[1]}`},
		"numbers and text stay":           {"", pages{"": `{"n":1.10,"s":[{"x":12345678901234567890,"y":"\u003c<é"}]}`, "?skip=1": `{"s":[]}`}, `{"n":1.10,"s":[{"x":12345678901234567890,"y":"\u003c<é"}]}`},
		"an array alone":                  {"", pages{"": `[1,2]`, "?skip=2": `[3]`, "?skip=3": `[]`}, `[1,2,3]`},
		"a shift between pages":           {"", pages{"": `{"s":[{"uid":"a"},{"uid":"b"}]}`, "?skip=2": `{"s":[{"uid":"b"},{"uid":"c"}]}`, "?skip=4": `{"s":[]}`}, `{"s":[{"uid":"a"},{"uid":"b"},{"uid":"c"}]}`},
		"versions with one uid":           {"", pages{"": `{"s":[{"uid":"a","v":2},{"uid":"a","v":1}]}`, "?skip=2": `{"s":[{"uid":"a","v":0}]}`, "?skip=3": `{"s":[]}`}, `{"s":[{"uid":"a","v":2},{"uid":"a","v":1},{"uid":"a","v":0}]}`},
		"what stands twice on a page":     {"", pages{"": `{"s":[1,1,{},{}]}`, "?skip=4": `{"s":[1,2]}`, "?skip=6": `{"s":[]}`}, `{"s":[1,1,{},{},1,2]}`},
		"a server that ignores skip":      {"", pages{"": `{"s":[1,2]}`, "?skip=2": `{"s":[1,2]}`}, `{"s":[1,2]}`},
		"one whose page is the whole":     {"", pages{"": `{"s":[1,2],"count":2}`, "?skip=2": `{"s":[1,2],"count":2}`}, `{"s":[1,2],"count":2}`},
		"a count of the page":             {"", pages{"": `{"s":[1,2],"count":2}`, "?skip=2": `{"s":[3,4],"count":2}`, "?skip=4": `{"s":[],"count":0}`}, `{"s":[1,2,3,4],"count":2}`},
		"a count that is none":            {"", pages{"": `{"count":"x","s":[1]}`, "?skip=1": `{"s":[]}`}, `{"count":"x","s":[1]}`},
		"objects with arrays inside":      {"", pages{"": `{"meta":{"list":[1]},"s":[[1],[2]]}`, "?skip=2": `{"s":[]}`}, `{"meta":{"list":[1]},"s":[[1],[2]]}`},
		"members with odd names and null": {"", pages{"": `{"a\"b":null,"s":[null]}`, "?skip=1": `{"s":[]}`}, `{"a\"b":null,"s":[null]}`},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			require.NoError(t, paginate(&out, row.query, row.pages.get))
			require.Equal(t, row.want+"\n", out.String())
		})
	}
}

func TestPagesThatCannotBeJoined(t *testing.T) {
	defer func(before int) { maxJoined = before }(maxJoined)
	maxJoined = 1 << 20
	endless := 0
	for name, row := range map[string]struct {
		query string
		get   func(string) ([]byte, error)
		want  string
	}{
		"a later page fails":       {"", pages{"": `{"s":[1]}`, "?skip=1": `{"s":[2]}`}.get, `"?skip=2" was not expected (after 2 pages, which are not printed)`},
		"the first page fails":     {"", func(string) ([]byte, error) { return nil, errors.New("down") }, "down (after 0 pages"},
		"another shape":            {"", pages{"": `{"s":[1]}`, "?skip=1": `[2]`}.get, `page 2 cannot be joined: its list is "", and that of the first page is "s"`},
		"fewer than the count":     {"", pages{"": `{"s":[1,2,3],"count":50}`, "?skip=3": `{"s":[1,2,3],"count":50}`}.get, "the list has 50 entries, and page 2 is the same as the one before"},
		"no array":                 {"", pages{"": `{"user":{"a":[1]}}`}.get, "page 1 cannot be joined: it has no array at its top"},
		"several arrays":           {"", pages{"": `{"a":[],"b":[]}`}.get, "several arrays at its top (a, b)"},
		"a text":                   {"", pages{"": `"x"`}.get, "it is no JSON object"},
		"nothing":                  {"", pages{"": ""}.get, "it is no JSON object"},
		"cut off":                  {"", pages{"": `{"s":[1`}.get, "page 1 cannot be joined"},
		"a skip that is no number": {"?skip=-1", pages{}.get, "skip=-1 is no number"},
		"without end": {"", func(string) ([]byte, error) {
			endless++
			return fmt.Appendf(nil, `{"s":[%d]}`, endless), nil
		}, "the list does not end after 1000 pages"},
		"too much": {"", func(string) ([]byte, error) {
			endless++
			return fmt.Appendf(nil, `{"s":["%d%s"]}`, endless, strings.Repeat("x", maxJoined/4)), nil
		}, "the pages have over"},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			require.ErrorContains(t, paginate(&out, row.query, row.get), row.want)
			require.Zero(t, out.Len(), "nothing that looks whole")
		})
	}
}
