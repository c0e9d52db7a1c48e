package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/clilogin"
	"github.com/contentstack/csoauth/csoauthtest"
	"github.com/contentstack/csoauth/loopback"
)

func TestLogInAndOut(t *testing.T) {
	contentstack := csoauthtest.NewServer(t, nil)
	config := contentstack.Config("http://" + freeAddress(t) + "/callback") // the login listens there
	config.AuthorizeRoute = csoauth.RoutePath                               // as in the program
	options := &clilogin.Options{
		Program: "mytool", NoLogin: true,
		Dir: t.TempDir(), // otherwise it is the profile of the person who runs the test
		Loopback: &loopback.Options{
			Out: io.Discard,
			OpenBrowser: func(_ context.Context, address string) error {
				go browse(contentstack.Browser(), address) // logs in, and consents
				return nil
			},
		},
	}
	session, err := clilogin.Open(t.Context(), config, options)
	require.NoError(t, err)
	require.NoError(t, session.Login(t.Context(), nil))
	user, err := session.API().User(t.Context())
	require.NoError(t, err)
	require.Equal(t, "ada@example.com", user.Email)
	require.NoError(t, session.Logout(t.Context()))
	_, err = session.API().User(t.Context())
	require.ErrorIs(t, err, csoauth.ErrLoginRequired)
	require.NoError(t, session.Close())
}

func browse(browser *http.Client, address string) {
	if resp, err := browser.Get(address); err == nil {
		resp.Body.Close()
	}
}

// freeAddress returns an address at which nothing listens.
func freeAddress(t *testing.T) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return listener.Addr().String()
}
