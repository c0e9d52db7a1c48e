package emulator_test

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/emulator"
)

func TestClientSecretOfEachKindOfApp(t *testing.T) {
	const (
		wrong   = "401 invalid_client: client_secret is wrong"
		missing = "401 invalid_client: client_secret is missing: it is optional only with Allow PKCE on (Developer Hub, OAuth)"
	)
	s := start(t, emulator.Options{})
	for name, row := range map[string]struct {
		app    string // its number
		secret []string
		want   string
	}{
		"optional, left out":        {"1", nil, ""},
		"optional, right":           {"1", []string{secret}, ""},
		"optional, wrong":           {"1", []string{secret + " "}, wrong},
		"optional, empty":           {"1", []string{""}, wrong},
		"required, left out":        {"2", nil, missing},
		"required, right":           {"2", []string{secret}, ""},
		"required, wrong":           {"2", []string{secret[1:]}, wrong},
		"required, empty":           {"2", []string{""}, wrong},
		"an app without, left out":  {"3", nil, ""},
		"an app without, some":      {"3", []string{secret}, wrong},
		"an app without, and empty": {"3", []string{""}, wrong},
	} {
		t.Run(name, func(t *testing.T) {
			client := url.Values{"client_id": {"client" + row.app}}
			visit := s.visit(emulator.Visitor{}, s.byPath("app"+row.app, authorization(client)))
			form := redemption(visit.callback(t).Get("code"), client, url.Values{"client_secret": row.secret})
			require.Equal(t, row.want, s.token(form).reason())
		})
	}
}

func TestConfidentialAppWithoutPKCE(t *testing.T) {
	s := start(t, emulator.Options{})
	client := url.Values{"client_id": {"client2"}, "code_challenge": nil, "code_challenge_method": nil}
	code := s.visit(emulator.Visitor{}, s.byPath("app2", authorization(client))).callback(t).Get("code")
	proof := url.Values{"client_id": {"client2"}, "client_secret": {secret}, "code_verifier": nil}
	tokens := s.token(redemption(code, proof))
	require.Empty(t, tokens.reason())
	require.Empty(t, s.token(renewal(tokens.Refresh, proof)).reason())
}
