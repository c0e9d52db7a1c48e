package loopback_test

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/csoauthtest"
	"github.com/contentstack/csoauth/loopback"
)

func TestBrowserThatIsNotThereIsTold(t *testing.T) {
	t.Setenv("BROWSER", "/nowhere/browser")
	config := offline()
	config.RedirectURI = "http://localhost:" + freePort() + "/callback"
	var out buffer
	_, err := loginWithin(t, t.Context(), config, &loopback.Options{Out: &out, Timeout: 10 * time.Millisecond})
	require.ErrorIs(t, err, loopback.ErrTimeout)
	assert.Contains(t, out.String(), "/nowhere/browser")
	assert.Equal(t, 1, strings.Count(out.String(), "No browser opened"))
}

func TestOpenBrowserGetsTheCallersContext(t *testing.T) {
	type key struct{}
	cs := csoauthtest.NewServer(t, nil)
	u := newUser(t, cs.Browser())
	value := make(chan any, 1)
	_, err := loginWithin(t, context.WithValue(t.Context(), key{}, "value"), cs.Config("http://localhost:"+freePort()+"/callback"), &loopback.Options{
		Out: io.Discard, OpenBrowser: func(ctx context.Context, address string) error {
			value <- ctx.Value(key{})
			return u.open(ctx, address)
		},
	})
	require.NoError(t, err)
	assert.Equal(t, "value", <-value)
}
