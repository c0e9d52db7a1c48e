package main

import (
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// readable lists what lies on what, and the contrast that WCAG 2.2 AA asks of it: 4.5 for text, 3
// for graphics.
var readable = []struct {
	least  float64
	fronts string
	behind string
}{
	{4.5, "text muted", "panel band box"},
	{4.5, "text", "good soft warn bad rest"},
	{3, "edge", "panel band box"},
	{3, "accent", "band box"},
	{3, "danger", "panel good"},
	{3, "series1 series2 series3 series4 series5", "panel"},
}

func TestColoursAreReadable(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(realDocs, "figures", "style.css"))
	require.NoError(t, err)
	light, dark, found := strings.Cut(string(text), "@media")
	require.True(t, found)
	for mode, css := range map[string]string{"light": light, "dark": dark} {
		colour := map[string]string{}
		for _, v := range regexp.MustCompile(`--([a-z0-9]+): (#[0-9a-f]+)`).FindAllStringSubmatch(css, -1) {
			colour[v[1]] = v[2]
		}
		for _, r := range readable {
			for _, front := range strings.Fields(r.fronts) {
				for _, behind := range strings.Fields(r.behind) {
					got := contrast(colour[front], colour[behind])
					assert.GreaterOrEqual(t, got, r.least, "%s: %s on %s", mode, front, behind)
				}
			}
		}
	}
}

func TestContrastOfKnownColours(t *testing.T) {
	assert.InDelta(t, 21, contrast("#000", "#fff"), .01)
	assert.InDelta(t, 4.54, contrast("#767676", "#ffffff"), .01)
	assert.True(t, math.IsNaN(contrast("", "#fff")))
}

// contrast is the ratio that WCAG 2.2 defines. It is NaN if a text is not a colour.
func contrast(a, b string) float64 {
	one, two := luminance(a)+.05, luminance(b)+.05
	return max(one, two) / min(one, two)
}

func luminance(colour string) (sum float64) {
	digits := strings.TrimPrefix(colour, "#")
	if len(digits) == 3 {
		digits = regexp.MustCompile(`.`).ReplaceAllString(digits, "$0$0")
	}
	rgb, err := strconv.ParseUint(digits, 16, 24)
	if err != nil || len(digits) != 6 {
		return math.NaN()
	}
	for i, weight := range []float64{.0722, .7152, .2126} { // blue, green, red
		part := float64(rgb>>(8*i)&0xff) / 255
		if part <= .04045 {
			part /= 12.92
		} else {
			part = math.Pow((part+.055)/1.055, 2.4)
		}
		sum += weight * part
	}
	return sum
}
