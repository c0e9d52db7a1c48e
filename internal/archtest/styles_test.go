package archtest_test

import (
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sourceOfStyle is the style sheet that the other ones follow. The packages must not import each
// other, and users copy the example, so each has a sheet of its own.
const sourceOfStyle = "internal/landing/page.css"

// styleOfPictures is no sheet of pages. internal/integration/figures tests its colours.
const styleOfPictures = "docs/figures/style.css"

// family lists the selectors that make pages look alike. What the source says of them, the other
// sheets say too.
var family = []string{"body", "h1", "h2", "p", ".card", ".note", ".button", ".button:hover", ".primary", ".primary:hover", ":focus-visible"}

// readable lists pairs of colours, and the contrast that WCAG 2.2 AA asks of them: 4.5 for text, 3
// for the border of a control and the focus ring.
var readable = []struct {
	front, back string
	contrast    float64
}{
	{"text", "ground", 4.5}, {"text", "card", 4.5}, {"text", "tint", 4.5}, {"text", "bad-tint", 4.5},
	{"quiet", "ground", 4.5}, {"quiet", "card", 4.5}, {"quiet", "tint", 4.5},
	{"accent", "ground", 4.5}, {"accent", "card", 4.5}, {"accent", "tint", 4.5},
	{"accent-strong", "ground", 4.5}, {"accent-strong", "card", 4.5},
	{"on-accent", "accent", 4.5}, {"on-accent", "accent-strong", 4.5},
	{"bad", "card", 4.5}, {"bad", "ground", 4.5}, {"bad", "bad-tint", 4.5}, {"note", "note-tint", 4.5},
	{"control", "ground", 3}, {"control", "card", 3},
}

func TestPagesAreOneFamily(t *testing.T) {
	texts := map[string]string{}
	for _, name := range filesOf(t, ".css") {
		if name == styleOfPictures {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, name))
		require.NoError(t, err)
		texts[name] = string(text)
	}
	require.Greater(t, len(texts), 2)
	for _, problem := range styleProblems(texts) {
		assert.Fail(t, problem)
	}
}

func TestProblemsOfStyleAreFound(t *testing.T) {
	const (
		source = ":root { --text: #000; --card: #fff; --font: a, b; }\n" +
			"@media (prefers-color-scheme: dark) { :root { --text: #fff; --card: #000; } }\n" +
			"h1, .x { color: var(--text); margin: 0; } @media (max-width: 1rem) { h1 { margin: 1rem; } }"
		tokens = "a.css has no --card, which " + sourceOfStyle + " has"
	)
	for name, test := range map[string]struct{ old, new, found string }{
		"the same":                 {"", "", ""},
		"a comment":                {"h1", "/* h1 { margin: 2rem; } */ h1", ""},
		"more":                     {".x", ".y, .z", ""},
		"another order":            {"color: var(--text); margin: 0;", "margin: 0; color: var(--text);", ""},
		"another colour":           {"--card: #fff", "--card: #ffe", "a.css has --card: #ffe; want #fff, as in " + sourceOfStyle},
		"another dark colour":      {"--card: #000", "--card: #010", "a.css has (dark) --card: #010; want #000, as in " + sourceOfStyle},
		"another font":             {"a, b", "b, a", "a.css has --font: b, a; want a, b, as in " + sourceOfStyle},
		"a colour less":            {"--card: #fff;", "", tokens},
		"another margin":           {"margin: 0", "margin: 1px", "a.css has margin: 1px in h1; want 0, as in " + sourceOfStyle},
		"a declaration less":       {"margin: 0;", "", "a.css has no margin in h1, which " + sourceOfStyle + " has"},
		"a later rule":             {".x {", ".x { } h1 {", ""},
		"a rule less":              {"h1, .x", ".x", "a.css has no color in h1, which " + sourceOfStyle + " has"},
		"a colour without a name":  {".x {", ".x { border: 1px solid #ABC;", "a.css uses #ABC in h1: give it a name in :root"},
		"a function of a colour":   {".x {", ".x { fill: rgb(1 2 3);", "a.css uses rgb( in h1: give it a name in :root"},
		"an ID is not a colour":    {".x {", ".x { } #add { } h1 {", ""},
		"a colour of light alone":  {"--font", "--bad: #111; --font", "a.css has --bad, but not in its dark colours"},
		"text that is hard to see": {"--font", "--quiet: #aaa; --font", "a.css has quiet on card with a contrast of 2.3; want 4.5"},
	} {
		t.Run(name, func(t *testing.T) {
			problems := styleProblems(map[string]string{sourceOfStyle: source, "a.css": strings.Replace(source, test.old, test.new, 1)})
			if test.found == "" {
				assert.Empty(t, problems)
			} else {
				assert.Contains(t, problems, test.found)
			}
		})
	}
}

// A sheet is a style sheet: the custom properties of :root, and the declarations of each selector
// that stand outside of @media.
type sheet struct {
	light, dark map[string]string
	rules       map[string]map[string]string
}

var (
	cssComment  = regexp.MustCompile(`(?s)/\*.*?\*/`)
	cssRule     = regexp.MustCompile(`([^{};]+)\{([^{}]*)\}`)
	cssDark     = regexp.MustCompile(`@media \(prefers-color-scheme: dark\) \{\s*:root \{([^{}]*)\}\s*\}`)
	cssMedia    = regexp.MustCompile(`@[^{}]+\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}`)
	plainColour = regexp.MustCompile(`(?i)#[0-9a-f]{3,8}\b|\b(?:rgba?|hsla?|oklch|light-dark)\(`)
)

