package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os/exec"
	"slices"
	"time"

	"github.com/contentstack/csoauth/internal/integration/measured"
)

// An hour is what the requests of one user cost in an hour, as TestUserHour of package tokens
// counts it in fake time.
type hour struct {
	recheck   time.Duration // 0: the default; negative: off
	replicas  int
	requests  float64
	loads     float64 // of the store
	swaps     float64
	posts     float64 // to the token endpoint
	bareLoads float64 // of clients that read the store only when their token has ended
}

// measureHours runs the simulation. A program cannot: fake time is for tests.
func measureHours(ctx context.Context, s *sizes, f *found) ([]row, error) {
	test := exec.CommandContext(ctx, "go", "test", "-count=1", "-timeout=30m", "./tokens", "-run=^TestUserHour$", "-v", "-args", "-all-user-hours")
	test.Dir = s.root
	out, err := test.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	for line := range bytes.Lines(out) {
		_, text, isHour := bytes.Cut(line, []byte(": user-hour "))
		if !isHour {
			continue
		}
		var h hour
		var recheck string
		if _, err := fmt.Sscanf(string(text), "recheck=%s replicas=%d requests=%g loads=%g swaps=%g posts=%g bare-loads=%g",
			&recheck, &h.replicas, &h.requests, &h.loads, &h.swaps, &h.posts, &h.bareLoads); err != nil {
			return nil, fmt.Errorf("%w, in %q", err, text)
		}
		if h.recheck, err = time.ParseDuration(recheck); err != nil {
			return nil, err
		}
		f.hours = append(f.hours, h)
	}
	// The rows of a test run beside each other, and are printed as they end. Off, which is
	// negative, is last.
	slices.SortFunc(f.hours, func(a, b hour) int {
		return cmp.Or(cmp.Compare(uint64(a.recheck), uint64(b.recheck)), cmp.Compare(a.replicas, b.replicas), cmp.Compare(a.requests, b.requests))
	})
	return steadyRows(f.hours), nil
}

// steadyRows are of 100,000 users who make 200 requests a second.
func steadyRows(hours []hour) (rows []row) {
	const users, requests = 100_000, 7.2 // an hour, of each
	most := map[int]float64{1: 45, 4: 75}
	for _, h := range hours {
		if h.requests != requests || most[h.replicas] == 0 || h.recheck > 0 {
			continue
		}
		perSecond := func(n float64) float64 { return n * users / 3600 }
		what := fmt.Sprintf("steady: 100 k users, 200 requests/s, %d replica(s), Recheck %s, loads", h.replicas, h.recheckText())
		ours, bare := perSecond(h.loads), perSecond(h.bareLoads)
		rows = append(rows, row{
			what, measured.Number(ours) + "/s", measured.Number(bare) + "/s", times(ours / bare),
			aim(fmt.Sprintf("≤ %g/s", most[h.replicas]), ours <= most[h.replicas]),
		})
	}
	return rows
}

func (h hour) recheckText() string {
	switch {
	case h.recheck == 0:
		return "1 min"
	case h.recheck < 0:
		return "off"
	}
	return fmt.Sprintf("%g min", h.recheck.Minutes())
}
