package browser_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/browser"
)

func TestOnlyWebAddressesAreOpened(t *testing.T) {
	t.Setenv("BROWSER", "/nowhere/browser")
	for _, address := range []string{"--version", "file:///etc/passwd", "javascript:alert(1)", "http:/a", "https:", ""} {
		_, err := browser.Open(address)
		require.ErrorContains(t, err, "neither http nor https", address)
	}
	for _, address := range []string{"http://localhost", "https://example.com"} {
		_, err := browser.Open(address)
		require.ErrorContains(t, err, "/nowhere/browser", address)
	}
}

func TestPlatforms(t *testing.T) {
	rundll := []string{"url.dll,FileProtocolHandler"}
	for name, test := range map[string]struct {
		goos string
		env  map[string]string
		want [][]string
	}{
		"mac":             {"darwin", nil, [][]string{{"open"}}},
		"ios":             {"ios", nil, [][]string{{"open"}}},
		"windows":         {"windows", nil, [][]string{append([]string{"rundll32"}, rundll...)}},
		"x11":             {"linux", map[string]string{"DISPLAY": ":0"}, [][]string{{"xdg-open"}}},
		"wayland":         {"freebsd", map[string]string{"WAYLAND_DISPLAY": "wayland-0"}, [][]string{{"xdg-open"}}},
		"wsl":             {"linux", map[string]string{"WSL_DISTRO_NAME": "Debian"}, [][]string{{"wslview"}, append([]string{"rundll32.exe"}, rundll...)}},
		"wsl, display":    {"linux", map[string]string{"WSL_DISTRO_NAME": "Debian", "DISPLAY": ":0"}, [][]string{{"wslview"}, append([]string{"rundll32.exe"}, rundll...)}},
		"no display":      {"linux", nil, nil},
		"$BROWSER first":  {"darwin", map[string]string{"BROWSER": "lynx -x"}, [][]string{{"lynx", "-x"}}},
		"$BROWSER blanks": {"linux", map[string]string{"BROWSER": " " + string(os.PathListSeparator) + " "}, nil},
	} {
		assert.Equal(t, test.want, browser.Platform(test.goos, func(name string) string { return test.env[name] }), name)
	}
}
