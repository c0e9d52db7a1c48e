//go:build unix

package main

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOnlyItsUserCanReadTheToken(t *testing.T) {
	m := newMachine(t, nil)
	m.run(t)
	require.NoError(t, filepath.WalkDir(m.settings.dir, func(name string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		assert.Zero(t, info.Mode().Perm()&0o077, name)
		return err
	}))
	require.NoError(t, os.Chmod(m.settings.dir, 0o777))
	require.NoError(t, run(t.Context(), m.settings, io.Discard))
	info, err := os.Stat(m.settings.dir)
	require.NoError(t, err)
	assert.Zero(t, info.Mode().Perm()&0o022, "others cannot write there any more")
	assert.Equal(t, 1, int(m.opened.Load()), "and the user need not log in again")
}
