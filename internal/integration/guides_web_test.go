package integration_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/emulator"
)

// TestWebGuide runs the program that the guide to web applications shows, and logs a user in.
func TestWebGuide(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "examples", "hello", "main.go"))
	require.NoError(t, err)
	program, base := atEmulator(t, string(text))
	_, after, found := strings.Cut(program, `RedirectURI: "http://`)
	require.True(t, found)
	at, _, _ := strings.Cut(after, "/")
	const listens = `ListenAndServe("localhost:8184"`
	require.Equal(t, 1, strings.Count(program, listens))
	cmd := exec.CommandContext(t.Context(), buildText(t, strings.Replace(program, listens, `ListenAndServe("`+at+`"`, 1)))
	cmd.Stderr = os.Stderr
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it ends no other way
		_ = cmd.Wait()         // says that it was killed
	})
	awaitServer(t, "http://"+at)

	transport := &http.Transport{DisableKeepAlives: true}
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	browser := &http.Client{Jar: jar, Transport: &emulator.Browser{Emulator: base, Transport: transport}, Timeout: time.Minute}
	resp, err := browser.Get("http://" + at + "/login")
	require.NoError(t, err)
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	assert.Equal(t, "Hello, Ada\n", string(page))
	assert.Equal(t, "http://"+at+"/", resp.Request.URL.String())
	assert.Empty(t, readEmulatorLog(t, base).Findings)
}
