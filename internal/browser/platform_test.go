package browser_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/browser"
)

func TestOnlyWebAddressesAreOpened(t *testing.T) {
	t.Setenv("BROWSER", "/nowhere/browser")
	for _, address := range []string{"--version", "-http://a", " http://a", "file:///etc/passwd", "javascript:alert(1)", "http:/a", "https:", ""} {
		_, err := browser.Open(address)
		require.ErrorContains(t, err, "neither http nor https", address)
	}
	for _, address := range []string{"http://localhost", "https://example.com"} {
		_, err := browser.Open(address)
		require.ErrorContains(t, err, "/nowhere/browser", address)
	}
}

var (
	rundll = []string{"url.dll,FileProtocolHandler"}
	wsl    = [][]string{
		{"wslview"}, append([]string{"rundll32.exe"}, rundll...),
		append([]string{"/mnt/c/Windows/System32/rundll32.exe"}, rundll...),
	}
	xdg = []string{"xdg-open"}
)

func TestPlatforms(t *testing.T) {
	for name, test := range map[string]struct {
		goos string
		env  map[string]string
		want [][]string
	}{
		"mac":             {"darwin", nil, [][]string{{"open"}}},
		"ios":             {"ios", nil, [][]string{{"open"}}},
		"windows":         {"windows", nil, [][]string{append([]string{"rundll32"}, rundll...)}},
		"x11":             {"linux", map[string]string{"DISPLAY": ":0"}, [][]string{xdg}},
		"wayland":         {"freebsd", map[string]string{"WAYLAND_DISPLAY": "wayland-0"}, [][]string{xdg}},
		"wsl":             {"linux", map[string]string{"WSL_DISTRO_NAME": "Debian"}, wsl},
		"wsl, interop":    {"linux", map[string]string{"WSL_INTEROP": "/run/WSL/8_interop"}, wsl},
		"wsl, display":    {"linux", map[string]string{"WSL_DISTRO_NAME": "Debian", "DISPLAY": ":0"}, append(wsl[:3:3], xdg)},
		"no display":      {"linux", nil, nil},
		"$BROWSER first":  {"darwin", map[string]string{"BROWSER": "lynx -x"}, [][]string{{"lynx", "-x"}}},
		"$BROWSER in wsl": {"linux", map[string]string{"BROWSER": "lynx", "WSL_DISTRO_NAME": "Debian"}, [][]string{{"lynx"}}},
		"$BROWSER blanks": {"linux", map[string]string{"BROWSER": " : "}, nil},
	} {
		got, err := browser.Platform(test.goos, test.env)
		require.NoError(t, err, name)
		assert.Equal(t, test.want, got, name)
	}
}

// A hook or a service may have taken away the variables of WSL. The kernel still has its name.
func TestWSLIsKnownByItsKernel(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		is   bool
	}{
		"WSL 1":                 {"Linux version 4.4.0-19041-Microsoft (Microsoft@Microsoft.com) (gcc version 5.4.0 (GCC) ) #1237-Microsoft", true},
		"WSL 2":                 {"5.15.153.1-microsoft-standard-WSL2\n", true},
		"a kernel of one's own": {"6.6.9-Wsl-mine", true},
		"capitals":              {"6.1.0-MICROSOFT", true},
		"Debian":                {"Linux version 6.1.0-18-amd64 (debian-kernel@lists.debian.org) (gcc-12 (Debian 12.2.0-14) 12.2.0)", false},
		"Azure":                 {"6.5.0-1025-azure", false},
		"empty":                 {"", false},
		"after the bound":       {strings.Repeat("x", 4<<10) + "microsoft", false},
	} {
		kernel := filepath.Join(t.TempDir(), "version")
		require.NoError(t, os.WriteFile(kernel, []byte(test.text), 0o600))
		missing := filepath.Join(t.TempDir(), "missing")
		for _, kernels := range [][]string{{kernel}, {missing, kernel}, {kernel, missing}} {
			var want [][]string
			if test.is {
				want = wsl
			}
			got, err := browser.Platform("linux", nil, kernels...)
			require.NoError(t, err)
			assert.Equal(t, want, got, name)
		}
		got, err := browser.Platform("freebsd", map[string]string{"DISPLAY": ":0"}, kernel)
		require.NoError(t, err)
		assert.Equal(t, [][]string{xdg}, got, "%s, elsewhere", name)
	}
	kernels := browser.Kernels()
	assert.Contains(t, kernels, "/proc/version")
	assert.Contains(t, kernels, "/proc/sys/kernel/osrelease")
}

func TestNoDisplayIsTold(t *testing.T) {
	_, err := browser.OpenOn("linux", nil, "https://example.com")
	require.EqualError(t, err, "there is no display, and $BROWSER is not set")
}
