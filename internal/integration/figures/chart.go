package main

import (
	"bytes"
	"fmt"
	"html"
	"strings"

	"github.com/contentstack/csoauth/internal/integration/measured"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// What a chart measures, in pixels.
const (
	chartWidth  = 720
	chartEdge   = 24
	chartBottom = 14
	chartTitle  = 36
	chartText   = 13
	legendLine  = 24
	swatchWidth = 28
	legendGap   = 22 // between two entries
)

// A series is a line, or the bars of a group: what it adds to the plot, and what stands for it in
// the legend.
type series struct {
	name   string
	thumbs []plot.Thumbnailer
}

// drawChart draws a chart with its title, its legend, and a plot.
func drawChart(c measured.Chart) (picture, error) {
	p := newPlot(c)
	plotHeight, all, err := 320.0, []series(nil), error(nil)
	if c.Bars != nil {
		plotHeight, all, err = addBars(p, c)
	} else {
		all, err = addLines(p, c.Lines)
	}
	if err != nil {
		return picture{}, err
	}
	entries := legendRows(all)
	legendHeight := float64(len(entries)*legendLine + 10)
	width, height := vg.Length(chartWidth-2*chartEdge), vg.Length(plotHeight+legendHeight)
	canvas := vgsvg.New(width, height)
	dc := draw.New(canvas)
	drawLegend(dc, entries)
	p.Draw(draw.Crop(dc, 0, 0, 0, -vg.Length(legendHeight)))
	var out bytes.Buffer
	if _, err := canvas.WriteTo(&out); err != nil {
		return picture{}, err
	}
	body := fmt.Sprintf(`<text class="title" x="%d" y="%d">%s</text>`+"\n", chartEdge, chartEdge+14, html.EscapeString(c.Title)) +
		hatches(all) +
		fmt.Sprintf(`<g transform="translate(%d %d)">`+"\n%s</g>\n", chartEdge, chartEdge+chartTitle, inked(out.String()))
	return picture{c.Name, c.Title, describe(c, all), chartWidth, chartEdge + chartTitle + legendHeight + plotHeight + chartBottom, body}, nil
}

// newPlot returns an empty plot with the axes of a chart.
func newPlot(c measured.Chart) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil
	p.X.Label.Text, p.Y.Label.Text = c.X, c.Y
	for axis, log := range map[*plot.Axis]bool{&p.X: c.LogX, &p.Y: c.LogY} {
		axis.Color, axis.Tick.Color = edge, edge
		axis.Padding = 0
		axis.Label.Padding = 6
		axis.Label.TextStyle = style(axis.Label.TextStyle, muted)
		axis.Tick.Label = style(axis.Tick.Label, muted)
		axis.Tick.Marker = ticks{log}
		if log {
			axis.Scale = plot.LogScale{}
		}
	}
	return p
}

// style returns a text style in the font of charts.
func style(s text.Style, of ink) text.Style {
	s.Color, s.Font = of, font.Font{Typeface: "Liberation", Variant: "Sans", Size: chartText}
	return s
}

// textWidth measures text in the font of charts.
func textWidth(s string) float64 {
	face := font.DefaultCache.Lookup(font.Font{Typeface: "Liberation", Variant: "Sans"}, chartText)
	return face.Width(s).Points()
}

// legendRows breaks the entries of a legend into rows. A series without a name has no entry.
func legendRows(all []series) (rows [][]series) {
	x := float64(chartWidth) // so that the first entry begins a row
	for _, s := range all {
		if s.name == "" {
			continue
		}
		width := swatchWidth + textWidth(s.name) + legendGap
		if x+width > chartWidth-2*chartEdge {
			rows, x = append(rows, nil), 0
		}
		rows[len(rows)-1] = append(rows[len(rows)-1], s)
		x += width
	}
	return rows
}

func drawLegend(c draw.Canvas, rows [][]series) {
	for i, row := range rows {
		x := vg.Length(0)
		for _, s := range row {
			l := plot.NewLegend()
			l.TextStyle = style(l.TextStyle, ordinary)
			l.Left, l.Top, l.ThumbnailWidth, l.Padding = true, true, swatchWidth, 2
			l.Add(" "+s.name, s.thumbs...)
			l.Draw(draw.Crop(c, x, 0, 0, -vg.Length(i*legendLine)))
			x += vg.Length(swatchWidth + textWidth(s.name) + legendGap)
		}
	}
}

// describe says in words what a chart shows, for people who cannot see it.
func describe(c measured.Chart, all []series) string {
	var names []string
	for _, s := range all {
		if s.name != "" {
			names = append(names, s.name)
		}
	}
	axes := "The horizontal axis is " + c.X
	if c.Y != "" {
		axes += ", and the vertical axis is " + c.Y
	}
	return fmt.Sprintf("%s. %s.", axes, "It shows "+strings.Join(names, ", "))
}
