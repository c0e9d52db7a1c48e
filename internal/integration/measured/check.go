package measured

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"
)

// A name is part of a file name, and of a comment in Markdown.
var name = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// check returns why the report cannot be shown.
func (r *Report) check() error {
	seen := map[string]bool{}
	unique := func(kind, n string) error {
		if !name.MatchString(n) {
			return fmt.Errorf("%s %q: a name has small letters, digits and hyphens", kind, n)
		}
		if seen[kind+n] {
			return fmt.Errorf("%s %s is there twice", kind, n)
		}
		seen[kind+n] = true
		return nil
	}
	for _, t := range r.Tables {
		if err := errors.Join(unique("table", t.Name), t.check()); err != nil {
			return err
		}
	}
	for _, c := range r.Charts {
		if err := errors.Join(unique("chart", c.Name), c.check()); err != nil {
			return err
		}
	}
	if strings.TrimSpace(r.Machine) == "" {
		return errors.New("the machine is not named")
	}
	return nil
}

func (t *Table) check() error {
	if len(t.Header) == 0 {
		return fmt.Errorf("table %s has no header", t.Name)
	}
	for i, row := range t.Rows {
		if len(row) != len(t.Header) {
			return fmt.Errorf("table %s: row %d has %d cells, and the header %d", t.Name, i+1, len(row), len(t.Header))
		}
	}
	return nil
}

func (c *Chart) check() error {
	if (len(c.Lines) == 0) == (c.Bars == nil) {
		return fmt.Errorf("chart %s must have either lines or bars", c.Name)
	}
	if c.Bars != nil {
		return c.checkBars()
	}
	for _, line := range c.Lines {
		if len(line.Points) == 0 {
			return fmt.Errorf("chart %s: line %q has no points", c.Name, line.Name)
		}
		for _, p := range line.Points {
			if !drawable(p.X, c.LogX) || !drawable(p.Y, c.LogY) {
				return fmt.Errorf("chart %s: line %q: the point %v, %v cannot be drawn", c.Name, line.Name, p.X, p.Y)
			}
		}
	}
	return nil
}

func (c *Chart) checkBars() error {
	if len(c.Bars.Categories) == 0 || len(c.Bars.Groups) == 0 {
		return fmt.Errorf("chart %s has no bars", c.Name)
	}
	for _, g := range c.Bars.Groups {
		if len(g.Values) != len(c.Bars.Categories) {
			return fmt.Errorf("chart %s: group %q has %d values for %d categories",
				c.Name, g.Name, len(g.Values), len(c.Bars.Categories))
		}
		for _, v := range g.Values {
			if v != (Spread{}) && !(v.Low > 0 && v.Low <= v.Median && v.Median <= v.High && !math.IsInf(v.High, 0)) {
				return fmt.Errorf("chart %s: group %q: %v must be above 0 and in order", c.Name, g.Name, v)
			}
		}
	}
	return nil
}

// drawable reports whether a value has a place on an axis.
func drawable(v float64, log bool) bool {
	return !math.IsNaN(v) && !math.IsInf(v, 0) && (!log || v > 0)
}
