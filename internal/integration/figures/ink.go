package main

import (
	"fmt"
	"html"
	"regexp"
	"strconv"
	"strings"
)

// An ink is a colour with a name in style.css. gonum writes colours as numbers: each ink has one
// that nothing else has, and inked puts the name in its place.
type ink uint8

const (
	ordinary ink = iota // text
	muted               // text
	edge
	line
	accent
	series1
	hatch1 = series1 + maxSeries // the ink of a pattern with which a bar is filled
)

// maxSeries is how many series style.css has colours for.
const maxSeries = 5

// RGBA implements color.Color.
func (i ink) RGBA() (r, g, b, a uint32) { return 0x0101, 0x0202, uint32(i) * 0x0101, 0xffff }

// css returns what stands for an ink in a style.
func (i ink) css() string {
	switch {
	case i > hatch1:
		return fmt.Sprintf("url(#hatch%d)", i-hatch1+1)
	case i == hatch1:
		return "var(--series1);fill-opacity:.5" // the first bar of a group is plain
	case i >= series1:
		return fmt.Sprintf("var(--series%d)", i-series1+1)
	}
	return "var(--" + map[ink]string{ordinary: "text", muted: "muted", edge: "edge", line: "line", accent: "accent"}[i] + ")"
}

var (
	plotStart = regexp.MustCompile(`(?s)^.*?<g transform`)
	plotText  = regexp.MustCompile(`(<text [^>]*?)\s+style="[^"]*?fill:#0102(\w\w)"( *>)([^<]*)`)
	plotInk   = regexp.MustCompile(`#0102([0-9A-Fa-f]{2})`)
)

// inked takes the body out of an SVG file of gonum's. Colours become names of style.css, and text
// gets a class. Text also gets its length, because gonum has placed it by that: a reader's font may
// be wider.
func inked(svg string) string {
	body := strings.TrimSuffix(strings.TrimSpace(plotStart.ReplaceAllString(svg, "<g transform")), "</svg>")
	body = plotText.ReplaceAllStringFunc(body, func(found string) string {
		part := plotText.FindStringSubmatch(found)
		class := "small"
		if toInk(part[2]) == ordinary {
			class = "small plain"
		}
		return fmt.Sprintf(`%s class="%s" textLength="%s" lengthAdjust="spacingAndGlyphs"%s%s`,
			part[1], class, number(textWidth(html.UnescapeString(part[4]))), part[3], part[4])
	})
	body = plotInk.ReplaceAllStringFunc(body, func(found string) string { return toInk(found[5:]).css() })
	return rounded(body)
}

func toInk(hex string) ink {
	n, _ := strconv.ParseUint(hex, 16, 8) // two hexadecimal digits
	return ink(n)
}

// hatches returns the patterns that tell bars apart without colours.
func hatches(all []series) string {
	var b strings.Builder
	for i, turn := range []int{45, -45, 0, 90} {
		if n := i + 2; n <= len(all) {
			fmt.Fprintf(&b, `<pattern id="hatch%[1]d" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(%[2]d)">`+
				`<path d="M0 2.5H5" stroke="var(--series%[1]d)" stroke-width="2.2"/></pattern>`+"\n", n, turn)
		}
	}
	return b.String()
}
