package main

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
)

func TestSealKeysAreRead(t *testing.T) {
	first, second := bytes.Repeat([]byte{0xfb}, 32), bytes.Repeat([]byte{2}, 32)
	keys, err := readKeys("WORKER_KEY", hex.EncodeToString(first)+", "+hex.EncodeToString(second)+"\n")
	require.NoError(t, err)
	require.Equal(t, [][]byte{first, second}, keys)
}

func TestErrorsOfSealKeysSayHowToMakeOneAndRepeatNone(t *testing.T) {
	good := hex.EncodeToString(make([]byte, 32))
	for text, want := range map[string]string{
		"":                                  "WORKER_KEY is not set",
		" \n":                               "WORKER_KEY is not set",
		"hunter2!":                          "WORKER_KEY: key 1 is not hex",
		good[1:]:                            "WORKER_KEY: key 1 is not hex",
		good[:32]:                           "WORKER_KEY: key 1 has 16 bytes and needs 32",
		good + good:                         "WORKER_KEY: key 1 has 64 bytes and needs 32",
		good + ",bad":                       "WORKER_KEY: key 2 is not hex",
		good + ",":                          "WORKER_KEY: key 2 has 0 bytes and needs 32",
		strings.Repeat("+/Ab", 10) + "+/A=": "WORKER_KEY: key 1 is not hex",
	} {
		_, err := readKeys("WORKER_KEY", text)
		require.EqualError(t, err, want+`: make a key with "openssl rand -hex 32"`)
	}
}

func TestSettingsSayWhatIsMissing(t *testing.T) {
	environment := map[string]string{}
	read := func(args ...string) error {
		_, err := readSettings(args, func(name string) string { return environment[name] })
		return err
	}
	require.ErrorContains(t, read(), "no user to work for")
	require.ErrorContains(t, read("ada/press"), "WORKER_KEY is not set")
	environment["WORKER_KEY"] = hex.EncodeToString(make([]byte, 32))
	require.ErrorContains(t, read("ada/press"), "AppUID: is empty")
	require.ErrorContains(t, read("ada/press"), "see examples/worker/settings.go")
	environment["CONTENTSTACK_APP_UID"], environment["CONTENTSTACK_CLIENT_ID"] = "app", "client"
	environment["CONTENTSTACK_REDIRECT_URI"] = "http://localhost:8184/callback"
	require.NoError(t, read("ada/press"))
	environment["CONTENTSTACK_REGION"] = "moon"
	require.ErrorContains(t, read("-login"), "unknown region")
	require.NoError(t, read("-emulator"))

	environment["CONTENTSTACK_REGION"] = "eu"
	s, err := readSettings([]string{"-rounds", "2", "ada/press", "alan/press"}, func(name string) string { return environment[name] })
	require.NoError(t, err)
	require.Equal(t, []string{"ada/press", "alan/press"}, s.users)
	require.Equal(t, csoauth.EU, s.config.Region)
	require.Equal(t, csoauth.RoutePath, s.config.AuthorizeRoute)
}