func readSheet(text string) sheet {
	s := sheet{rules: map[string]map[string]string{}}
	text = cssComment.ReplaceAllString(text, "")
	if dark := cssDark.FindStringSubmatch(text); dark != nil {
		s.dark = declarations(dark[1])
	}
	for _, rule := range cssRule.FindAllStringSubmatch(cssMedia.ReplaceAllString(text, ""), -1) {
		for selector := range strings.SplitSeq(rule[1], ",") {
			selector = strings.TrimSpace(selector)
			if s.rules[selector] == nil {
				s.rules[selector] = map[string]string{}
			}
			maps.Copy(s.rules[selector], declarations(rule[2]))
		}
	}
	s.light = s.rules[":root"]
	delete(s.rules, ":root")
	return s
}

func declarations(text string) map[string]string {
	all := map[string]string{}
	for one := range strings.SplitSeq(text, ";") {
		if property, value, ok := strings.Cut(one, ":"); ok {
			all[strings.TrimSpace(property)] = strings.Join(strings.Fields(value), " ")
		}
	}
	return all
}

// styleProblems returns where style sheets differ, and what is wrong in one of them.
func styleProblems(texts map[string]string) (problems []string) {
	names := slices.Sorted(maps.Keys(texts))
	slices.SortStableFunc(names, func(a, b string) int { // the source first
		switch sourceOfStyle {
		case a:
			return -1
		case b:
			return 1
		}
		return 0
	})
	light, dark, rules := differences{}, differences{in: "(dark) "}, map[string]*differences{}
	for _, selector := range family {
		rules[selector] = &differences{of: " in " + selector}
	}
	for _, name := range names {
		s := readSheet(texts[name])
		problems = append(problems, light.compare(name, s.light)...)
		problems = append(problems, dark.compare(name, s.dark)...)
		for _, selector := range family {
			problems = append(problems, rules[selector].compare(name, s.rules[selector])...)
		}
		problems = append(problems, s.colourProblems(name)...)
	}
	return problems
}

// differences compares the declarations of sheets, one sheet after the other. The first one is the
// source.
type differences struct {
	in, of string               // what stands before a property and after its value in a problem
	seen   map[string][2]string // by property: the value, and the first sheet that has it
}

func (d *differences) compare(name string, now map[string]string) (problems []string) {
	isSource := d.seen == nil
	if isSource {
		d.seen = map[string][2]string{}
	}
	for _, property := range slices.Sorted(maps.Keys(d.seen)) {
		want, first := d.seen[property][0], d.seen[property][1]
		switch got, has := now[property]; {
		case !has && first == sourceOfStyle:
			problems = append(problems, fmt.Sprintf("%s has no %s%s%s, which %s has", name, d.in, property, d.of, first))
		case has && got != want:
			problems = append(problems, fmt.Sprintf("%s has %s%s: %s%s; want %s, as in %s", name, d.in, property, got, d.of, want, first))
		}
	}
	for property, value := range now {
		if _, known := d.seen[property]; !known {
			d.seen[property] = [2]string{value, name}
		}
	}
	return problems
}

// colourProblems returns colours without a name, without a dark value, or without contrast.
func (s sheet) colourProblems(name string) (problems []string) {
	for _, selector := range slices.Sorted(maps.Keys(s.rules)) {
		for _, value := range s.rules[selector] {
			if colour := plainColour.FindString(value); colour != "" {
				problems = append(problems, fmt.Sprintf("%s uses %s in %s: give it a name in :root", name, colour, selector))
			}
		}
	}
	for _, property := range slices.Sorted(maps.Keys(s.light)) {
		if _, both := s.dark[property]; !both && strings.HasPrefix(s.light[property], "#") {
			problems = append(problems, fmt.Sprintf("%s has %s, but not in its dark colours", name, property))
		}
	}
	for _, pair := range readable {
		for _, colours := range []map[string]string{s.light, s.dark} {
			front, back := colours["--"+pair.front], colours["--"+pair.back]
			if front == "" || back == "" {
				continue
			}
			if got := contrast(front, back); !(got >= pair.contrast) { // NaN, too
				problems = append(problems, fmt.Sprintf("%s has %s on %s with a contrast of %.1f; want %.1f", name, pair.front, pair.back, got, pair.contrast))
			}
		}
	}
	return problems
}

// contrast is the contrast ratio of WCAG 2.2 between two colours such as #fff or #1b2321.
func contrast(a, b string) float64 {
	dark, light := luminance(a), luminance(b)
	if dark > light {
		dark, light = light, dark
	}
	return (light + .05) / (dark + .05)
}

// luminance is the relative luminance of WCAG 2.2. It is NaN if the text is not a colour, and then
// no contrast is enough.
func luminance(colour string) (sum float64) {
	digits := strings.TrimPrefix(colour, "#")
	if len(digits) == 3 {
		digits = string([]byte{digits[0], digits[0], digits[1], digits[1], digits[2], digits[2]})
	}
	rgb, err := strconv.ParseUint(digits, 16, 24)
	if err != nil || len(digits) != 6 {
		return math.NaN()
	}
	for i, weight := range []float64{.0722, .7152, .2126} {
		part := float64(rgb>>(8*i)&0xff) / 255
		if part <= .04045 {
			sum += weight * part / 12.92
		} else {
			sum += weight * math.Pow((part+.055)/1.055, 2.4)
		}
	}
	return sum
}
