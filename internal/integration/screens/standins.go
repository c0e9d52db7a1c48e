package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"regexp"
)

// A standIn replaces what differs from run to run in a text. The first group of form matches it.
// value returns what stands in its place: n is its number among the different ones, from 0 on.
type standIn struct {
	form  *regexp.Regexp
	value func(old []byte, n int) []byte
}

// standIns are all replacements in the output of the command. Random values are replaced by fixed
// ones of the same length, and equal values by equal ones. Times are those of one login at 09:30.
var standIns = []standIn{
	{regexp.MustCompile(`(?:state|code_challenge)=([\w-]{43})`), likeBase64},
	{regexp.MustCompile(`code_challenge=([\w-]{8})…`), likeBase64},
	{regexp.MustCompile(`\*\*\*([0-9a-f]{8})`), likeHex},
	{regexp.MustCompile(`Waiting for the browser, until (\d\d:\d\d:\d\d)`), always("09:35:00")},
	{regexp.MustCompile(`(?m)Logged in +(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) on`), always("2026-01-15 09:30:00")},
	{regexp.MustCompile(`(?m)Token +until (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)`), always("2026-01-15 10:30:00")},
	{regexp.MustCompile(`(?m)Logged in .* on (.+)\r$`), always("laptop")},
	{regexp.MustCompile(`http://127\.0\.0\.1:(\d{5})`), always("49152")},
	{regexp.MustCompile(`steps went as they should, in (\d+m?s)`), always("90ms")},
}

func always(value string) func([]byte, int) []byte {
	return func([]byte, int) []byte { return []byte(value) }
}

func likeBase64(old []byte, n int) []byte {
	return []byte(base64.RawURLEncoding.EncodeToString(fixed(n))[:len(old)])
}

func likeHex(old []byte, n int) []byte { return []byte(hex.EncodeToString(fixed(n))[:len(old)]) }

// fixed returns 32 bytes that look random.
func fixed(n int) []byte {
	sum := sha256.Sum256(fmt.Append(nil, "screens ", n))
	return sum[:]
}

// replace puts the stand-ins into a text.
func replace(text []byte) []byte {
	for _, s := range standIns {
		seen := map[string]int{}
		var out bytes.Buffer
		end := 0
		for _, m := range s.form.FindAllSubmatchIndex(text, -1) {
			old := text[m[2]:m[3]]
			if _, ok := seen[string(old)]; !ok {
				seen[string(old)] = len(seen)
			}
			out.Write(text[end:m[2]])
			out.Write(s.value(old, seen[string(old)]))
			end = m[3]
		}
		out.Write(text[end:])
		text = out.Bytes()
	}
	return text
}
