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
	keys, err := readKeys("WEB_KEY", hex.EncodeToString(first)+", "+hex.EncodeToString(second)+"\n")
	require.NoError(t, err)
	require.Equal(t, [][]byte{first, second}, keys)
}

func TestErrorsOfSealKeysSayHowToMakeOneAndRepeatNone(t *testing.T) {
	good := hex.EncodeToString(make([]byte, 32))
	for text, want := range map[string]string{
		"":                                  "WEB_KEY is not set",
		" \n":                               "WEB_KEY is not set",
		"hunter2!":                          "WEB_KEY: key 1 is not hex",
		good[1:]:                            "WEB_KEY: key 1 is not hex",
		good[:32]:                           "WEB_KEY: key 1 has 16 bytes and needs 32",
		good + good:                         "WEB_KEY: key 1 has 64 bytes and needs 32",
		good + ",bad":                       "WEB_KEY: key 2 is not hex",
		good + ",":                          "WEB_KEY: key 2 has 0 bytes and needs 32",
		strings.Repeat("+/Ab", 10) + "+/A=": "WEB_KEY: key 1 is not hex",
	} {
		_, err := readKeys("WEB_KEY", text)
		require.EqualError(t, err, want+`: make a key with "openssl rand -hex 32"`)
	}
}

func TestSettingsSayWhatIsMissing(t *testing.T) {
	environment := map[string]string{}
	read := func(args ...string) error {
		_, err := readSettings(args, func(name string) string { return environment[name] })
		return err
	}
	require.NoError(t, read("-emulator"))
	require.ErrorContains(t, read("emulator"), `unknown argument "emulator"`)
	require.EqualError(t, read(), `WEB_KEY is not set: make a key with "openssl rand -hex 32"`)
	environment["WEB_KEY"] = "hunter2!"
	require.EqualError(t, read(), `WEB_KEY: key 1 is not hex: make a key with "openssl rand -hex 32"`)
	environment["WEB_KEY"] = hex.EncodeToString(make([]byte, 32))
	require.ErrorContains(t, read(), `CONTENTSTACK_REDIRECT_URI is ""`)
	environment["CONTENTSTACK_REDIRECT_URI"] = "http://localhost:8184/"
	require.ErrorContains(t, read(), "its path must be /callback")
	environment["CONTENTSTACK_REDIRECT_URI"] = "http://localhost:8184/callback"
	require.ErrorContains(t, read(), "AppUID: is empty")
	require.ErrorContains(t, read(), "see examples/web/settings.go")
	environment["CONTENTSTACK_APP_UID"], environment["CONTENTSTACK_CLIENT_ID"] = "app", "client"
	require.NoError(t, read())
	environment["CONTENTSTACK_REGION"] = "moon"
	require.ErrorContains(t, read(), "unknown region")

	environment["CONTENTSTACK_REGION"] = "eu"
	s, err := readSettings(nil, func(name string) string { return environment[name] })
	require.NoError(t, err)
	require.Equal(t, csoauth.EU, s.config.Region)
	require.Equal(t, csoauth.RoutePath, s.config.AuthorizeRoute)
}
