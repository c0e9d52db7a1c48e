package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/contentstack/csoauth/internal/integration/measured"
)

// A result is what the rounds of a benchmark cost: nanoseconds of CPU time, by implementation.
type result struct {
	benchmark
	costs map[string][]float64
}

// String is the line that tells how far the measurement is.
func (r result) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%-32s", r.name)
	for _, impl := range r.impls {
		fmt.Fprintf(&s, " %s %s", impl, duration(r.cost(impl).Median))
	}
	for _, impl := range r.impls[1:] {
		fmt.Fprintf(&s, ", %s of %s", spread(r.ratio(csoauth, impl)), impl)
	}
	return s.String()
}

func (r result) cost(impl string) measured.Spread { return spreadOf(slices.Clone(r.costs[impl])) }

// ratio compares two implementations round by round. It is zero if one of them was not run.
func (r result) ratio(of, to string) measured.Spread {
	var ratios []float64
	for i, cost := range r.costs[of] {
		if i < len(r.costs[to]) {
			ratios = append(ratios, cost/r.costs[to][i])
		}
	}
	return spreadOf(ratios)
}

// spreadOf sorts the values, and returns their median and quartiles.
func spreadOf(values []float64) measured.Spread {
	if len(values) == 0 {
		return measured.Spread{}
	}
	slices.Sort(values)
	at := func(quarter int) float64 {
		place := quarter * (len(values) - 1)
		low, high := values[place/4], values[min(place/4+1, len(values)-1)]
		return low + (high-low)*float64(place%4)/4
	}
	return measured.Spread{Low: at(1), Median: at(2), High: at(3)}
}

// tables are those of docs/benchmarks.md.
func tables(results []result) []measured.Table {
	protocol := measured.Table{
		Name:   "benchmarks",
		Header: []string{"benchmark", "csoauth", "x/oauth2", "true limit", "÷ x/oauth2", "÷ true limit", "to reach"},
	}
	refreshes := measured.Table{
		Name:   "refreshes",
		Header: []string{"store", "csoauth", "bare client", "with seals and JSON", "÷ bare client", "÷ with seals and JSON", "to reach, bare"},
	}
	for _, r := range results {
		if r.herd {
			refreshes.Rows = append(refreshes.Rows, []string{
				r.name, duration(r.cost(csoauth).Median), duration(r.cost(limit).Median), duration(r.cost(codec).Median),
				spread(r.ratio(csoauth, limit)), spread(r.ratio(csoauth, codec)), r.reached(),
			})
			continue
		}
		protocol.Rows = append(protocol.Rows, []string{
			r.name, duration(r.cost(csoauth).Median), duration(r.cost(xoauth2).Median), duration(r.cost(limit).Median),
			spread(r.ratio(csoauth, xoauth2)), spread(r.ratio(csoauth, limit)), r.reached(),
		})
	}
	return []measured.Table{protocol, refreshes}
}

// reached says what ratio is to be reached, and whether the median does. It is to the limit, or to
// x/oauth2 where there is no limit.
func (r result) reached() string {
	to := limit
	if !slices.Contains(r.impls, limit) {
		to = xoauth2
	}
	switch {
	case r.aim == 0:
		return "–"
	case r.ratio(csoauth, to).Median <= r.aim:
		return fmt.Sprintf("≤ %g: reached", r.aim)
	}
	return fmt.Sprintf("≤ %g: missed", r.aim)
}

// charts are those of docs/benchmarks.md.
func charts(results []result) []measured.Chart {
	ratios := &measured.Bars{Reference: 1, ReferenceName: "true limit"}
	refreshes := &measured.Bars{}
	ours, peers := measured.Group{Name: "csoauth"}, measured.Group{Name: "x/oauth2"}
	herds := []measured.Group{{Name: "csoauth"}, {Name: "bare client, with seals and JSON"}, {Name: "bare client"}}
	for _, r := range results {
		switch {
		case r.herd:
			refreshes.Categories = append(refreshes.Categories, r.name)
			for i, impl := range []string{csoauth, codec, limit} {
				herds[i].Values = append(herds[i].Values, micros(r.cost(impl)))
			}
		case slices.Contains(r.impls, limit):
			ratios.Categories = append(ratios.Categories, r.name)
			ours.Values = append(ours.Values, r.ratio(csoauth, limit))
			peers.Values = append(peers.Values, r.ratio(xoauth2, limit))
		}
	}
	ratios.Groups, refreshes.Groups = []measured.Group{ours, peers}, herds
	return []measured.Chart{
		{Name: "benchmarks", Title: "CPU time, as a multiple of the true limit", X: "times the true limit", Bars: ratios},
		{Name: "refreshes", Title: "CPU time of a refresh over a store, server included", X: "µs of CPU time", Bars: refreshes},
	}
}

// micros converts nanoseconds.
func micros(s measured.Spread) measured.Spread {
	return measured.Spread{Low: s.Low / 1e3, Median: s.Median / 1e3, High: s.High / 1e3}
}

// duration prints nanoseconds with three digits.
func duration(ns float64) string {
	switch {
	case ns == 0:
		return "–"
	case ns >= 999_500:
		return measured.Number(ns/1e6) + " ms"
	case ns >= 999.5:
		return measured.Number(ns/1e3) + " µs"
	}
	return measured.Number(ns) + " ns"
}

// spread prints a median and its quartiles.
func spread(s measured.Spread) string {
	if s.Median == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f (%.2f–%.2f)", s.Median, s.Low, s.High)
}
