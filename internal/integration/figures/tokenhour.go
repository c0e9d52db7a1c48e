package main

import (
	"fmt"
	"time"
)

// The default times of package tokens for a token that lives for an hour. A test compares them with
// the constants there.
const (
	lifetime   = time.Hour
	softWindow = 10 * time.Minute // before the end, at the earliest
	hardWindow = 30 * time.Second
	margin     = 10 * time.Second
	// softLatest is where the soft window of a key begins at the latest: half of the time between
	// the two windows can be taken off.
	softLatest = softWindow - (softWindow-hardWindow)/2
)

// tokenHour shows what callers get in the life of an access token.
func tokenHour() timeline {
	end := lifetime.Seconds()
	soft, latest := end-softWindow.Seconds(), end-softLatest.Seconds()
	hard, late := end-hardWindow.Seconds(), end-margin.Seconds()
	const beside = 15 // seconds that the lower axis shows on both sides
	return timeline{
		name:  "token-hour",
		title: "The hour of an access token",
		desc: "The token is fresh until minute 50. The soft window begins between 50:00 and 54:45. The hard window begins at 59:30, " +
			"the margin at 59:50, and the token is over at 60:00.",
		scenes: []scene{
			{
				title: "An access token that lives for 60 minutes",
				from:  0, to: end + beside,
				ticks: []tick{{0, "0:00"}, {soft, clock(soft)}, {latest, clock(latest)}, {end, clock(end)}},
				lanes: []lane{{spans: []span{
					{0, soft, "good", "fresh", "callers get the token\nfrom memory"},
					{soft, hard, "soft", "soft window", "from memory;\na refresh runs"},
					{hard, late, "warn", "", ""},
					{late, end, "bad", "", ""},
					{end, end + beside, "rest", "", ""},
				}}},
			},
			{
				zoomed: true,
				from:   hard - beside, to: end + beside,
				ticks: []tick{{hard, clock(hard)}, {late, clock(late)}, {end, clock(end)}},
				lanes: []lane{{spans: []span{
					{hard - beside, hard, "soft", "soft window", "from memory"},
					{hard, late, "warn", "hard window", fmt.Sprintf("callers wait for the\nnext token, %.0f s at most", hardWindow.Seconds()/2)},
					{late, end, "bad", "margin", "the next\none, or wait"},
					{end, end + beside, "rest", "over", "callers get the next\none, or wait"},
				}}},
				notes: []string{
					"The lower axis shows the last moments of the upper one. The soft window of a key begins",
					"at its own moment from " + clock(soft) + " to " + clock(latest) + ", so that users do not refresh together.",
				},
			},
		},
	}
}

// clock writes seconds as minutes and seconds.
func clock(seconds float64) string {
	return fmt.Sprintf("%d:%02d", int(seconds)/60, int(seconds)%60)
}
