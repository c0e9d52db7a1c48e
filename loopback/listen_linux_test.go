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

// Here to listen tells whether the port is taken, so the program that has it gets no connection.
// On other systems Login asks with one.
func TestProgramThatHasThePortGetsNoConnection(t *testing.T) {
	squatter, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer squatter.Close()
	config := offline()
	config.RedirectURI = "http://" + squatter.Addr().String() + "/callback"
	_, err = loginWithin(t, t.Context(), config, &loopback.Options{OpenBrowser: nobody, Out: io.Discard})
	require.ErrorIs(t, err, loopback.ErrPortInUse)
	ours, err := net.Dial("tcp", squatter.Addr().String())
	require.NoError(t, err)
	defer ours.Close()
	first, err := squatter.Accept()
	require.NoError(t, err)
	defer first.Close()
	assert.Equal(t, ours.LocalAddr().String(), first.RemoteAddr().String(), "Login connected to it")
}

// A literal address is that one alone, and localhost two. Other systems do not have all of
// 127.0.0.0/8.
//
// Law: L1
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
