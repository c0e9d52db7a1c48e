package integration_test

import (
	"bytes"
	"encoding/hex"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csoauthtest"
)

// TestWorkersShareAStore runs the worker twice over each store, until each login was refreshed
// twice.
func TestWorkersShareAStore(t *testing.T) {
	t.Parallel()
	worker := buildIn(t, ".", "./worker")
	for _, shared := range sharedStores {
		t.Run(shared.name, func(t *testing.T) {
			t.Parallel()
			server := csoauthtest.NewServer(t, &csoauthtest.Options{AccessTokenLifetime: 2 * time.Second})
			server.API("GET /v3/stacks", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"stacks":[{"name":"Books"}]}`) })
			config := server.Config(publicApp.redirectURI)
			store := shared.start(t)
			putUsers(t, store, server, config, "ada", "alan")
			var logs []string
			for _, name := range []string{"first", "second"} {
				log, err := os.Create(filepath.Join(t.TempDir(), name))
				require.NoError(t, err)
				t.Cleanup(func() { log.Close() })
				logs = append(logs, log.Name())
				startProgram(t, log, "env", "WORKER_KEY="+hex.EncodeToString(sealKey), "CONTENTSTACK_URL="+server.URL,
					"CONTENTSTACK_APP_UID="+config.AppUID, "CONTENTSTACK_CLIENT_ID="+config.ClientID, "CONTENTSTACK_REDIRECT_URI="+config.RedirectURI,
					worker, "--store", store, "--pause", "10ms", "ada", "alan")
			}
			assert.Eventually(t, func() bool {
				return len(refreshes(server)) >= 4 && !slices.ContainsFunc(logs, func(log string) bool { return !workedFor(log, "ada") || !workedFor(log, "alan") })
			}, 60*time.Second, 10*time.Millisecond, "each worker works for both users, and both are refreshed")
			for _, log := range logs {
				text, err := os.ReadFile(log)
				require.NoError(t, err)
				assert.NotContains(t, string(text), "log in again") // "next round" may be there: a Manager replaces a token because of a 401 once a minute
			}
			seen := map[string]bool{}
			for _, r := range refreshes(server) {
				assert.Equal(t, http.StatusOK, r.Status, r)
				assert.False(t, seen[r.Params["refresh_token"]], "one of the workers sends it")
				seen[r.Params["refresh_token"]] = true
			}
		})
	}
}

// workedFor reports whether a worker has written to its log that it worked for the user.
func workedFor(log, user string) bool {
	text, _ := os.ReadFile(log) // an error is no such line
	return bytes.Contains(text, []byte("worked user="+user+" stacks=[Books]"))
}

// putUsers logs users in, for the programs that work with the store.
func putUsers(t *testing.T, text string, server *csoauthtest.Server, config *csoauth.Config, keys ...string) {
	t.Helper()
	store, closeStore, err := openSealed(t.Context(), text, nil)
	require.NoError(t, err)
	m := newManager(t, config, store, nil)
	for _, key := range keys {
		require.NoError(t, m.Put(t.Context(), key, server.Login(config)))
	}
	require.NoError(t, m.Close())
	require.NoError(t, closeStore())
}

// refreshes are those that the server has decided.
func refreshes(server *csoauthtest.Server) (all []csoauthtest.Request) {
	for _, r := range server.Requests() {
		if r.Params["grant_type"] == "refresh_token" && r.Status != 0 {
			all = append(all, r)
		}
	}
	return all
}
