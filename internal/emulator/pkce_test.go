package emulator_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/emulator"
)

func s256(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func TestVerifierMustFitTheChallenge(t *testing.T) {
	const (
		differs    = "400 invalid_grant: code_verifier does not match the code_challenge "
		missing    = "400 invalid_request: code_verifier is missing: the authorize URL had a code_challenge"
		malformed  = "400 invalid_request: code_verifier is not 43 to 128 characters of A-Z a-z 0-9 - . _ ~ (RFC 7636, 4.1)"
		noVerifier = ""
	)
	long, longer := strings.Repeat("a", 128), strings.Repeat("a", 129)
	short := strings.Repeat("a", 42)
	for name, row := range map[string]struct {
		challenge, method string
		verifier          string
		want              string
	}{
		"S256":                        {challenge, "S256", verifier, ""},
		"S256, other verifier":        {challenge, "S256", verifier[:42] + "x", differs + "(S256)"},
		"S256, last letter's case":    {challenge, "S256", verifier[:42] + "K", differs + "(S256)"},
		"S256, the challenge itself":  {challenge, "S256", challenge, differs + "(S256)"},
		"S256, none":                  {challenge, "S256", noVerifier, missing},
		"S256, 128 characters":        {s256(long), "S256", long, ""},
		"S256, 129 characters":        {s256(longer), "S256", longer, malformed},
		"S256, 42 characters":         {s256(short), "S256", short, malformed},
		"S256, a character too odd":   {s256(verifier[:42] + "+"), "S256", verifier[:42] + "+", malformed},
		"S256, not ASCII":             {s256(verifier[:41] + "é"), "S256", verifier[:41] + "é", malformed},
		"plain":                       {verifier, "plain", verifier, ""},
		"plain, other verifier":       {verifier, "plain", challenge, differs + "(plain)"},
		"plain, a hash for it":        {challenge, "plain", verifier, differs + "(plain)"},
		"plain, none":                 {verifier, "plain", noVerifier, missing},
		"plain, all odd characters":   {"-._~" + verifier, "plain", "-._~" + verifier, ""},
		"omitted method":              {verifier, "", verifier, ""},
		"omitted method is not S256":  {challenge, "", verifier, differs + "(plain)"},
		"omitted method, no verifier": {verifier, "", noVerifier, missing},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, emulator.Options{})
			asked := url.Values{"code_challenge": {row.challenge}, "code_challenge_method": nil}
			if row.method != "" {
				asked.Set("code_challenge_method", row.method)
			}
			for _, proof := range []url.Values{nil, {"client_secret": {secret}}} {
				form := redemption(s.code(asked), url.Values{"code_verifier": {row.verifier}}, proof)
				require.Equal(t, row.want, s.token(form).reason(), "a secret makes no difference")
			}
		})
	}
}

func TestWithoutChallengeTheSecretMustProveTheClient(t *testing.T) {
	s := start(t, emulator.Options{})
	none := url.Values{"code_challenge": nil, "code_challenge_method": nil}
	for name, row := range map[string]struct {
		change url.Values
		want   string
	}{
		"secret":              {url.Values{"client_secret": {secret}, "code_verifier": nil}, ""},
		"secret and verifier": {url.Values{"client_secret": {secret}}, "400 invalid_grant: code_verifier, but the authorize URL had no code_challenge"},
		"verifier":            {nil, "400 invalid_grant: code_verifier, but the authorize URL had no code_challenge"},
		"nothing":             {url.Values{"code_verifier": nil}, "401 invalid_client: neither PKCE nor client_secret: one of them must prove the client"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, row.want, s.token(redemption(s.code(none), row.change)).reason())
		})
	}
}

func TestChallengesThatTheAuthorizePageRefuses(t *testing.T) {
	s := start(t, emulator.Options{})
	const charset = "code_challenge is not 43 to 128 characters of A-Z a-z 0-9 - . _ ~ (RFC 7636, 4.2)"
	for name, row := range map[string]struct {
		challenge, method string
		want              string
	}{
		"none":                     {"", "", ""},
		"S256":                     {challenge, "S256", ""},
		"S256, 42 characters":      {challenge[:42], "S256", "code_challenge has 42 characters, and S256 makes 43"},
		"S256, 44 characters":      {challenge + "=", "S256", "code_challenge has 44 characters, and S256 makes 43"},
		"S256, of hex digits":      {strings.Repeat("0a", 32), "S256", "code_challenge has 64 characters, and S256 makes 43"},
		"S256, of standard base64": {challenge[:42] + "/", "S256", charset},
		"plain, 42 characters":     {strings.Repeat("a", 42), "plain", charset},
		"plain, 43 characters":     {strings.Repeat("a", 43), "plain", ""},
		"plain, 128 characters":    {strings.Repeat("a", 128), "plain", ""},
		"plain, 129 characters":    {strings.Repeat("a", 129), "plain", charset},
		"omitted, 42 characters":   {strings.Repeat("a", 42), "", charset},
		"omitted, with a blank":    {strings.Repeat("a", 43) + " ", "", charset},
		"method in small letters":  {challenge, "s256", `code_challenge_method is "s256", want "S256" or "plain"`},
		"method in capitals":       {challenge, "PLAIN", `code_challenge_method is "PLAIN", want "S256" or "plain"`},
		"method alone":             {"", "S256", "code_challenge_method without code_challenge"},
	} {
		t.Run(name, func(t *testing.T) {
			asked := authorization(url.Values{"code_challenge": {row.challenge}, "code_challenge_method": {row.method}})
			requirePage(t, s, s.byPath("app1", asked), row.want)
		})
	}
}
