package integration_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"golang.org/x/oauth2"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/internal/emulator"
	"github.com/contentstack/csoauth/tokens"
)

// These tests run the programs of the guides as they stand there, but at free ports.

// guidePrograms returns the programs of a page of docs/guides, in order.
func guidePrograms(t *testing.T, page string) (programs []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "guides", page))
	require.NoError(t, err)
	for _, block := range goBlock.FindAllStringSubmatch(string(text), -1) {
		if strings.HasPrefix(block[1], "package main\n") {
			programs = append(programs, block[1])
		}
	}
	return programs
}

// visitor is the environment of a program whose user allows everything.
func visitor(t *testing.T) []string {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	return []string{"BROWSER='" + exe + "'", childEnv + "=visitor", "GORACE=atexit_sleep_ms=0"}
}

func TestGuideOtherSDKTakesAClient(t *testing.T) {
	t.Parallel()
	program, base := atEmulator(t, guidePrograms(t, "other-sdk.md")[0])
	assert.Regexp(t, `^\d+ stacks, the first is Emulated Press stack 1\n$`, runText(t, program, visitor(t)...),
		"without organization_uid there would be none")
	assert.Empty(t, readEmulatorLog(t, base).Findings, "an authtoken header would be one")
}

func TestGuideOtherSDKTakesAToken(t *testing.T) {
	t.Parallel()
	programs := guidePrograms(t, "other-sdk.md")
	require.Len(t, programs, 2)
	program, base := atEmulator(t, programs[1])
	// Before its first call, its access token ends at the emulator.
	const put = `check(users.Put(ctx, "ada", token))`
	require.Equal(t, 1, strings.Count(program, put))
	program = strings.Replace(program, put, put+"\n"+`http.PostForm("`+base+`/_emulator/expire", nil)`, 1)
	assert.Equal(t, "called\ncalled\ncalled\n", runText(t, program, visitor(t)...))
	refreshes := 0
	for _, r := range readEmulatorLog(t, base).Requests {
		if r.Params["grant_type"] == "refresh_token" {
			refreshes++
		}
	}
	assert.Equal(t, 1, refreshes)
}

// TestGuideMigrating imports the logins of a client written by hand: one that lives, one that does
// not.
func TestGuideMigrating(t *testing.T) {
	t.Parallel()
	programs := guidePrograms(t, "migrating.md")
	require.Len(t, programs, 1)
	program, base := atEmulator(t, programs[0])
	_, redirectURI, found := strings.Cut(program, `RedirectURI: "`)
	require.True(t, found)
	redirectURI, _, _ = strings.Cut(redirectURI, `"`)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}
	form := url.Values{"grant_type": {"authorization_code"}, "client_id": {"emulated-Client1"}, "redirect_uri": {redirectURI}}
	form.Set("code_verifier", strings.Repeat("handwritten", 5))
	form.Set("code", codeOf(t, base, redirectURI, form.Get("code_verifier")))
	resp, err := client.PostForm(base+"/apps-api/token", form)
	require.NoError(t, err)
	defer resp.Body.Close()
	var ada map[string]any
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&ada))
	require.NotEmpty(t, ada["refresh_token"], ada)

	dir := t.TempDir()
	old, err := json.Marshal(map[string]any{"ada": ada, "alan": map[string]string{"refresh_token": "0123456789abcdef0123456789abcdef"}})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "old-tokens.json"), old, 0o600))
	binary := buildText(t, program)
	run := func() string {
		cmd := exec.CommandContext(t.Context(), binary)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "SEAL_KEY="+readmeSealKey)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		return string(out)
	}
	for range 2 { // the second time, nothing is imported again
		out := run()
		assert.Contains(t, out, "ada is imported\n")
		assert.Contains(t, out, "alan has to log in: ")
	}
	refreshed := 0
	for _, r := range readEmulatorLog(t, base).Requests {
		if r.Params["grant_type"] == "refresh_token" && r.Status == http.StatusOK {
			refreshed++
		}
	}
	assert.Equal(t, 1, refreshed)
}

