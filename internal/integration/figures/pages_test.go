package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/contentstack/csoauth/internal/integration/measured"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTablesAreCopiedIntoPages(t *testing.T) {
	docs := newDocs(t)
	page, err := os.ReadFile(filepath.Join(docs, "benchmarks.md"))
	require.NoError(t, err)
	assert.Equal(t, `# Benchmarks

<!-- machine -->

2 cores, go1.26.1, linux/amd64

<!-- end -->

<!-- table protocol -->

| what | csoauth | x/oauth2 |
| --- | --: | --: |
| authorize URL | 1.2 µs | 2.0 µs |
| exchange \| refresh | 81 µs |  |

<!-- end -->

Text.
`, string(page))
	page, err = os.ReadFile(filepath.Join(docs, "scale.md"))
	require.NoError(t, err)
	assert.Equal(t, "# Scale\n\nNo place.\n", string(page))
}

func TestAPlaceThatCannotBeFilledIsAnError(t *testing.T) {
	report := &measured.Report{Machine: "m", Tables: []measured.Table{{Name: "a", Header: []string{"x"}}}}
	for page, want := range map[string]string{
		"<!-- table b -->\n<!-- end -->\n":                     `nothing was measured for the place "table b"`,
		"<!-- table a -->\n":                                   `the place "table a" has no end`,
		"<!-- table a -->\n<!-- table a -->\n<!-- end -->\n":   `the place "table a" has no end`,
		"<!-- machine -->\n<!-- end -->\n<!-- table a -->\n\n": `the place "table a" has no end`,
	} {
		_, err := fill(page, report)
		assert.ErrorContains(t, err, want)
	}
	_, err := fill("<!-- machine -->\n<!-- end -->\n", &measured.Report{})
	assert.ErrorContains(t, err, "nothing was measured")
}
