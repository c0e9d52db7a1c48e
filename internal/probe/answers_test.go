package probe_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/emulator"
	"github.com/contentstack/csoauth/internal/observed"
)

// TestProbeFindsWhatIsSet: of every two values of the unknowns that can come together, a probe
// finds both.
func TestProbeFindsWhatIsSet(t *testing.T) {
	settings := pairs(dimensions())
	t.Logf("%d settings", len(settings))
	for _, s := range settings {
		b := s.bench(t)
		report, err := b.run(t.Context())
		require.NoError(t, err)
		if !assert.Equal(t, s.answers(), answersOf(report), "set to %v", s.chosen) {
			t.FailNow() // one is enough to read
		}
		b.assertGentle()
	}
}

// answersOf returns what a report says.
func answersOf(r *observed.Report) map[string]answer {
	all := map[string]answer{}
	for _, result := range r.Results {
		all[result.Question] = answer(result.Answer)
		if result.Outcome != observed.Observed {
			all[result.Question] = answer(result.Outcome)
		}
	}
	return all
}

// assertGentle checks that the probe made at most one request a second, and under 60 in all.
func (b *bench) assertGentle() {
	b.t.Helper()
	assert.Less(b.t, len(b.requests), 60)
	for i, at := range b.requests[1:] {
		assert.GreaterOrEqual(b.t, at.Sub(b.requests[i]).Seconds(), 1.0, "request %d", i+2)
	}
}

// TestEveryQuestionIsTested: the test above knows what to expect of each question.
func TestEveryQuestionIsTested(t *testing.T) {
	var names []string
	for _, q := range observed.Questions() {
		names = append(names, q.Name)
	}
	all := dimensions()
	want := slices.Collect(maps.Keys(newSetting(all, make([]int, len(all))).answers()))
	assert.ElementsMatch(t, names, want)
}

// TestEmulatorBehavesAsObserved: an emulator that takes over a report gives the same report.
func TestEmulatorBehavesAsObserved(t *testing.T) {
	for _, s := range pairs(dimensions())[:6] {
		first, err := s.bench(t).run(t.Context())
		require.NoError(t, err)
		o := emulator.Strict()
		_, _, err = o.Follow(first)
		require.NoError(t, err)
		again := *s
		again.o = o
		second, err := again.bench(t).run(t.Context())
		require.NoError(t, err)
		assert.Equal(t, answersOf(first), answersOf(second))
	}
}
