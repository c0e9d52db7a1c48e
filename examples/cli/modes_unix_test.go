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
	require.ErrorContains(t, run(t.Context(), m.settings, io.Discard), "others can write")
	require.Equal(t, 1, int(m.opened.Load()), "the unsafe directory is reported before the user has to log in")
}
