package main

import (
	"testing"

	"github.com/contentstack/csoauth/internal/integration/measured"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNumbersOfAxesAreShort(t *testing.T) {
	for value, want := range map[float64]string{
		0: "0", .25: "0.25", 1.2345: "1.23", 999: "999", 1000: "1k", 20_000: "20k", 1e6: "1M", 2.5e9: "2.5G", -2000: "-2k",
	} {
		assert.Equal(t, want, short(value))
	}
}

func TestLogarithmicAxesHaveEnoughNumbers(t *testing.T) {
	for _, test := range []struct {
		low, high float64
		want      []string
	}{
		{1, 10, []string{"1", "2", "5", "10"}},
		{900, 1.1e6, []string{"1k", "10k", "100k", "1M"}},
	} {
		var got []string
		for _, tick := range (ticks{log: true}).Ticks(test.low, test.high) {
			got = append(got, tick.Label)
		}
		assert.Equal(t, test.want, got)
	}
}

func TestEvenAxesHaveFourToTenNumbers(t *testing.T) {
	for high := 1.0; high < 2000; high *= 1.03 {
		for _, low := range []float64{0, -high / 3} {
			all := ticks{}.Ticks(low, high)
			assert.GreaterOrEqual(t, len(all), 4, "%v to %v", low, high)
			assert.LessOrEqual(t, len(all), 11, "%v to %v", low, high)
		}
	}
	assert.Len(t, ticks{}.Ticks(0, 60), 7)
}

func TestMoreSeriesThanColoursAreAnError(t *testing.T) {
	point := []measured.Point{{X: 1, Y: 1}}
	value := []measured.Spread{{Low: 1, Median: 1, High: 1}}
	lines, bars := measured.Chart{Name: "a"}, measured.Chart{Name: "b", Bars: &measured.Bars{Categories: []string{"c"}}}
	for range maxSeries {
		lines.Lines = append(lines.Lines, measured.Line{Name: "l", Points: point})
		bars.Bars.Groups = append(bars.Bars.Groups, measured.Group{Name: "g", Values: value})
	}
	for _, chart := range []measured.Chart{lines, bars} {
		_, err := drawChart(chart)
		require.NoError(t, err)
	}
	lines.Lines = append(lines.Lines, lines.Lines[0])
	bars.Bars.Groups = append(bars.Bars.Groups, bars.Bars.Groups[0])
	for _, chart := range []measured.Chart{lines, bars} {
		_, err := drawChart(chart)
		assert.ErrorContains(t, err, "there are colours for 5")
	}
}
