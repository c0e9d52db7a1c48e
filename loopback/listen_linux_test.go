package loopback_test

import (
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/csoauthtest"
	"github.com/contentstack/csoauth/loopback"
)

// A literal address is that one alone, and localhost two. Other systems do not have all of
// 127.0.0.0/8.
func TestListensNowhereElse(t *testing.T) {
	for host, free := range map[string][]string{
		"localhost": {"127.0.0.2"}, "127.0.0.1": {"127.0.0.2", "[::1]"}, "[::1]": {"127.0.0.1"}, "127.0.0.2": {"127.0.0.1", "[::1]"},
	} {
		cs := csoauthtest.NewServer(t, nil)
		port := freePort()
		u := newUser(t, cs.Browser())
		u.before = func(string) {
			for _, other := range free {
				listener, err := net.Listen("tcp", other+":"+port)
				if assert.NoError(t, err, "at %s", host) {
					listener.Close()
				}
			}
		}
		_, err := loginWithin(t, t.Context(), cs.Config("http://"+host+":"+port+"/callback"), &loopback.Options{OpenBrowser: u.open, Out: io.Discard})
		require.NoError(t, err)
	}
}
