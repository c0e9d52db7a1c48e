package main

import (
	"math"
	"strconv"

	"gonum.org/v1/plot"
)

// ticks marks an axis. Numbers are short: 20k is 20,000, and 1M a million.
type ticks struct{ log bool }

// Ticks implements plot.Ticker.
func (t ticks) Ticks(low, high float64) []plot.Tick {
	if t.log {
		return logTicks(low, high)
	}
	return evenTicks(low, high)
}

// evenTicks marks multiples of 1, 2 or 5 times a power of ten: four to ten of them.
func evenTicks(low, high float64) (all []plot.Tick) {
	step := math.Pow(10, math.Floor(math.Log10((high-low)/4)))
	for _, times := range []float64{5, 2} {
		if times*step <= (high-low)/4 {
			step *= times
			break
		}
	}
	for n := math.Ceil(low / step); n*step <= high; n++ {
		all = append(all, plot.Tick{Value: n * step, Label: short(n * step)})
	}
	return all
}

// logTicks marks 1, 10, 100, and what is between them where there is room for it.
func logTicks(low, high float64) (all []plot.Tick) {
	steps := []float64{1}
	if high/low < 1000 {
		steps = []float64{1, 2, 5}
	}
	for power := math.Floor(math.Log10(low)); power <= math.Ceil(math.Log10(high)); power++ {
		for _, step := range steps {
			if value := step * math.Pow(10, power); value >= low*.999 && value <= high*1.001 {
				all = append(all, plot.Tick{Value: value, Label: short(value)})
			}
		}
	}
	return all
}

// short writes a number of at most three digits and a letter.
func short(v float64) string {
	for _, unit := range []struct {
		of     float64
		letter string
	}{{1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if math.Abs(v) >= unit.of {
			return strconv.FormatFloat(v/unit.of, 'g', 3, 64) + unit.letter
		}
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}