// TestGuideOperationsReseal runs the program of the guide between two keys.
func TestGuideOperationsReseal(t *testing.T) {
	t.Parallel()
	programs := guidePrograms(t, "operations.md")
	require.Len(t, programs, 2)
	dir := t.TempDir()
	path := filepath.Join(dir, "tokens")
	oldKey, newKey := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	before, err := tokens.Sealed(tokens.Dir(path), oldKey)
	require.NoError(t, err)
	for _, key := range []string{"ada", "alan"} {
		require.NoError(t, before.CompareAndSwap(t.Context(), key, nil, []byte("the tokens of "+key)))
	}
	run := func(keys string) ([]byte, error) {
		cmd := exec.CommandContext(t.Context(), buildText(t, programs[0]))
		cmd.Dir, cmd.Stdin = dir, strings.NewReader("ada\nalan\nnobody\n")
		cmd.Env = append(os.Environ(), "SEAL_KEYS="+keys)
		return cmd.CombinedOutput()
	}
	out, err := run(hex.EncodeToString(newKey))
	require.Error(t, err)
	require.Contains(t, string(out), "2 of 3 values still have the old key: do not remove it")
	out, err = run(hex.EncodeToString(newKey) + "," + hex.EncodeToString(oldKey))
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "3 users have the new key, or no login")
	after, err := tokens.Sealed(tokens.Dir(path), newKey)
	require.NoError(t, err)
	for _, key := range []string{"ada", "alan"} {
		value, err := after.Load(t.Context(), key)
		require.NoError(t, err)
		require.Equal(t, "the tokens of "+key, string(value))
	}
}

// TestGuideOperationsMove copies sealed logins, and uses one in the new store.
func TestGuideOperationsMove(t *testing.T) {
	t.Parallel()
	program := guidePrograms(t, "operations.md")[1]
	dir := t.TempDir()
	key := bytes.Repeat([]byte{1}, 32)
	manager := func(name string) *tokens.Manager {
		store, err := tokens.Sealed(tokens.Dir(filepath.Join(dir, name)), key)
		require.NoError(t, err)
		config := &csoauth.Config{AppUID: "app", ClientID: "client", RedirectURI: "https://example.com/callback"}
		users, err := tokens.New(config, store, nil)
		require.NoError(t, err)
		return users
	}
	users := manager("old")
	token := &csoauth.Token{AccessToken: "access", RefreshToken: "refresh", Expiry: time.Now().Add(time.Hour)}
	require.NoError(t, users.Put(t.Context(), "ada", token))
	require.NoError(t, users.Close())
	binary := buildText(t, program)
	for range 2 { // it may run again
		cmd := exec.CommandContext(t.Context(), binary)
		cmd.Dir, cmd.Stdin = dir, strings.NewReader("ada\nnobody\n")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		require.Equal(t, "1 logins are copied\n", string(out))
	}
	users = manager("new")
	moved, err := users.Token(t.Context(), "ada")
	require.NoError(t, err)
	require.Equal(t, "access", moved.AccessToken)
	require.NoError(t, users.Close())
}

// codeOf has a user log in, and returns the code that the browser would bring to the redirect URI.
func codeOf(t *testing.T, base, redirectURI, verifier string) string {
	t.Helper()
	browser := &http.Client{
		Transport: &emulator.Browser{Emulator: base, Transport: &http.Transport{DisableKeepAlives: true}},
		CheckRedirect: func(req *http.Request, _ []*http.Request) error {
			if strings.HasPrefix(req.URL.String(), redirectURI) {
				return http.ErrUseLastResponse
			}
			return nil
		},
		Timeout: time.Minute,
	}
	query := url.Values{
		"response_type": {"code"}, "client_id": {"emulated-Client1"}, "redirect_uri": {redirectURI},
		"state": {"0123456789abcdef0123456789abcdef"}, "code_challenge": {oauth2.S256ChallengeFromVerifier(verifier)}, "code_challenge_method": {"S256"},
	}
	resp, err := browser.Get(base + "/apps/64e0f1a2b3c4d5e6f7a8b9c0/authorize?" + query.Encode())
	require.NoError(t, err)
	defer resp.Body.Close()
	location, err := resp.Location()
	require.NoError(t, err, resp.Status)
	require.NotEmpty(t, location.Query().Get("code"), location)
	return location.Query().Get("code")
}
