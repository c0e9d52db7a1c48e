package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
)

func TestSealKeysAreRead(t *testing.T) {
	first, second := bytes.Repeat([]byte{0xfb}, 32), bytes.Repeat([]byte{2}, 32)
	keys, err := readKeys(base64.StdEncoding.EncodeToString(first) + ", " + hex.EncodeToString(second) + "\n")
	require.NoError(t, err)
	require.Equal(t, [][]byte{first, second}, keys)
}

func TestWrongSealKeysAreToldWithoutRepeatingThem(t *testing.T) {
	good := hex.EncodeToString(make([]byte, 32))
	for text, want := range map[string]string{
		"":                 `is empty: make one with "openssl rand -base64 32", and keep it elsewhere than the tokens`,
		" \n":              `is empty: make one with "openssl rand -base64 32", and keep it elsewhere than the tokens`,
		"hunter2!":         "key 1 is neither base64 nor hex",
		"abcd":             "key 1 has 2 bytes, and needs 32",
		good + "," + "bad": "key 2 is neither base64 nor hex",
		good + ",":         "key 2 has 0 bytes, and needs 32",
	} {
		_, err := readKeys(text)
		require.EqualError(t, err, want)
	}
}

func TestSettingsSayWhatIsMissing(t *testing.T) {
	environment := map[string]string{}
	read := func(args ...string) error {
		_, err := readSettings(args, func(name string) string { return environment[name] })
		return err
	}
	require.ErrorContains(t, read(), "no user to work for")
	require.ErrorContains(t, read("ada/press"), "WORKER_KEY: is empty")
	environment["WORKER_KEY"] = hex.EncodeToString(make([]byte, 32))
	require.ErrorContains(t, read("ada/press"), "AppUID: is empty")
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
}
