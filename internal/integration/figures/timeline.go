package main

import (
	"fmt"
	"html"
	"strings"
)

// A timeline shows one or more scenes below each other.
type timeline struct {
	name, title, desc string
	scenes            []scene
}

// A scene has a time axis of its own, and lanes beside it.
type scene struct {
	title    string
	from, to float64 // the ends of the axis, in any unit
	zoomed   bool    // it shows a part of the scene above it
	ticks    []tick
	lanes    []lane
	shade    *span // around the first lane, with its text above
	notes    []string
}

// A tick names a moment, above the lanes.
type tick struct {
	at    float64
	label string
}

// A lane shows what one party does.
type lane struct {
	name  string
	spans []span
	dies  *float64 // when it dies; nil: it does not
}

// A span is a time in which one thing goes on. Its class is one of style.css,
// or none for text alone.
type span struct {
	from, to float64
	class    string
	name     string // in bold, above the text
	text     string // lines
}

// What a timeline measures, in pixels.
const (
	timelineWidth = 720
	timelineEdge  = 32  // at all sides
	laneNames     = 100 // the width of the names of lanes, where there are any
	laneGap       = 8
	lineHeight    = 19 // of text in a span
	tickHeight    = 24
	sceneGap      = 28
	zoomGap       = 40
)

// draw lays the scenes out from top to bottom.
func (t timeline) draw() picture {
	d := drawing{y: timelineEdge}
	for i, s := range t.scenes {
		d.left = timelineEdge
		if s.lanes[0].name != "" {
			d.left += laneNames
		}
		if s.zoomed {
			d.zoom(t.scenes[i-1], s)
		} else if i > 0 {
			d.y += sceneGap
		}
		d.scene(s)
	}
	return picture{t.name, t.title, t.desc, timelineWidth, d.y + timelineEdge, d.String()}
}

// A drawing is SVG under way. y is where the next part goes.
type drawing struct {
	strings.Builder
	left, y float64
}

// x returns where a moment is.
func (d *drawing) x(s scene, at float64) float64 {
	return d.left + (at-s.from)/(s.to-s.from)*(timelineWidth-timelineEdge-d.left)
}

func (d *drawing) scene(s scene) {
	if s.title != "" {
		d.text(timelineEdge, d.y+14, "title", s.title)
		d.y += 32
	}
	if s.ticks != nil || s.shade != nil {
		d.y += tickHeight
	}
	top := d.y
	for _, k := range s.ticks { // behind the lanes
		x := d.x(s, k.at)
		fmt.Fprintf(d, `<path class="tick" d="M%s %sV%s"/>`+"\n", number(x), number(top-6), number(top+s.height()))
		class := "small middle"
		if k.at == s.from {
			class = "small"
		}
		d.text(x, top-11, class, k.label)
	}
	for i, l := range s.lanes {
		if i > 0 {
			d.y += laneGap
		}
		d.lane(s, l)
	}
	if s.shade != nil {
		d.rect("shade", d.x(s, s.shade.from), top-5, d.x(s, s.shade.to), top+s.lanes[0].height()+5)
		d.text(d.x(s, s.shade.to), top-11, "small end", s.shade.text)
	}
	for _, note := range s.notes {
		d.y += lineHeight
		d.text(timelineEdge, d.y+6, "small", note)
	}
}

// height returns how high all lanes are, with the gaps between them.
func (s scene) height() float64 {
	sum := float64(laneGap * (len(s.lanes) - 1))
	for _, l := range s.lanes {
		sum += l.height()
	}
	return sum
}

func (l lane) height() float64 {
	lines := 1
	for _, p := range l.spans {
		lines = max(lines, len(p.lines()))
	}
	return float64(lines*lineHeight + 14)
}

func (d *drawing) lane(s scene, l lane) {
	height := l.height()
	if l.name != "" {
		d.text(timelineEdge, d.y+height/2+5, "label strong", l.name)
	}
	for _, p := range l.spans {
		if p.class != "" {
			d.rect("span "+p.class, d.x(s, p.from), d.y, d.x(s, p.to), d.y+height)
		}
		d.lines(p, (d.x(s, p.from)+d.x(s, p.to))/2, d.y+height/2)
	}
	if l.dies != nil {
		x, y := d.x(s, *l.dies), d.y+height/2
		fmt.Fprintf(d, `<path class="cross" d="M%s %sl14 14m0 -14l-14 14"/>`+"\n", number(x-7), number(y-7))
	}
	d.y += height
}

// zoom joins the part of one scene that the next one shows to the whole of the next one.
func (d *drawing) zoom(of, into scene) {
	top := d.y
	d.y += zoomGap
	bottom := d.y + tickHeight
	fmt.Fprintf(d, `<path class="zoom" d="M%s %sH%sL%s %sH%sZ"/>`+"\n", number(d.x(of, into.from)), number(top+2),
		number(d.x(of, into.to)), number(d.x(into, into.to)), number(bottom-2), number(d.x(into, into.from)))
}

func (d *drawing) rect(class string, x1, y1, x2, y2 float64) {
	fmt.Fprintf(d, `<rect class="%s" x="%s" y="%s" width="%s" height="%s" rx="3"/>`+"\n",
		class, number(x1), number(y1), number(x2-x1), number(y2-y1))
}

func (d *drawing) text(x, y float64, class, text string) {
	fmt.Fprintf(d, `<text class="%s" x="%s" y="%s">%s</text>`+"\n", class, number(x), number(y), html.EscapeString(text))
}

// lines returns all that stands in a span.
func (p span) lines() []string {
	lines := strings.Split(p.text, "\n")
	if p.name != "" {
		lines = append([]string{p.name}, lines...)
	}
	return lines
}

// lines writes what stands in a span around its middle.
func (d *drawing) lines(p span, x, y float64) {
	lines := p.lines()
	y += 5 - float64(len(lines)-1)*lineHeight/2
	for i, line := range lines {
		class := "label middle"
		if i == 0 && p.name != "" {
			class += " strong"
		}
		if p.class == "" {
			class += " halo" // it may lie over a tick
		}
		if line != "" {
			d.text(x, y+float64(i)*lineHeight, class, line)
		}
	}
}
