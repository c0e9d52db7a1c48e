package csoauth_test

import (
	"encoding/json"
	"html"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
)

func TestSecretsAreFoundInEverySpelling(t *testing.T) {
	const secret = `s3~c*r'e(t)! &+=%/\"<>é😀`
	inJSON, err := json.Marshal(secret)
	require.NoError(t, err)
	for name, text := range map[string]string{
		"as it is":         secret,
		"form":             url.QueryEscape(secret),
		"path":             url.PathEscape(secret),
		"URLSearchParams":  strings.NewReplacer("~", "%7E", "%2A", "*").Replace(url.QueryEscape(secret)),
		"encodeURI":        strings.NewReplacer("+", "%20", "%2A", "*", "%27", "'", "%28", "(", "%29", ")", "%21", "!").Replace(url.QueryEscape(secret)),
		"lower case":       lowerEscapes(url.QueryEscape(secret)),
		"JSON":             string(inJSON[1 : len(inJSON)-1]),
		"JSON with slash":  strings.ReplaceAll(string(inJSON[1:len(inJSON)-1]), "/", `\/`),
		"JSON all escaped": `\u0073\u0033\u007e\u0063\u002a\u0072\u0027\u0065\u0028\u0074\u0029\u0021\u0020\u0026\u002b\u003d\u0025\u002f\u005c\u0022\u003c\u003e\u00e9\ud83d\ude00`,
		"HTML":             html.EscapeString(secret),
		"HTML by names":    strings.NewReplacer("&#34;", "&quot;", "&#39;", "&apos;").Replace(html.EscapeString(secret)),
		"twice":            secret + secret,
	} {
		got := csoauth.Clean("it is "+text+".", secret)
		require.Equal(t, "it is "+strings.Repeat("REDACTED", max(1, strings.Count(text, secret)))+".", got, name)
	}
}

func TestSecretsThatAreHardToFind(t *testing.T) {
	for name, row := range map[string]struct {
		text    string
		secrets []string
		want    string
	}{
		"the longer of two":        {"abcdef", []string{"abc", "abcde"}, "REDACTEDf"},
		"one inside another":       {"xabcdey", []string{"bcd", "abcde"}, "xREDACTEDy"},
		"its own escape":           {`\\\\`, []string{`\\`}, "REDACTED"},
		"half of an escape":        {`\\\`, []string{`\\`}, `REDACTED`},
		"a percent of its own":     {"%25%2525", []string{"%25"}, "REDACTEDREDACTED"},
		"a control character":      {"a%01b ab", []string{"a\x01b"}, "REDACTED REDACTED"},
		"a line break":             {"a\nb a%0Ab a\\u000ab", []string{"a\nb"}, "REDACTED REDACTED REDACTED"},
		"hidden by nothing":        {"a\u200bb", []string{"ab"}, "REDACTED"},
		"an empty one":             {"ab", []string{""}, "ab"},
		"only control characters":  {"ab", []string{"\x01"}, "ab"},
		"another letter case":      {"AB", []string{"ab"}, "AB"},
		"a part":                   {"abc", []string{"abcd"}, "abc"},
		"broken UTF-8 in the text": {"a\xffb", []string{"ab"}, "REDACTED"},
	} {
		require.Equal(t, row.want, csoauth.Clean(row.text, row.secrets...), name)
	}
}
