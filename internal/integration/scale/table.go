package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/contentstack/csoauth/internal/integration/measured"
)

// A row of the table.
type row struct{ what, ours, bare, ratio, reach string }

func (r row) String() string {
	return "| " + strings.Join([]string{r.what, r.ours, r.bare, r.ratio, r.reach}, " | ") + " |"
}

// none is in a cell that has nothing to say.
const none = "–"

// aim says what is to be reached, and whether it was.
func aim(text string, reached bool) string {
	if reached {
		return text + ": reached"
	}
	return text + ": missed"
}

// compared is a row that has to be at most so many times the bare limit.
func compared(what string, ours, bare float64, unit string, atMost float64) row {
	return row{what, measured.Number(ours) + unit, measured.Number(bare) + unit, times(ours / bare), aim(fmt.Sprintf("≤ %gx", atMost), ours <= atMost*bare)}
}

func times(ratio float64) string { return fmt.Sprintf("%.2fx", ratio) }

// count prints a number of users.
func count(n int) string {
	switch {
	case n >= 1_000_000 && n%100_000 == 0:
		return fmt.Sprintf("%g M", float64(n)/1_000_000)
	case n >= 1_000 && n%100 == 0:
		return fmt.Sprintf("%g k", float64(n)/1_000)
	}
	return fmt.Sprint(n)
}

func mib(bytes float64) string { return fmt.Sprintf("%.1f MiB", bytes/(1<<20)) }

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
