package main

import (
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestMissingProgramsAreNamed(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	err := run([]string{"./..."}, io.Discard)
	assert.ErrorContains(t, err, "not found: wine, x86_64-w64-mingw32-gcc; on Debian: apt-get install --no-install-recommends wine")
}
