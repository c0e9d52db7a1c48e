package loopback_test

import (
	"context"
	"io"
	"math"
	"net"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/csoauthtest"
	"github.com/contentstack/csoauth/loopback"
)

func TestPortInUse(t *testing.T) {
	for _, squatted := range []string{"127.0.0.1", "[::1]", "0.0.0.0", "[::]"} {
		t.Run(squatted, func(t *testing.T) {
			port := freePort()
			squatter, err := net.Listen("tcp", squatted+":"+port)
			require.NoError(t, err)
			defer squatter.Close()
			cs := csoauthtest.NewServer(t, nil)
			var opened atomic.Bool
			o := &loopback.Options{Out: io.Discard, OpenBrowser: func(context.Context, string) error {
				opened.Store(true)
				return nil
			}}
			_, err = loopback.Login(t.Context(), cs.Config("http://localhost:"+port+"/callback"), o)
			require.ErrorIs(t, err, loopback.ErrPortInUse)
			assert.Contains(t, err.Error(), port)

			o.RedirectURIs = []string{"http://localhost:" + port + "/callback", "http://127.0.0.1:" + freePort() + "/callback"}
			u := newUser(t, cs.Browser())
			o.OpenBrowser = u.open
			config := cs.Config(o.RedirectURIs[1])
			config.RedirectURI = o.RedirectURIs[0]
			token, err := loopback.Login(t.Context(), config, o)
			require.NoError(t, err)
			assert.Equal(t, o.RedirectURIs[1], token.RedirectURI)
			assert.False(t, opened.Load(), "for a port that is taken")
		})
	}
}

// Contentstack compares strings, and a URL has several.
func TestRedirectURIIsSentToTheByte(t *testing.T) {
	cs := csoauthtest.NewServer(t, nil)
	config := cs.Config("http://localhost:" + freePort() + "/a|b%7c")
	u := newUser(t, cs.Browser())
	token, err := loopback.Login(t.Context(), config, &loopback.Options{OpenBrowser: u.open, Out: io.Discard})
	require.NoError(t, err)
	assert.Equal(t, config.RedirectURI, token.RedirectURI)
}

// A browser takes a Location that begins with two slashes for another host's.
func TestPathWithTwoSlashesStaysHere(t *testing.T) {
	cs := csoauthtest.NewServer(t, nil)
	config := cs.Config("http://localhost:" + freePort() + "//callback")
	u := newUser(t, cs.Browser())
	_, err := loopback.Login(t.Context(), config, &loopback.Options{OpenBrowser: u.open, Out: io.Discard})
	require.NoError(t, err)
	assert.Equal(t, config.RedirectURI, (<-u.address).String())
}

// One that cannot be had for whatever reason leads to the next.
func TestNextRedirectURI(t *testing.T) {
	cs := csoauthtest.NewServer(t, nil)
	squatter, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer squatter.Close()
	taken := "http://" + squatter.Addr().String()
	config := cs.Config("http://localhost:" + freePort() + "/callback")
	u := newUser(t, cs.Browser())
	o := &loopback.Options{OpenBrowser: u.open, Out: io.Discard, RedirectURIs: []string{taken + "/a", config.RedirectURI}, Timeout: math.MaxInt64}
	config.RedirectURI = ""
	token, err := loopback.Login(t.Context(), config, o)
	require.NoError(t, err)
	assert.Equal(t, o.RedirectURIs[1], token.RedirectURI)

	o.RedirectURIs = []string{taken + "/a", taken + "/b"}
	_, err = loopback.Login(t.Context(), config, o)
	require.ErrorIs(t, err, loopback.ErrPortInUse)
	assert.NotContains(t, err.Error(), "\n")
}

func TestListenerOnAllInterfacesIsFound(t *testing.T) {
	squatter, err := net.Listen("tcp", ":0")
	require.NoError(t, err)
	at := net.JoinHostPort("127.0.0.1", strconv.Itoa(squatter.Addr().(*net.TCPAddr).Port))
	assert.True(t, loopback.IsAnswered(t.Context(), at))
	require.NoError(t, squatter.Close())
	assert.False(t, loopback.IsAnswered(t.Context(), at))
}
