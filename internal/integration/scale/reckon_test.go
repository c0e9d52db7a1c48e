package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What TestUserHour of package tokens counts agrees with these formulas; here is where they end.
func TestFormulasAtTheirEnds(t *testing.T) {
	assert.InDelta(t, 60/52.4, posts(1e9), 1e-6, "a user who always asks has a POST for each token")
	assert.InDelta(t, 0.001, posts(0.001), 1e-5, "a user who never asks has one for each request")
	assert.InDelta(t, 80, loads(1e9, 1, time.Minute), 1e-3, "a replica looks each 45 seconds at most")
	assert.InDelta(t, 1280, loads(1e9, 16, time.Minute), 1e-2)
	assert.InDelta(t, 1, loads(1, 1_000_000, time.Minute), 1e-5, "many replicas look for each request")
}

func someFound() *found {
	c := func(name string, us time.Duration) storeCosts {
		return storeCosts{
			name: name, look: cost{50 * time.Microsecond, us * time.Microsecond}, refresh: cost{200 * time.Microsecond, 4 * us * time.Microsecond},
			fresh: 800, refreshed: 1000,
		}
	}
	return &found{
		users: []usersPoint{{1000, 660, 510}}, hit: 100, heapPerUser: 660, post: 100 * time.Microsecond,
		stores: []storeCosts{c("redis", 10), c("postgres", 50)},
		hours: []hour{
			{replicas: 1, requests: 7.2, loads: 6.7, swaps: 1.9, posts: 1, bareLoads: .9}, {replicas: 4, requests: 30, loads: 27, swaps: 2.2, posts: 1.1, bareLoads: 4},
			{replicas: 16, requests: 1, loads: 1, swaps: 1.1, posts: .6, bareLoads: 1}, {recheck: -1, replicas: 1, requests: 7.2, loads: 1, swaps: 2, posts: 1, bareLoads: .9},
		},
	}
}

func TestMillions(t *testing.T) {
	table := millions(someFound())
	cells := map[string][]string{}
	for _, row := range table.Rows {
		require.Len(t, row, len(table.Header))
		cells[row[0]] = row[1:]
	}
	assert.Equal(t, []string{"1 k", "100 k", "10 M"}, cells["active in the same hour"])
	assert.Equal(t, []string{"8.33", "833", "83333"}, cells["requests/s"])
	assert.Equal(t, []string{"2", "2", "167"}, cells["replicas"])
	assert.Equal(t, []string{"10.0 MB", "1.00 GB", "100 GB"}, cells["memory of Redis"])
	assert.Equal(t, []string{"1", "1", "4, for the size"}, cells["shards of Redis"])
	assert.Equal(t, []string{"1", "1", "2, for the CPU"}, cells["shards of PostgreSQL"])
}

// Shards are for what is used up first.
func TestShards(t *testing.T) {
	for want, has := range map[string][4]float64{
		"1":                {0.4, 0.5, 1e9, 25e9},
		"2, for the CPU":   {0.6, 0.5, 1e9, 25e9},
		"10, for the size": {0.6, 0.5, 1e9, 1e8},
	} {
		n, why := shards(has[0], has[1], has[2], has[3])
		assert.Equal(t, want, fmt.Sprint(n, why))
	}
}

func TestReportCanBeWritten(t *testing.T) {
	require.NoError(t, report(someFound(), steadyRows(someFound().hours)).Write(t.TempDir()+"/scale.json"))
}

func TestSize(t *testing.T) {
	for want, bytes := range map[string]float64{"0.50 B": .5, "999 B": 999.4, "1.00 kB": 999.6, "1.50 MB": 1.5e6, "120 GB": 1.2e11} {
		assert.Equal(t, want, size(bytes))
	}
	assert.Equal(t, 120, round(119.7))
	assert.Equal(t, 9, round(9.4))
	assert.Equal(t, 1_600_000, round(1_648_721))
}
