// Package offline keeps tests on their machine. A test imports it for its effect: HTTP requests to
// any other machine fail.
//
// It names a proxy that cannot exist. Go's own transport and csoauth's use no proxy for a loopback
// address.
package offline

import "os"

func init() {
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"} {
		_ = os.Setenv(name, "http://127.0.0.1:0") // fails for names that are not valid
	}
	_ = os.Unsetenv("NO_PROXY")
	_ = os.Unsetenv("no_proxy")
}
