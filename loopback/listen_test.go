package loopback_test

import (
	"context"
	"errors"
	"io"
	"math"
	"net"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csoauthtest"
	"github.com/contentstack/csoauth/loopback"
)

// Law: L1
func TestPortInUse(t *testing.T) {
	for squatted, free := range map[string]string{"127.0.0.1": "[::1]", "[::1]": "127.0.0.1", "0.0.0.0": "", "[::]": ""} {
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
			_, err = loginWithin(t, t.Context(), cs.Config("http://localhost:"+port+"/callback"), o)
			require.ErrorIs(t, err, loopback.ErrPortInUse)
			assert.Contains(t, err.Error(), port)
			if free != "" {
				other, err := net.Listen("tcp", free+":"+port)
				require.NoError(t, err, "the other half of localhost is left")
				require.NoError(t, other.Close())
			}

			o.RedirectURIs = []string{"http://localhost:" + port + "/callback", "http://127.0.0.1:" + freePort() + "/callback"}
			u := newUser(t, cs.Browser())
			o.OpenBrowser = u.open
			config := cs.Config(o.RedirectURIs[1])
			config.RedirectURI = o.RedirectURIs[0]
			token, err := loginWithin(t, t.Context(), config, o)
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
	token, err := loginWithin(t, t.Context(), config, &loopback.Options{OpenBrowser: u.open, Out: io.Discard})
	require.NoError(t, err)
	assert.Equal(t, config.RedirectURI, token.RedirectURI)
}

// A browser takes a Location that begins with two slashes for another host's.
func TestPathWithTwoSlashesStaysHere(t *testing.T) {
	cs := csoauthtest.NewServer(t, nil)
	config := cs.Config("http://localhost:" + freePort() + "//callback")
	u := newUser(t, cs.Browser())
	_, err := loginWithin(t, t.Context(), config, &loopback.Options{OpenBrowser: u.open, Out: io.Discard})
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
	token, err := loginWithin(t, t.Context(), config, o)
	require.NoError(t, err)
	assert.Equal(t, o.RedirectURIs[1], token.RedirectURI)
	assert.Empty(t, config.RedirectURI, "the Config is the caller's")

	another, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer another.Close()
	o.RedirectURIs[1] = "http://" + another.Addr().String() + "/b"
	_, err = loginWithin(t, t.Context(), config, o)
	require.ErrorIs(t, err, loopback.ErrPortInUse)
	assert.Contains(t, err.Error(), squatter.Addr().String())
	assert.Contains(t, err.Error(), another.Addr().String())
	assert.NotContains(t, err.Error(), "\n")
	assert.True(t, strings.HasPrefix(err.Error(), "loopback: port in use: "), err)
	assert.Equal(t, 1, strings.Count(err.Error(), "; "), "it stands between the two: %v", err)
}

func TestListenerOnAllInterfacesIsFound(t *testing.T) {
	squatter, err := net.Listen("tcp", ":0")
	require.NoError(t, err)
	at := net.JoinHostPort("127.0.0.1", strconv.Itoa(squatter.Addr().(*net.TCPAddr).Port))
	assert.True(t, loopback.IsAnswered(t.Context(), at))
	over, cancel := context.WithCancel(t.Context())
	cancel()
	assert.False(t, loopback.IsAnswered(over, at), "a login that is over waits for no answer")
	require.NoError(t, squatter.Close())
	assert.False(t, loopback.IsAnswered(t.Context(), at))
}

// listenRefused listens where the system refuses it, after so many addresses where it does not.
func listenRefused(t *testing.T, redirectURI string, before int) ([]net.Listener, error) {
	t.Helper()
	listeners, err := loopback.ListenAt(t.Context(), redirectURI, func(_ context.Context, at string) (net.Listener, error) {
		if before--; before >= 0 {
			return &fakeListener{}, nil
		}
		return nil, &net.OpError{Op: "listen", Err: os.NewSyscallError("bind", refusedErrors[0])}
	})
	require.ErrorIs(t, err, refusedErrors[0])
	require.NotErrorIs(t, err, loopback.ErrPortInUse)
	assert.Empty(t, listeners)
	return listeners, err
}

type fakeListener struct {
	net.Listener
	closed bool
}

func (l *fakeListener) Close() error { l.closed = true; return nil }

// A machine may lack one address of localhost. Any other error means that a browser may go where we
// do not listen.
func TestHalfOfLocalhost(t *testing.T) {
	broken := errors.New("too many open files")
	lacking, taken, refused := lackingErrors[0], inUseErrors[0], refusedErrors[0]
	type row struct {
		first, second error
		tried         int
		open          []bool // the first, the second
		want          error
	}
	rows := map[string]row{
		"both":             {nil, nil, 2, []bool{true, true}, nil},
		"first is broken":  {broken, nil, 1, []bool{false, false}, broken},
		"second is broken": {nil, broken, 2, []bool{false, false}, broken},
		"both are lacking": {lacking, lacking, 2, []bool{false, false}, lacking},
		"lacking, taken":   {lacking, taken, 2, []bool{false, false}, loopback.ErrPortInUse},
		"lacking, broken":  {lacking, broken, 2, []bool{false, false}, broken},
		"first is refused": {refused, nil, 1, []bool{false, false}, refused},
		"then refused":     {nil, refused, 2, []bool{false, false}, refused},
		"lacking, refused": {lacking, refused, 2, []bool{false, false}, refused},
	}
	for _, err := range lackingErrors {
		rows["first is lacking: "+err.Error()] = row{err, nil, 2, []bool{false, true}, nil}
		rows["second is lacking: "+err.Error()] = row{nil, err, 2, []bool{true, false}, nil}
	}
	for _, err := range inUseErrors {
		rows["first is taken: "+err.Error()] = row{err, nil, 1, []bool{false, false}, loopback.ErrPortInUse}
		rows["second is taken: "+err.Error()] = row{nil, err, 2, []bool{false, false}, loopback.ErrPortInUse}
	}
	for name, test := range rows {
		t.Run(name, func(t *testing.T) {
			port := freePort()
			made := []*fakeListener{{}, {}}
			var tried []string
			got, err := loopback.ListenAt(t.Context(), "http://localhost:"+port+"/", func(_ context.Context, at string) (net.Listener, error) {
				tried = append(tried, at)
				i := len(tried) - 1
				if err := []error{test.first, test.second}[i]; err != nil {
					made[i].closed = true // it is none
					return nil, &net.OpError{Op: "listen", Err: os.NewSyscallError("bind", err)}
				}
				return made[i], nil
			})
			assert.Equal(t, []string{"127.0.0.1:" + port, "[::1]:" + port}[:test.tried], tried)
			var want []net.Listener
			for i, open := range test.open {
				if open {
					want = append(want, made[i])
				}
			}
			assert.Equal(t, want, got)
			for i := range test.tried {
				assert.Equal(t, test.open[i], !made[i].closed, i)
			}
			if test.want == nil {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, test.want)
				assert.Equal(t, test.want == loopback.ErrPortInUse, errors.Is(err, loopback.ErrPortInUse))
			}
		})
	}
}

func TestLoginThatIsOverTriesNoOtherRedirectURI(t *testing.T) {
	squatter, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer squatter.Close()
	a := newAttempt(t, func(_ *csoauth.Config, o *loopback.Options) {
		o.RedirectURIs = []string{"http://" + squatter.Addr().String() + "/", "http://127.0.0.1:" + freePort() + "/"}
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	listeners, _, err := a.Listen(ctx)
	require.Error(t, err)
	assert.Empty(t, listeners)
	assert.NotContains(t, err.Error(), ";", "the second was tried")
}
