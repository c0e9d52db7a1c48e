package main

import (
	"fmt"
	"time"
)

// The default times of a lease in package tokens. A test compares them with the constants there.
const (
	leaseLength = 30 * time.Second

	minGrace = 2 * time.Second
	grace    = max(minGrace, leaseLength/8) // between the announcement of a takeover and the takeover
)

// leaseOfTwo shows two replicas that want to refresh the same login.
func leaseOfTwo() timeline {
	return timeline{
		name:  "lease",
		title: "Two replicas and one lease",
		desc: "First, all goes well: replica A looks, leases, asks and saves, while replica B waits and serves the old token. " +
			"Then A dies while it has the lease: B waits until the lease ends, announces a takeover, waits again, leases and asks.",
		scenes: []scene{leaseGoesWell(), leaseHolderDies()},
	}
}

func leaseGoesWell() scene {
	const asked, saved = 66, 84
	return scene{
		title: "All goes well: often within a second (not to scale)",
		from:  0, to: 100,
		lanes: []lane{
			{name: "Replica A", spans: []span{
				{0, 12, "rest", "", "look"}, {13, 27, "rest", "", "lease"}, {28, asked, "good", "", "ask"},
				{asked + 1, saved - 1, "good", "", "save"}, {saved + 1, 100, "good", "", "pair 2"},
			}},
			{name: "The record", spans: []span{
				{0, 27, "rest", "", "pair 1"}, {27, saved, "soft", "", "pair 1 + lease of A"}, {saved, 100, "good", "", "pair 2"},
			}},
			{name: "Replica B", spans: []span{
				{30, 42, "rest", "", "look"}, {43, saved + 1, "soft", "", "wait, and serve pair 1"}, {saved + 2, 100, "good", "", "pair 2"},
			}},
		},
		shade: &span{asked, saved, "", "", "if A dies here, the login can be lost"},
	}
}

func leaseHolderDies() scene {
	lease, over := leaseLength.Seconds(), (leaseLength + grace).Seconds()
	const begin, leased, end = -2.0, -1.4, 42.0
	died := -.3
	return scene{
		title: "A dies before it saves: seconds since B saw the lease",
		from:  begin, to: end,
		ticks: []tick{{0, "0"}, {lease, fmt.Sprintf("%g", lease)}, {over, fmt.Sprintf("%g", over)}},
		lanes: []lane{
			{name: "Replica A", dies: &died, spans: []span{
				{begin, died, "good", "", ""}, {1, 15, "", "", "dies with pair 2"}, {23, end, "", "", "B announces a takeover"},
			}},
			{name: "The record", spans: []span{
				{begin, leased, "rest", "", ""}, {leased, lease, "soft", "", "pair 1 + lease of A"},
				{lease, over, "warn", "", ""}, {over, end, "soft", "", "lease of B"},
			}},
			{name: "Replica B", spans: []span{
				{0, lease, "soft", "", "wait for the end of the lease,\nand serve pair 1 while it is valid"},
				{lease, over, "warn", "", ""}, {over, end, "good", "", "ask"},
			}},
		},
		notes: []string{
			fmt.Sprintf("B announces a takeover, and waits for an eighth of its lease, %g s at least.", minGrace.Seconds()),
			"If A is alive, it can still save pair 2 in that time.",
			"B takes over only when its access token has ended. It gets pair 2 once more, or a refusal.",
			"After a refusal the user must log in again.",
		},
	}
}
