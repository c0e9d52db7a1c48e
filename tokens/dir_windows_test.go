package tokens_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/tokens"
)

// TestDirOnAMissingDrive: a drive that is unplugged for a moment logs nobody out.
func TestDirOnAMissingDrive(t *testing.T) {
	drive := `D:\`
	for exists(drive) {
		drive = string(drive[0]+1) + `:\`
		require.NotEqual(t, `[:\`, drive, "every drive is there")
	}
	_, err := tokens.Dir(drive+"tokens").Load(t.Context(), dirKey)
	assertDirError(t, err, drive)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
