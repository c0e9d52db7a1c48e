package main

import (
	"fmt"
	"image/color"

	"github.com/contentstack/csoauth/internal/integration/measured"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// What bars measure, in pixels.
const (
	barHeight   = 16
	categoryGap = 14
	axisHeight  = 48 // below the bars, with the label
)

// addBars adds lying bars with whiskers and their values. It returns how high the plot has to be.
// On a logarithmic axis there is a marker in place of each bar, because no bar could begin at 0.
func addBars(p *plot.Plot, c measured.Chart) (height float64, all []series, err error) {
	bars, n := c.Bars, len(c.Bars.Categories)
	if len(bars.Groups) > maxSeries {
		return 0, nil, fmt.Errorf("%d groups: there are colours for %d", len(bars.Groups), maxSeries)
	}
	pitch := float64(len(bars.Groups)*barHeight + categoryGap)
	p.Add(grid(true, false))
	for i, group := range bars.Groups {
		var rows []bar
		for j, value := range group.Values {
			middle := float64(n-1-j) - (float64(i)-float64(len(bars.Groups)-1)/2)*barHeight/pitch
			if value != (measured.Spread{}) {
				rows = append(rows, bar{value, middle, (barHeight - 3) / pitch})
			}
		}
		thumb, err := addGroup(p, rows, ink(i), c.LogX)
		if err != nil {
			return 0, nil, err
		}
		all = append(all, series{group.Name, []plot.Thumbnailer{thumb}})
	}
	names := make([]string, n)
	for i, name := range bars.Categories {
		names[n-1-i] = name
	}
	p.NominalY(names...)
	p.Y.Tick.Label.Color = ordinary
	p.Y.Width, p.Y.Tick.Length = 1, 0
	p.Y.Min, p.Y.Max = -.5, float64(n)-.5
	if bars.Reference != 0 {
		all = append(all, addReference(p, bars))
	}
	if !c.LogX {
		p.X.Min = 0
	}
	return float64(n)*pitch + axisHeight, all, nil
}

// A bar is one value, and where it is on the vertical axis.
type bar struct {
	measured.Spread
	middle, height float64
}

// addGroup adds the bars of one group, and returns what stands for them in the legend.
func addGroup(p *plot.Plot, rows []bar, of ink, log bool) (plot.Thumbnailer, error) {
	thumb := plot.Thumbnailer(shape(bar{}, of))
	if log {
		thumb = &plotter.Scatter{GlyphStyle: draw.GlyphStyle{Color: series1 + of, Radius: 5, Shape: markers[of]}}
	}
	if len(rows) == 0 {
		return thumb, nil
	}
	medians, spread := make(plotter.XYs, len(rows)), make(plotter.XErrors, len(rows))
	tips, values := make(plotter.XYs, len(rows)), make([]string, len(rows))
	for i, b := range rows {
		medians[i] = plotter.XY{X: b.Median, Y: b.middle}
		spread[i].Low, spread[i].High = b.Low-b.Median, b.High-b.Median
		tips[i] = plotter.XY{X: b.High, Y: b.middle}
		values[i] = measured.Number(b.Median)
		if !log {
			p.Add(shape(b, of))
		}
	}
	if log {
		thumb.(*plotter.Scatter).XYs = medians
		p.Add(thumb.(*plotter.Scatter))
	}
	whiskers, err := plotter.NewXErrorBars(struct {
		plotter.XYs
		plotter.XErrors
	}{medians, spread})
	if err != nil {
		return nil, err
	}
	whiskers.Color, whiskers.Width, whiskers.CapWidth = ordinary, 1, 6
	labels, err := plotter.NewLabels(plotter.XYLabels{XYs: tips, Labels: values})
	if err != nil {
		return nil, err
	}
	for i := range labels.TextStyle {
		labels.TextStyle[i] = style(labels.TextStyle[i], muted)
		labels.TextStyle[i].YAlign = draw.YCenter
	}
	labels.Offset = vg.Point{X: 6, Y: 1.5}
	p.Add(whiskers, labels)
	return thumb, nil
}

// shape returns the rectangle of a bar.
func shape(b bar, of ink) *plotter.Polygon {
	low, high := b.middle-b.height/2, b.middle+b.height/2
	return &plotter.Polygon{
		XYs:       []plotter.XYs{{{X: 0, Y: low}, {X: b.Median, Y: low}, {X: b.Median, Y: high}, {X: 0, Y: high}}},
		Color:     color.Color(hatch1 + of),
		LineStyle: draw.LineStyle{Color: series1 + of, Width: 1.5},
	}
}

// addReference adds the line across all categories.
func addReference(p *plot.Plot, bars *measured.Bars) series {
	across := &plotter.Line{
		XYs:       plotter.XYs{{X: bars.Reference, Y: -.5}, {X: bars.Reference, Y: float64(len(bars.Categories)) - .5}},
		LineStyle: draw.LineStyle{Color: ordinary, Width: 1.5, Dashes: []vg.Length{5, 3}},
	}
	p.Add(across)
	return series{bars.ReferenceName, []plot.Thumbnailer{across}}
}
