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
	meanRefresh  = 52.4        // minutes after it came, when its soft window begins, on average of all keys
	meanRecheck  = 0.75        // of Recheck, on average, after a look until the next
	perEndpoint  = 64          // MaxRefreshesPerHost
	endpointNeed = 100_000_000 // nanoseconds for a response of the token endpoint, which is a guess
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

// shards returns how many servers it takes.
func (f fleet) shards(c storeCosts, cores, bytes float64) (n int, why string) {
	busy, full := f.cores(c)/cores, f.users*c.refreshed/bytes
	n = max(1, int(math.Ceil(max(busy, full))))
	switch {
	case n == 1:
		return n, ""
	case busy > full:
		return n, ", for the CPU"
	}
	return n, ", for the size"
}

// cores returns how many cores of the store's servers are busy. A refresh is a load and two swaps;
// the other loads are looks.
func (f fleet) cores(c storeCosts) float64 {
	n := posts(f.requests)
	looks := loads(f.requests, f.replicas, time.Minute) - n
	return f.perSecond(looks)*c.look.server.Seconds() + f.perSecond(n)*c.refresh.server.Seconds()
}

// ourCores returns how many cores csoauth keeps busy in all replicas.
func (f fleet) ourCores(found *found, c storeCosts) float64 {
	n := posts(f.requests)
	looks := loads(f.requests, f.replicas, time.Minute) - n
	return f.perSecond(f.requests)*found.hit*1e-9 + f.perSecond(looks)*c.look.ours.Seconds() +
		f.perSecond(n)*(c.refresh.ours+found.post).Seconds()
}

// millions is the table of what is reckoned for fleets.
func millions(f *found) measured.Table {
	fleets := []fleet{newFleet(10_000), newFleet(1_000_000), newFleet(100_000_000)}
	redis, postgres := f.storeOf("redis"), f.storeOf("postgres")
	t := measured.Table{Name: "millions", Header: []string{"users", "10 k", "1 M", "100 M"}}
	add := func(what string, cell func(f fleet) string) {
		cells := []string{what}
		for _, one := range fleets {
			cells = append(cells, cell(one))
		}
		t.Rows = append(t.Rows, cells)
	}
	add("active in the same hour", func(f fleet) string { return count(int(f.active)) })
	add("requests/s", func(f fleet) string { return number(f.perSecond(f.requests)) })
	add("replicas", func(f fleet) string { return fmt.Sprint(f.replicas) })
	add("POSTs/s to the token endpoint", func(f fleet) string { return number(f.perSecond(posts(f.requests))) })
	add("loads/s", func(f fleet) string { return number(f.perSecond(loads(f.requests, f.replicas, time.Minute))) })
	add("loads/s with Recheck 10 min", func(f fleet) string {
		return number(f.perSecond(loads(f.requests, f.replicas, 10*time.Minute)))
	})
	add("loads/s if a user stays at a replica", func(f fleet) string {
		return number(f.perSecond(loads(f.requests, 1, time.Minute)))
	})
	add("loads/s with both", func(f fleet) string {
		return number(f.perSecond(loads(f.requests, 1, 10*time.Minute)))
	})
	add("swaps/s", func(f fleet) string { return number(f.perSecond(2 * posts(f.requests))) })
	add("cores of csoauth over Redis, all replicas", func(one fleet) string { return number(one.ourCores(f, redis)) })
	add("cores of csoauth over PostgreSQL, all replicas", func(one fleet) string { return number(one.ourCores(f, postgres)) })
	add("users that ask a replica in an hour", func(f fleet) string { return count(round(f.seen())) })
	add("memory of a replica for them", func(one fleet) string { return size(one.seen() * f.heapPerUser) })
	add("cores of Redis", func(f fleet) string { return number(f.cores(redis)) })
	add("memory of Redis", func(f fleet) string { return size(f.users * redis.refreshed) })
	add("shards of Redis", func(f fleet) string {
		n, why := f.shards(redis, redisCores, redisBytes)
		return fmt.Sprint(n, why)
	})
	add("cores of PostgreSQL", func(f fleet) string { return number(f.cores(postgres)) })
	add("disk of PostgreSQL", func(f fleet) string { return size(f.users * postgres.refreshed) })
	add("shards of PostgreSQL", func(f fleet) string {
		n, why := f.shards(postgres, postgresCores, postgresBytes)
		return fmt.Sprint(n, why)
	})
	add("after an outage of the token endpoint, until all active users have a token", func(f fleet) string {
		places := float64(f.replicas * perEndpoint)
		return fmt.Sprintf("%s s", number(f.active*endpointNeed/1e9/places))
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
			return number(bytes) + " " + unit
		}
		bytes /= 1000
	}
	return number(bytes) + " GB"
}
