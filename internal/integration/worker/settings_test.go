package main

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
)

func TestSettings(t *testing.T) {
	environment := map[string]string{
		"CONTENTSTACK_APP_UID": "app", "CONTENTSTACK_CLIENT_ID": "client", "CONTENTSTACK_REDIRECT_URI": "http://localhost:8184/callback",
	}
	read := func() (*settings, error) {
		return readSettings([]string{"-login"}, func(name string) string { return environment[name] })
	}
	first, second := bytes.Repeat([]byte{0xfb}, 32), bytes.Repeat([]byte{2}, 32)
	good := hex.EncodeToString(first)
	for text, want := range map[string]string{
		"":            "WORKER_KEY is not set",
		"hunter2!":    "WORKER_KEY: key 1 is not hex",
		good[:32]:     "WORKER_KEY: key 1 has 16 bytes and needs 32",
		good + ",bad": "WORKER_KEY: key 2 is not hex",
	} {
		environment["WORKER_KEY"] = text
		_, err := read()
		require.EqualError(t, err, want+`: make a key with "openssl rand -hex 32"`)
	}
	environment["WORKER_KEY"] = good + ", " + hex.EncodeToString(second)
	s, err := read()
	require.NoError(t, err)
	require.Equal(t, [][]byte{first, second}, s.sealKeys)
	require.Equal(t, csoauth.RoutePath, s.config.AuthorizeRoute)
}
