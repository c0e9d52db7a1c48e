package stores_test

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/integration/worker/stores"
)

// The integration tests in the folder above open each kind for good.
func TestWhatIsWrongIsTold(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	nobody := l.Addr().String()
	require.NoError(t, l.Close())
	const kinds = "a store is dir:PATH, redis:ADDR or postgres:URL"
	for text, want := range map[string]string{
		"":                  kinds,
		"dir:":              kinds,
		"/var/lib/worker":   kinds,
		"redis:" + nobody:   "connection refused",
		"postgres:nonsense": "pgstore: migrate: ",
		"postgres:postgres://worker:hunter2@" + nobody + "/worker": "connection refused",
	} {
		_, _, err := stores.Open(t.Context(), text)
		require.ErrorContains(t, err, want, text)
		require.NotContains(t, err.Error(), "hunter2", "no error repeats a password")
	}
}
