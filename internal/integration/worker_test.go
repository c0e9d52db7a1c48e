package integration_test

import (
	"encoding/base64"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csoauthtest"
	"github.com/contentstack/csoauth/tokens"
)

// TestWorkersShareAStore runs the worker twice over each store, until each login was refreshed twice.
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
				startProgram(t, log, "env", "WORKER_KEY="+base64.StdEncoding.EncodeToString(sealKey), "CONTENTSTACK_URL="+server.URL,
					"CONTENTSTACK_APP_UID="+config.AppUID, "CONTENTSTACK_CLIENT_ID="+config.ClientID, "CONTENTSTACK_REDIRECT_URI="+config.RedirectURI,
					worker, "--store", store, "--pause", "10ms", "ada", "alan")
			}
			require.Eventually(t, func() bool { return len(refreshes(server)) >= 4 }, 30*time.Second, 10*time.Millisecond)
			for _, name := range logs {
				text, err := os.ReadFile(name)
				require.NoError(t, err)
				for _, user := range []string{"ada", "alan"} {
					assert.Contains(t, string(text), "worked user="+user+" stacks=[Books]")
				}
				assert.NotContains(t, string(text), "WARN")
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

// putUsers lets users log in, for whoever works with the store.
func putUsers(t *testing.T, text string, server *csoauthtest.Server, config *csoauth.Config, keys ...string) {
	t.Helper()
	store, closeStore, err := openSealed(t.Context(), text, nil)
	require.NoError(t, err)
	m := tokens.New(config, store, nil)
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
