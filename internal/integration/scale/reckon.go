package main

import (
	"fmt"
	"math"
	"time"

	"github.com/contentstack/csoauth/internal/integration/measured"
)

// This file reckons: it multiplies what was measured. docs/scale.md explains each formula.

// Times of a token that lives for an hour, with the defaults.
const (
	meanRefresh = 52.4 // minutes after it came, when its soft window begins, on average of all keys
	meanRecheck = 0.75 // of Recheck, on average, after a look until the next
)

// posts returns how many token requests a user causes in an hour who makes so many requests.
func posts(requests float64) float64 { return 60 / (meanRefresh + 60/requests) }

// loads returns how many loads a user causes in an hour who makes so many requests, at random
// replicas.
func loads(requests float64, replicas int, recheck time.Duration) float64 {
	each := requests / float64(replicas)
	return requests / (1 + each*meanRecheck*recheck.Hours())
}

// A fleet is a service that is reckoned.
type fleet struct {
	users    float64 // who have a login
	active   float64 // who make requests in an hour
	requests float64 // of an active user, in an hour
	replicas int
}

// newFleet has a tenth of the users active, with 30 requests an hour, and a replica for each 500
// requests a second, two at least.
func newFleet(users float64) fleet {
	f := fleet{users: users, active: users / 10, requests: 30}
	f.replicas = max(2, int(math.Ceil(f.perSecond(f.requests)/500)))
	return f
}

// perSecond returns how many there are in a second of something that an active user does so often
// in an hour.
func (f fleet) perSecond(each float64) float64 { return f.active * each / 3600 }

// seen returns how many users ask one replica in an hour.
func (f fleet) seen() float64 {
	return f.active * (1 - math.Exp(-f.requests/float64(f.replicas)))
}

// The limits of a shard: half of a core of Redis, which has one, and half of eight cores of
// PostgreSQL; and bytes that are still quick to copy and to restore.
const (
	redisCores    = 0.5
	postgresCores = 4
	redisBytes    = 25e9
	postgresBytes = 500e9
)

// shards returns how many servers it takes that each have so many cores and bytes to give.
func shards(busy, cores, bytes, bytesEach float64) (n int, why string) {
	forCPU, forSize := busy/cores, bytes/bytesEach
	n = max(1, int(math.Ceil(max(forCPU, forSize))))
	switch {
	case n == 1:
		return n, ""
	case forCPU > forSize:
		return n, ", for the CPU"
	}
	return n, ", for the size"
}

// cpu returns the CPU time of one user's hour, from how often each thing is done in it. A refresh
// is a load and two swaps; the other loads are looks.
func (f *found) cpu(c storeCosts, requests, loads, posts float64) cost {
	looks := loads - posts
	return cost{
		ours:   time.Duration(requests*f.hit + looks*float64(c.look.ours) + posts*float64(c.refresh.ours+f.post)),
		server: time.Duration(looks*float64(c.look.server) + posts*float64(c.refresh.server)),
	}
}

// millions is the table of what is reckoned for fleets.
func millions(f *found) measured.Table {
	fleets := []fleet{newFleet(10_000), newFleet(1_000_000), newFleet(100_000_000)}
	redis, postgres := f.storeOf("redis"), f.storeOf("postgres")
	cores := func(one fleet, c storeCosts) (ours, server float64) {
		hour := f.cpu(c, one.requests, loads(one.requests, one.replicas, time.Minute), posts(one.requests))
		return one.perSecond(hour.ours.Seconds()), one.perSecond(hour.server.Seconds())
	}
	t := measured.Table{Name: "millions", Header: []string{"users", "10 k", "1 M", "100 M"}}
	add := func(what string, cell func(f fleet) string) {
		cells := []string{what}
		for _, one := range fleets {
			cells = append(cells, cell(one))
		}
		t.Rows = append(t.Rows, cells)
	}
	add("active in the same hour", func(f fleet) string { return count(int(f.active)) })
	add("requests/s", func(f fleet) string { return measured.Number(f.perSecond(f.requests)) })
	add("replicas", func(f fleet) string { return fmt.Sprint(f.replicas) })
	add("POSTs/s to the token endpoint", func(f fleet) string { return measured.Number(f.perSecond(posts(f.requests))) })
	add("loads/s", func(f fleet) string { return measured.Number(f.perSecond(loads(f.requests, f.replicas, time.Minute))) })
	add("loads/s with Recheck 10 min", func(f fleet) string {
		return measured.Number(f.perSecond(loads(f.requests, f.replicas, 10*time.Minute)))
	})
	add("loads/s if a user stays at a replica", func(f fleet) string {
		return measured.Number(f.perSecond(loads(f.requests, 1, time.Minute)))
	})
	add("loads/s with both", func(f fleet) string {
		return measured.Number(f.perSecond(loads(f.requests, 1, 10*time.Minute)))
	})
	add("swaps/s", func(f fleet) string { return measured.Number(f.perSecond(2 * posts(f.requests))) })
	add("cores of csoauth over Redis, all replicas", func(f fleet) string {
		ours, _ := cores(f, redis)
		return measured.Number(ours)
	})
	add("cores of csoauth over PostgreSQL, all replicas", func(f fleet) string {
		ours, _ := cores(f, postgres)
		return measured.Number(ours)
	})
	add("users that ask a replica in an hour", func(f fleet) string { return count(round(f.seen())) })
	add("memory of a replica for them", func(one fleet) string { return size(one.seen() * f.heapPerUser) })
	add("cores of Redis", func(f fleet) string {
		_, server := cores(f, redis)
		return measured.Number(server)
	})
	add("memory of Redis", func(f fleet) string { return size(f.users * redis.refreshed) })
	add("shards of Redis", func(f fleet) string {
		_, server := cores(f, redis)
		n, why := shards(server, redisCores, f.users*redis.refreshed, redisBytes)
		return fmt.Sprint(n, why)
	})
	add("cores of PostgreSQL", func(f fleet) string {
		_, server := cores(f, postgres)
		return measured.Number(server)
	})
	add("disk of PostgreSQL", func(f fleet) string { return size(f.users * postgres.refreshed) })
	add("shards of PostgreSQL", func(f fleet) string {
		_, server := cores(f, postgres)
		n, why := shards(server, postgresCores, f.users*postgres.refreshed, postgresBytes)
		return fmt.Sprint(n, why)
	})
	add("after an outage of the token endpoint, until all active users have a token", func(f fleet) string {
		return measured.Number(f.active*endpointTakes.Seconds()/float64(f.replicas*bareAtATime)) + " s"
	})
	return t
}

// round keeps two digits: a reckoned number has no more.
func round(f float64) int {
	step := math.Pow(10, max(0, math.Floor(math.Log10(f))-1))
	return int(math.Round(f/step) * step)
}

// size prints bytes.
func size(bytes float64) string {
	for _, unit := range []string{"B", "kB", "MB"} {
		if bytes < 999.5 {
			return measured.Number(bytes) + " " + unit
		}
		bytes /= 1000
	}
	return measured.Number(bytes) + " GB"
}
