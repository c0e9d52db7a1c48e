package probe_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/emulator"
)

var update = flag.Bool("update", false, "write testdata/observed/emulated anew")

// TestReportOfTheEmulator: the report that shows what one looks like is what a probe writes.
func TestReportOfTheEmulator(t *testing.T) {
	report, err := newBench(t, emulator.Realistic()).run(t.Context())
	require.NoError(t, err)
	for name, text := range map[string][]byte{"observed.json": report.JSON(), "observed.md": report.Markdown()} {
		path := filepath.Join("..", "..", "testdata", "observed", "emulated", name)
		if *update {
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
			require.NoError(t, os.WriteFile(path, text, 0o644))
		}
		want, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, string(want), string(text), "go test ./internal/probe -run TestReportOfTheEmulator -update writes %s anew", path)
	}
}
