package browser_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/browser"
)

func TestNoDisplayIsTold(t *testing.T) {
	for _, name := range []string{"BROWSER", "DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"} {
		t.Setenv(name, "")
	}
	_, err := browser.Open("https://example.com")
	require.ErrorContains(t, err, "no display")
}
