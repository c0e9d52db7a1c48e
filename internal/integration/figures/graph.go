package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/goccy/go-graphviz"
)

// drawGraphs draws each .dot file of a folder.
func drawGraphs(ctx context.Context, dir string) (pictures []picture, err error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.dot"))
	if err != nil || names == nil {
		return nil, err
	}
	g, err := graphviz.New(ctx)
	if err != nil {
		return nil, err
	}
	defer g.Close()
	for _, name := range names {
		p, err := drawGraph(ctx, g, name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		pictures = append(pictures, p)
	}
	return pictures, nil
}

// drawGraph draws one file. Its attributes layout, title and desc say how to draw it, and what it
// shows.
func drawGraph(ctx context.Context, g *graphviz.Graphviz, name string) (p picture, err error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return p, err
	}
	graph, err := graphviz.ParseBytes(text)
	if err != nil {
		return p, err
	}
	defer graph.Close()
	p.name = strings.TrimSuffix(filepath.Base(name), ".dot")
	p.title, p.desc = graph.GetStr("title"), graph.GetStr("desc")
	if p.title == "" || p.desc == "" {
		return p, fmt.Errorf("the graph needs the attributes title and desc")
	}
	g.SetLayout(graphviz.Layout(graph.GetStr("layout")))
	var out bytes.Buffer
	if err := g.Render(ctx, graph, graphviz.SVG, &out); err != nil {
		return p, err
	}
	err = p.take(out.String())
	return p, err
}

var (
	graphSize  = regexp.MustCompile(`viewBox="0\.00 0\.00 ([0-9.]+) ([0-9.]+)"`)
	graphStart = regexp.MustCompile(`(?s)^.*?<g id="graph0"`)
	// Tool tips, comments, the white ground, labels without text, and what the style sheet says
	// instead.
	graphNoise = regexp.MustCompile(`<title>[^<]*</title>\n|<!--.*?-->\n|<polygon fill="white" stroke="none"[^>]*/>\n|` +
		`<text [^>]*> </text>\n| (?:fill|stroke|font-family|xml:space|id)="[^"]*"`)
)

// take makes a picture of what Graphviz has drawn: without its colours and fonts.
func (p *picture) take(svg string) (err error) {
	size := graphSize.FindStringSubmatch(svg)
	if size == nil {
		return fmt.Errorf("the drawing has no size")
	}
	for i, to := range []*float64{&p.width, &p.height} {
		if *to, err = strconv.ParseFloat(size[i+1], 64); err != nil {
			return err
		}
	}
	p.body = graphNoise.ReplaceAllString(graphStart.ReplaceAllString(svg, "<g"), "")
	p.body = rounded(strings.TrimSuffix(strings.TrimSpace(p.body), "</svg>"))
	return nil
}
