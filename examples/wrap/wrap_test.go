package wrap_test

import (
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/oauth2"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csoauthtest"
	"github.com/contentstack/csoauth/examples/wrap"
	_ "github.com/contentstack/csoauth/internal/offline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestStateHasEachNewTokenBeforeItIsUsed(t *testing.T) {
	server := csoauthtest.NewServer(t, nil)
	config := server.Config("http://localhost:8184/callback")
	path := filepath.Join(t.TempDir(), "state.json")
	first := server.Login(config)
	first.Expiry = first.Expiry.AddDate(0, 0, -1) // yesterday's
	require.NoError(t, os.WriteFile(path, []byte(`{"resources":{"stack":"blt1"}}`), 0o600))
	require.NoError(t, open(t, path).SaveLogin(t.Context(), first))

	state := open(t, path)
	source, closeSource, err := wrap.TokenSource(t.Context(), config, state)
	require.NoError(t, err)
	token, err := source.Token()
	require.NoError(t, err)
	require.NotEqual(t, first.AccessToken, token.AccessToken)
	require.Empty(t, token.RefreshToken, "only the Manager has the refresh token")
	kept := open(t, path)
	require.Equal(t, token.AccessToken, kept.Login.AccessToken)
	require.NotEqual(t, first.RefreshToken, kept.Login.RefreshToken)
	require.Equal(t, map[string]string{"stack": "blt1"}, kept.Resources, "the rest of the state stays")

	client := &http.Client{Transport: &oauth2.Transport{Source: source, Base: config.HTTPClient.Transport}}
	resp, err := client.Get(server.URL + "/v3/user")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode)
	require.NoError(t, closeSource())
}

func TestStateIsWrittenBeforeAndAfterARefresh(t *testing.T) {
	server := csoauthtest.NewServer(t, nil)
	config := server.Config("http://localhost:8184/callback")
	path := filepath.Join(t.TempDir(), "state.json")
	state := open(t, path)
	old := server.Login(config)
	old.Expiry = old.Expiry.AddDate(0, 0, -1)
	require.NoError(t, state.SaveLogin(t.Context(), old))
	require.NoError(t, os.Remove(path)) // so that each write is seen

	asked, transport := 0, config.HTTPClient.Transport
	config.HTTPClient = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		asked++
		assert.Equal(t, old.RefreshToken, open(t, path).Login.RefreshToken, "written before the refresh token is spent")
		return transport.RoundTrip(r)
	})}
	source, closeSource, err := wrap.TokenSource(t.Context(), config, state)
	require.NoError(t, err)
	token, err := source.Token()
	require.NoError(t, err)
	require.Equal(t, 1, asked)
	require.Equal(t, token.AccessToken, open(t, path).Login.AccessToken, "written again before the new token is returned")
	require.NoError(t, closeSource())
}

func TestNothingIsSpentIfTheStateCannotBeWritten(t *testing.T) {
	server := csoauthtest.NewServer(t, nil)
	config := server.Config("http://localhost:8184/callback")
	dir := filepath.Join(t.TempDir(), "gone")
	require.NoError(t, os.Mkdir(dir, 0o700))
	state := open(t, filepath.Join(dir, "state.json"))
	old := server.Login(config)
	old.Expiry = old.Expiry.AddDate(0, 0, -1)
	require.NoError(t, state.SaveLogin(t.Context(), old))
	require.NoError(t, os.RemoveAll(dir))

	source, closeSource, err := wrap.TokenSource(t.Context(), config, state)
	require.NoError(t, err)
	_, err = source.Token()
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.NotErrorIs(t, err, csoauth.ErrLoginRequired, "the login is still valid")
	require.NoError(t, closeSource())
	_, err = config.Refresh(t.Context(), old)
	require.NoError(t, err, "the refresh token was not sent")
}

func TestStateWithoutALoginSaysSo(t *testing.T) {
	server := csoauthtest.NewServer(t, nil)
	state := open(t, filepath.Join(t.TempDir(), "state.json"))
	source, closeSource, err := wrap.TokenSource(t.Context(), server.Config("http://localhost:8184/callback"), state)
	require.NoError(t, err)
	_, err = source.Token()
	require.ErrorIs(t, err, csoauth.ErrLoginRequired)
	require.NoError(t, closeSource())
}

func TestConfigThatCannotWorkIsRefused(t *testing.T) {
	state := open(t, filepath.Join(t.TempDir(), "state.json"))
	for name, config := range map[string]*csoauth.Config{"none": nil, "empty": {}} {
		source, closeSource, err := wrap.TokenSource(t.Context(), config, state)
		require.Error(t, err, name)
		require.Nil(t, source, name)
		require.Nil(t, closeSource, name)
	}
}

func open(t *testing.T, path string) *wrap.State {
	state, err := wrap.Open(path)
	require.NoError(t, err)
	return state
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
