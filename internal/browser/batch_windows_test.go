package browser_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/browser"
)

// Windows gives a batch file to cmd.exe, which takes an & in the address for the end of a command.
func TestBatchFilesAreNoBrowsers(t *testing.T) {
	for _, name := range []string{"a.bat", "b b.CMD"} {
		path := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.WriteFile(path, []byte("@exit 0\r\n"), 0o700))
		for _, variable := range []string{path, `"` + path + `" -x %s`, `"` + strings.TrimSuffix(path, filepath.Ext(path)) + `" %s`} {
			t.Setenv("BROWSER", variable)
			_, err := browser.Open("https://example.com/?a=b&c=d")
			require.ErrorContains(t, err, "batch file", variable)
		}
	}
}
