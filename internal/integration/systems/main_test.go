package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCheck(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":            "module example.com/m\n\ngo 1.24\n",
		"m.go":              "package m\n\nconst large int = 1 << 31\n",
		"m_plan9.go":        "package m\n\nfunc f() { undefined() }\n",
		"m_windows_test.go": "package m\n\nimport \"testing\"\n\nfunc TestF(t *testing.T) { t.Undefined() }\n",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	assert.NoError(t, check(dir, "linux/amd64"))
	for system, place := range map[string]string{
		"linux/386":     "m.go:3:",
		"plan9/amd64":   "m_plan9.go:3:",
		"windows/amd64": "m_windows_test.go:5:",
		"solaris/vax":   "solaris/vax",
		"windows":       "as in windows/amd64",
	} {
		err := check(dir, system)
		require.ErrorContains(t, err, place)
		assert.Equal(t, 1, strings.Count(err.Error(), place), "%v", err)
	}
	assert.Error(t, check(t.TempDir(), "linux/amd64"), "no module")
}
