package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/integration/measured"
)

func TestSpreadOf(t *testing.T) {
	for name, test := range map[string]struct {
		values []float64
		want   measured.Spread
	}{
		"none":  {nil, measured.Spread{}},
		"one":   {[]float64{3}, measured.Spread{Low: 3, Median: 3, High: 3}},
		"two":   {[]float64{4, 2}, measured.Spread{Low: 2.5, Median: 3, High: 3.5}},
		"three": {[]float64{9, 1, 5}, measured.Spread{Low: 3, Median: 5, High: 7}},
		"five":  {[]float64{50, 10, 40, 20, 30}, measured.Spread{Low: 20, Median: 30, High: 40}},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, test.want, spreadOf(test.values)) })
	}
}

// The ratio of a round compares its own runs, so a machine that is slow for a while changes
// nothing.
func TestRatioIsOfEachRound(t *testing.T) {
	r := result{benchmark{impls: all, aim: 1.5}, map[string][]float64{
		csoauth: {100, 1000, 200}, xoauth2: {200, 2000, 400}, limit: {50, 1000, 100},
	}}
	assert.Equal(t, measured.Spread{Low: .5, Median: .5, High: .5}, r.ratio(csoauth, xoauth2))
	assert.Equal(t, measured.Spread{Low: 1.5, Median: 2, High: 2}, r.ratio(csoauth, limit))
	assert.Equal(t, "≤ 1.5: missed", r.reached())
	assert.Zero(t, r.ratio(csoauth, codec), "it was not run")
}

// Without a limit, the aim is about x/oauth2.
func TestAimWithoutALimit(t *testing.T) {
	r := result{benchmark{impls: noLimit, aim: 1.1}, map[string][]float64{csoauth: {11}, xoauth2: {10}}}
	assert.Equal(t, "≤ 1.1: reached", r.reached())
	r.aim = 0
	assert.Equal(t, "–", r.reached())
}

func TestDuration(t *testing.T) {
	for want, ns := range map[string]float64{
		"–": 0, "0.50 ns": .5, "9.99 ns": 9.99, "12.3 ns": 12.34, "999 ns": 999.4, "1.00 µs": 999.6, "123 µs": 123_400, "1.00 ms": 999_600,
	} {
		assert.Equal(t, want, duration(ns))
	}
}

// Each benchmark of the plan is drawn and has its row.
func TestReportHasEachBenchmark(t *testing.T) {
	var results []result
	for _, b := range benchmarks {
		costs := map[string][]float64{}
		for i, impl := range b.impls {
			costs[impl] = []float64{float64(100 * (i + 1))}
		}
		results = append(results, result{b, costs})
	}
	rows := 0
	for _, table := range tables(results) {
		rows += len(table.Rows)
	}
	assert.Len(t, benchmarks, rows)
	report := measured.Report{Machine: "here", Tables: tables(results), Charts: charts(results)}
	require.NoError(t, report.Write(t.TempDir()+"/report.json"))
}

func TestWhatABenchmarkPrints(t *testing.T) {
	out := "goos: linux\nBenchmarkExchange/impl=csoauth-2 \t   20000\t     23678 ns/op\t 3624 B/op\nPASS\n"
	n, err := number(out, iterations)
	require.NoError(t, err)
	assert.EqualValues(t, 20000, n)
	micros, err := number("BenchmarkHerd 3 1 ns/op 519.5 cpu-µs/refresh 1.0 loads/refresh", cpuOfRefresh)
	require.NoError(t, err)
	assert.EqualValues(t, 519.5, micros)
	_, err = number("PASS\n", iterations)
	assert.ErrorContains(t, err, "did not run")
}

func TestChoose(t *testing.T) {
	chosen, err := choose("^Ex")
	require.NoError(t, err)
	assert.Len(t, chosen, 2)
	for pattern, says := range map[string]string{"nothing like that": "matches no benchmark", "(": "-rows"} {
		_, err := choose(pattern)
		assert.ErrorContains(t, err, says)
	}
}
