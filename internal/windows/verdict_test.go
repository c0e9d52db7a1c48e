package main

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestVerdict reads what go test -json said of throw-away packages, each with one thing to notice.
func TestVerdict(t *testing.T) {
	recorded, err := os.ReadFile("testdata/events.jsonl")
	require.NoError(t, err)
	tests := []struct {
		pkg       string
		printed   []string
		unprinted string
		problem   string // empty: a success
	}{
		{"m/good", []string{"ok    m/good ", "1 passed, 0 failed, 1 skipped\n"}, "fine", ""},
		{"m/bad", []string{"FAIL  m/bad ", "0.1 s  2 passed, 2 failed, 0 skipped\n", "is wrong\n", "--- FAIL: TestA/one"}, "fine", "failed: m/bad"},
		{"m/dies", []string{"FAIL  m/dies ", "0 passed, 1 failed", "TestA did not end:\n=== RUN   TestA\ndies\n"}, "PASS", "failed: m/dies"},
		{"m/leaks", []string{"FAIL  m/leaks ", "1 passed, 0 failed", "a goroutine is left\n"}, "TestA", "failed: m/leaks"},
		{"m/broken", []string{"a_test.go:3:28: undefined: undefined\n", "FAIL  m/broken "}, "PASS", "failed: m/broken"},
		{"m/empty", []string{"ok    m/empty "}, "FAIL", "no test ran"},
		{"m/gone", nil, "ok", "no test ran"},
	}
	for _, test := range tests {
		t.Run(test.pkg, func(t *testing.T) {
			var out strings.Builder
			v := newVerdict(&out)
			require.NoError(t, v.read(strings.NewReader(linesOf(string(recorded), test.pkg))))
			for _, want := range test.printed {
				assert.Contains(t, out.String(), want)
			}
			assert.NotContains(t, out.String(), test.unprinted)
			if err := v.end(nil); test.problem == "" {
				assert.NoError(t, err)
			} else {
				assert.EqualError(t, err, test.problem)
			}
		})
	}
	t.Run("all", func(t *testing.T) {
		v := newVerdict(&strings.Builder{})
		require.NoError(t, v.read(strings.NewReader(string(recorded))))
		assert.EqualError(t, v.end(errors.New("exit status 1")), "failed: m/bad m/broken m/dies m/leaks")
	})
}

// TestVerdictOfARunThatBreaksOff: what passed before does not make it a success.
func TestVerdictOfARunThatBreaksOff(t *testing.T) {
	recorded, err := os.ReadFile("testdata/events.jsonl")
	require.NoError(t, err)
	good := linesOf(string(recorded), "m/good")
	tests := []struct {
		name, events string
		goTest       error
		printed      string
		problem      string
	}{
		{"in a package", good + `{"Action":"start","Package":"m/late"}` + "\n", nil, "ok    m/good", "did not end: m/late"},
		{"in a line", good + `{"Action":"sta`, errors.New("signal: killed"), `{"Action":"sta`, "signal: killed"},
		{"with a word of the go command", "flag provided but not defined: -x\n", errors.New("exit status 2"), "not defined: -x\n", "no test ran\nexit status 2"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var out strings.Builder
			v := newVerdict(&out)
			require.NoError(t, v.read(strings.NewReader(test.events)))
			assert.Contains(t, out.String(), test.printed)
			assert.EqualError(t, v.end(test.goTest), test.problem)
		})
	}
}

func TestVerdictOfATestThatFailsOnceOfTwice(t *testing.T) {
	recorded, err := os.ReadFile("testdata/events.jsonl")
	require.NoError(t, err)
	const again = `{"Action":"pass","Package":"m/bad","Test":"TestA/one"}` + "\n"
	const end = `{"Action":"fail","Package":"m/bad","Elapsed"`
	var out strings.Builder
	v := newVerdict(&out)
	require.NoError(t, v.read(strings.NewReader(strings.Replace(linesOf(string(recorded), "m/bad"), end, again+end, 1))))
	assert.Contains(t, out.String(), "2 passed, 2 failed, 0 skipped\n")
	assert.Contains(t, out.String(), "is wrong\n")
}

// linesOf returns the lines that speak of one package.
func linesOf(recorded, pkg string) string {
	var lines strings.Builder
	for line := range strings.Lines(recorded) {
		if strings.Contains(line, pkg) {
			lines.WriteString(line)
		}
	}
	return lines.String()
}
