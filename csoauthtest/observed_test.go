package csoauthtest_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csoauthtest"
)

// TestServerBehavesAsObserved: with the report of the emulator, the Server refuses as it did, and a
// used refresh token does not end the login, as it does in a strict one.
func TestServerBehavesAsObserved(t *testing.T) {
	server := csoauthtest.NewServer(t, &csoauthtest.Options{
		Observed: "../testdata/observed/emulated/observed.json", Region: csoauth.EU, Allow: []string{"refresh-token-reused"},
	})
	config := server.Config("http://localhost:8184/callback")
	token := server.Login(config)
	assert.Equal(t, "EU", token.Location, "the Server stays the region that the test asks for")
	next, err := config.Refresh(t.Context(), token)
	require.NoError(t, err)
	_, err = config.Refresh(t.Context(), token)
	var said *csoauth.Error
	require.ErrorAs(t, err, &said)
	assert.Equal(t, 400, said.StatusCode)
	assert.Empty(t, said.Code, "there is a message, and no code")
	_, err = config.Refresh(t.Context(), next)
	require.NoError(t, err)
}

func TestReportThatCannotBeFollowed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "observed.json")
	require.NoError(t, os.WriteFile(path, []byte(`{"version":7}`), 0o600))
	for _, test := range []struct{ path, want string }{
		{path, "version 7"}, {path + "x", "no such file"},
	} {
		failed := failures(t, func(tb testing.TB) { csoauthtest.NewServer(tb, &csoauthtest.Options{Observed: test.path}) })
		require.Len(t, failed, 1)
		assert.Contains(t, failed[0], "csoauthtest: Observed: ")
		assert.Contains(t, failed[0], test.want)
	}
}
