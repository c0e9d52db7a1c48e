package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// request returns a request with a body.
func request(t *testing.T, b *body) *http.Request {
	t.Helper()
	req := httptest.NewRequest(http.MethodPost, "/", nil)
	require.NoError(t, b.attach(req))
	return req
}

func TestBodiesThatCanBeSentAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "body")
	require.NoError(t, os.WriteFile(path, []byte("from a file"), 0o600))
	file, err := openBody(path)
	require.NoError(t, err)
	typed, err := bodyOf(strings.NewReader("from a pipe"))
	require.NoError(t, err)
	for want, b := range map[string]*body{"from a file": file, "from a pipe": typed} {
		req := request(t, b)
		require.Equal(t, int64(11), req.ContentLength)
		for range 2 {
			content, err := io.ReadAll(req.Body)
			require.NoError(t, err)
			require.Equal(t, want, string(content))
			require.NoError(t, req.Body.Close())
			req.Body, err = req.GetBody()
			require.NoError(t, err)
		}
		require.NoError(t, req.Body.Close())
	}

	req := request(t, file)
	require.NoError(t, req.Body.Close())
	require.NoError(t, os.WriteFile(path, []byte("longer than it was"), 0o600))
	_, err = req.GetBody()
	require.ErrorContains(t, err, "has changed meanwhile")

	none, err := bodyOf(strings.NewReader(""))
	require.NoError(t, err)
	require.Equal(t, http.NoBody, request(t, none).Body)
	_, err = openBody(t.TempDir())
	require.ErrorContains(t, err, "is a directory")
}

// TestLargeBodyOfAPipe is sent as it comes, once, and not kept.
func TestLargeBodyOfAPipe(t *testing.T) {
	const size = 100 << 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	b, err := bodyOf(io.LimitReader(endless{}, size))
	require.NoError(t, err)
	req := request(t, b)
	require.Equal(t, int64(-1), req.ContentLength)
	require.Nil(t, req.GetBody)
	sent := sha(t, req.Body)
	require.Equal(t, sha(t, io.LimitReader(endless{}, size)), sent)
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(20<<20), "bytes allocated in all")
}

// endless reads as one letter without end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	return copy(p, block), nil
}

var block = bytes.Repeat([]byte("x"), 64<<10)

// sha returns a sum of all that r has.
func sha(t *testing.T, r io.Reader) string {
	t.Helper()
	h := sha256.New()
	_, err := io.Copy(h, r)
	require.NoError(t, err)
	return hex.EncodeToString(h.Sum(nil))
}
