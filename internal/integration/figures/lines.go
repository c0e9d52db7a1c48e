package main

import (
	"fmt"

	"github.com/contentstack/csoauth/internal/integration/measured"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// markers tell lines apart without colours.
var markers = [maxSeries]draw.GlyphDrawer{
	draw.CircleGlyph{}, draw.BoxGlyph{}, draw.PyramidGlyph{}, draw.RingGlyph{}, draw.SquareGlyph{},
}

// addLines adds lines with a marker at each point. A line that was reckoned is dashed, without
// markers. It has the colour of the measured line before it.
func addLines(p *plot.Plot, lines []measured.Line) (all []series, err error) {
	p.Add(grid(true, true))
	i := -1
	for _, line := range lines {
		if !line.Dashed || i < 0 {
			i++
		}
		if i == maxSeries {
			return nil, fmt.Errorf("%d lines or more: there are colours for %d", i+1, maxSeries)
		}
		points := make(plotter.XYs, len(line.Points))
		for j, point := range line.Points {
			points[j] = plotter.XY(point)
		}
		drawn, marks, err := plotter.NewLinePoints(points)
		if err != nil {
			return nil, err
		}
		drawn.Color, drawn.Width = series1+ink(i), 2
		if line.Dashed {
			drawn.Dashes = []vg.Length{6, 4}
			p.Add(drawn)
			all = append(all, series{line.Name, []plot.Thumbnailer{drawn}})
			continue
		}
		marks.Color, marks.Radius, marks.Shape = series1+ink(i), 4, markers[i]
		p.Add(drawn, marks)
		all = append(all, series{line.Name, []plot.Thumbnailer{drawn, marks}})
	}
	if _, log := p.Y.Scale.(plot.LogScale); log {
		p.Y.Min, p.Y.Max = p.Y.Min/1.3, p.Y.Max*1.3
	} else {
		p.Y.Min, p.Y.Max = min(0, p.Y.Min), p.Y.Max*1.06
	}
	return all, nil
}

// grid returns thin lines behind a plot.
func grid(vertical, horizontal bool) *plotter.Grid {
	g := plotter.NewGrid()
	g.Vertical.Color, g.Horizontal.Color = nil, nil
	if vertical {
		g.Vertical.Color, g.Vertical.Width = line, 1
	}
	if horizontal {
		g.Horizontal.Color, g.Horizontal.Width = line, 1
	}
	return g
}
