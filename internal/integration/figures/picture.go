package main

import (
	"context"
	"errors"
	"fmt"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/contentstack/csoauth/internal/integration/measured"
)

// A picture becomes one SVG file.
type picture struct {
	name          string // of the file, without .svg
	title, desc   string // for people who cannot see it
	width, height float64
	body          string // SVG elements
}

// addPictures draws every picture of the folder figures in docs.
func (f files) addPictures(ctx context.Context, docs string) error {
	dir := filepath.Join(docs, "figures")
	style, err := os.ReadFile(filepath.Join(dir, "style.css"))
	if err != nil {
		return err
	}
	pictures, err := drawGraphs(ctx, dir)
	if err != nil {
		return err
	}
	pictures = append(pictures, tokenHour().draw(), leaseOfTwo().draw())
	charts, err := drawCharts(dir)
	if err != nil {
		return err
	}
	for _, p := range append(pictures, charts...) {
		name := filepath.Join(dir, p.name+".svg")
		if f[name] != nil {
			return fmt.Errorf("two pictures have the name %s", p.name)
		}
		f[name] = p.svg(compact(string(style)))
	}
	return nil
}

// reports lists the names of JSON files with what was measured. Each belongs to the page of the
// same name.
var reports = []string{"benchmarks", "scale"}

func drawCharts(dir string) (pictures []picture, err error) {
	for _, name := range reports {
		report, err := measured.Read(filepath.Join(dir, name+".json"))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, chart := range report.Charts {
			p, err := drawChart(chart)
			if err != nil {
				return nil, fmt.Errorf("chart %s: %w", chart.Name, err)
			}
			pictures = append(pictures, p)
		}
	}
	return pictures, nil
}

// svg returns the whole file. The picture has a panel of its own behind it, because the theme of a
// page may differ from that of the system, which an SVG file follows.
func (p picture) svg(style string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%[1]s" height="%[2]s" viewBox="0 0 %[1]s %[2]s"`,
		number(p.width), number(p.height))
	fmt.Fprintf(&b, ` role="img" aria-labelledby="title desc">`+"\n"+
		`<title id="title">%s</title>`+"\n"+`<desc id="desc">%s</desc>`+"\n", html.EscapeString(p.title), html.EscapeString(p.desc))
	fmt.Fprintf(&b, "<style>\n%s</style>\n", style)
	fmt.Fprintf(&b, `<rect class="panel" x="0.5" y="0.5" width="%s" height="%s" rx="10"/>`+"\n",
		number(p.width-1), number(p.height-1))
	fmt.Fprintf(&b, "%s</svg>\n", p.body)
	return []byte(b.String())
}

var (
	cssComment = regexp.MustCompile(`(?s)/\*.*?\*/`)
	lineStart  = regexp.MustCompile(`(?m)^\s+`)
)

// compact leaves comments, indentation and empty lines out of a style sheet.
func compact(css string) string {
	return lineStart.ReplaceAllString(cssComment.ReplaceAllString(css, ""), "")
}

// number writes a coordinate with at most one decimal place, so that no machine writes another
// last digit.
func number(v float64) string {
	text := strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0")
	if text == "-0" {
		return "0"
	}
	return text
}

var (
	anyTag     = regexp.MustCompile(`<[^>]*>`)
	anyDecimal = regexp.MustCompile(`-?\d+\.\d+`)
)

// rounded writes all coordinates of SVG elements with at most one decimal place. It leaves text
// alone.
func rounded(svg string) string {
	return anyTag.ReplaceAllStringFunc(svg, func(tag string) string {
		return anyDecimal.ReplaceAllStringFunc(tag, func(decimal string) string {
			value, _ := strconv.ParseFloat(decimal, 64) // digits and a point
			return number(value)
		})
	})
}
