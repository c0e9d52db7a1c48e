package main

import (
	"fmt"
	"time"

	"github.com/contentstack/csoauth/internal/integration/measured"
)

// found is what the parts have found besides their rows, for the tables and charts of
// docs/scale.md.
type found struct {
	users       []usersPoint
	hit         float64 // nanoseconds of a hit by Manager.Token among 100,000 users
	heapPerUser float64 // bytes of an idle user in the largest Manager
	hours       []hour
	stores      []storeCosts
	post        time.Duration // CPU time of a token request over TLS, of both ends
}

// A usersPoint is the heap of so many idle users.
type usersPoint struct{ users, ours, bare float64 }

func (f *found) storeOf(name string) storeCosts {
	for _, c := range f.stores {
		if c.name == name {
			return c
		}
	}
	return storeCosts{}
}

// report has all that docs/scale.md shows.
func report(f *found, rows []row) *measured.Report {
	all := measured.Table{Name: "scale", Header: []string{"what", "csoauth", "bare limit", "ratio", "to reach"}}
	for _, r := range rows {
		all.Rows = append(all.Rows, []string{r.what, r.ours, r.bare, r.ratio, r.reach})
	}
	return &measured.Report{
		Machine: measured.ThisMachine(),
		Tables:  []measured.Table{all, hoursTable(f), costsTable(f), userHourTable(f), millions(f)},
		Charts:  []measured.Chart{heapChart(f.users), loadsChart(f.hours)},
	}
}

// hoursTable compares what the simulation counted with the formulas.
func hoursTable(f *found) measured.Table {
	t := measured.Table{
		Name:   "user-hours",
		Header: []string{"Recheck", "replicas", "requests", "loads", "reckoned", "least loads", "swaps", "reckoned", "POSTs", "reckoned"},
	}
	for _, h := range f.hours {
		if h.requests != 7.2 && h.requests != 30 && h.requests != 120 {
			continue
		}
		reckoned := none
		switch {
		case h.recheck == 0:
			reckoned = measured.Number(loads(h.requests, h.replicas, time.Minute))
		case h.recheck > 0:
			reckoned = measured.Number(loads(h.requests, h.replicas, h.recheck))
		}
		t.Rows = append(t.Rows, []string{
			h.recheckText(), fmt.Sprint(h.replicas), fmt.Sprint(h.requests), measured.Number(h.loads), reckoned, measured.Number(h.bareLoads),
			measured.Number(h.swaps), measured.Number(2 * posts(h.requests)), measured.Number(h.posts), measured.Number(posts(h.requests)),
		})
	}
	return t
}

// costsTable has what one thing costs.
func costsTable(f *found) measured.Table {
	t := measured.Table{Name: "costs", Header: []string{"what", "CPU of the replica", "CPU of the server"}}
	add := func(what string, ours, server string) { t.Rows = append(t.Rows, []string{what, ours, server}) }
	if f.hit > 0 { // the part users was measured, too
		add("a hit", measured.Number(f.hit)+" ns", none)
	}
	for _, c := range f.stores {
		add("a look, over "+c.name, micros(c.look.ours), micros(c.look.server))
		add("a refresh over "+c.name+", without its POST", micros(c.refresh.ours), micros(c.refresh.server))
	}
	add("a POST over TLS on a kept connection, both ends", micros(f.post), none)
	for _, c := range f.stores {
		add("bytes in "+c.name+" for a user: after the login, after a refresh", none, measured.Number(c.fresh)+" B, "+measured.Number(c.refreshed)+" B")
	}
	if f.heapPerUser > 0 {
		add("heap for an idle user", measured.Number(f.heapPerUser)+" B", none)
	}
	return t
}

// userHourTable is the sum for one user's hour: counts of the simulation times costs.
func userHourTable(f *found) measured.Table {
	t := measured.Table{
		Name:   "user-hour-cost",
		Header: []string{"requests", "replicas", "csoauth over redis", "csoauth over postgres", "server of redis", "server of postgres"},
	}
	for _, h := range f.hours {
		if h.recheck != 0 || h.requests != 7.2 && h.requests != 30 && h.requests != 120 {
			continue
		}
		redis, postgres := f.cpu(f.storeOf("redis"), h.requests, h.loads, h.posts), f.cpu(f.storeOf("postgres"), h.requests, h.loads, h.posts)
		t.Rows = append(t.Rows, []string{
			fmt.Sprint(h.requests), fmt.Sprint(h.replicas), millisOf(redis.ours), millisOf(postgres.ours), millisOf(redis.server), millisOf(postgres.server),
		})
	}
	return t
}

func micros(d time.Duration) string { return measured.Number(d.Seconds()*1e6) + " µs" }

func millisOf(d time.Duration) string { return measured.Number(d.Seconds()*1e3) + " ms" }

func heapChart(users []usersPoint) measured.Chart {
	ours, bare := measured.Line{Name: "csoauth"}, measured.Line{Name: "tokens in a sync.Map"}
	for _, u := range users {
		ours.Points = append(ours.Points, measured.Point{X: u.users, Y: u.ours * u.users / 1e6})
		bare.Points = append(bare.Points, measured.Point{X: u.users, Y: u.bare * u.users / 1e6})
	}
	return measured.Chart{
		Name: "heap", Title: "Heap of idle users in one Manager", X: "users", Y: "MB", LogX: true, LogY: true,
		Lines: []measured.Line{ours, bare},
	}
}

// loadsChart has what the simulation counted as whole lines, and the formula as dashed ones.
func loadsChart(hours []hour) measured.Chart {
	chart := measured.Chart{
		Name: "loads", Title: "Loads of the store for a user's hour, with the default Recheck",
		X: "requests of a user in an hour, at random replicas", Y: "loads in an hour",
	}
	for _, replicas := range []int{1, 4, 16} {
		counted := measured.Line{Name: fmt.Sprintf("%d replicas", replicas)}
		reckoned := measured.Line{Name: fmt.Sprintf("%d replicas, reckoned", replicas), Dashed: true}
		if replicas == 1 {
			counted.Name, reckoned.Name = "1 replica", "1 replica, reckoned"
		}
		for _, h := range hours {
			if h.replicas == replicas && h.recheck == 0 {
				counted.Points = append(counted.Points, measured.Point{X: h.requests, Y: h.loads})
			}
		}
		for requests := 0.0; requests <= 120; requests += 5 {
			reckoned.Points = append(reckoned.Points, measured.Point{X: requests, Y: loads(requests, replicas, time.Minute)})
		}
		chart.Lines = append(chart.Lines, counted, reckoned)
	}
	return chart
}
