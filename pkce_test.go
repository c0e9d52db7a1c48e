package csoauth_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
)

// RFC 7636, Appendix B.
const (
	rfcVerifier  = csoauth.Verifier("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
	rfcChallenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

// Law: P2
func TestChallengeOfRFC7636(t *testing.T) {
	require.Equal(t, rfcChallenge, rfcVerifier.Challenge(csoauth.S256))
	require.Equal(t, rfcChallenge, rfcVerifier.Challenge(""), "zero means S256")
	require.Equal(t, string(rfcVerifier), rfcVerifier.Challenge(csoauth.Plain))
	require.Equal(t, rfcChallenge, rfcVerifier.Challenge("none"), "only Plain ever sends the verifier")
}

func TestNewVerifierIsFreshAndParses(t *testing.T) {
	seen := map[csoauth.Verifier]bool{}
	for range 1000 {
		v := csoauth.NewVerifier()
		require.Len(t, string(v), 43)
		require.False(t, seen[v])
		seen[v] = true
		parsed, err := csoauth.ParseVerifier(string(v))
		require.NoError(t, err)
		require.Equal(t, v, parsed)
	}
}

func TestParseVerifierSaysWhichRuleBroke(t *testing.T) {
	ok := strings.Repeat("aZ9-._~", 19) // 133 characters of every kind
	for _, length := range []int{43, 44, 127, 128} {
		_, err := csoauth.ParseVerifier(ok[:length])
		require.NoError(t, err)
	}
	for name, row := range map[string]struct{ in, want string }{
		"empty":            {"", "0 characters, want 43 to 128"},
		"one short":        {ok[:42], "42 characters, want 43 to 128"},
		"one long":         {ok[:129], "129 characters, want 43 to 128"},
		"padding":          {ok[:43] + "=", "the character at offset 43 is not one of A-Z a-z 0-9 - . _ ~"},
		"plus":             {"+" + ok[:43], "the character at offset 0"},
		"slash":            {ok[:10] + "/" + ok[:43], "the character at offset 10"},
		"line break":       {ok[:43] + "\n", "the character at offset 43"},
		"beyond ASCII":     {ok[:43] + "é", "the character at offset 43"},
		"NUL":              {ok[:43] + "\x00", "the character at offset 43"},
		"redacted by fmt":  {"REDACTED", `this is the text "REDACTED" that a Verifier prints as; store string(v) instead`},
		"too short by far": {"hunter2", "7 characters"},
	} {
		t.Run(name, func(t *testing.T) {
			v, err := csoauth.ParseVerifier(row.in)
			require.ErrorContains(t, err, "csoauth: verifier: "+row.want)
			require.Empty(t, v)
			if len(row.in) > 8 {
				require.NotContains(t, err.Error(), row.in)
			}
			require.NotContains(t, err.Error(), "hunter2")
		})
	}
}

func TestVerifierDoesNotMarshal(t *testing.T) {
	_, err := json.Marshal(map[string]any{"v": []csoauth.Verifier{rfcVerifier}})
	require.ErrorContains(t, err, "a Verifier is a secret and does not marshal: store string(v)")
}

func FuzzParseVerifier(f *testing.F) {
	for _, s := range []string{"", "REDACTED", string(rfcVerifier), rfcChallenge + "=", strings.Repeat("~", 128), strings.Repeat("a", 129)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := csoauth.ParseVerifier(s)
		if err != nil {
			require.Empty(t, v)
			if len(s) >= 43 {
				require.NotContains(t, err.Error(), s)
			}
			return
		}
		require.Equal(t, s, string(v))
		require.Len(t, v.Challenge(csoauth.S256), 43)
	})
}
