package untrusted_test

import (
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/untrusted"
)

const withheld = "(text withheld: it contains a secret)"

// clean returns text as an error shows it.
func clean(text string, secrets ...string) string {
	return untrusted.Clean(text, untrusted.MaxDescription, secrets, nil)
}

// Law: P8
func TestTextWithASecretIsWithheldInEverySpelling(t *testing.T) {
	const secret = `s3~c*r'e(t)! &+=%/\"<>é😀7f09a1`
	inJSON, err := json.Marshal(secret)
	require.NoError(t, err)
	form := url.QueryEscape(secret)
	allJSON := ""
	for _, c := range secret[:8] {
		allJSON += `\u00` + strings.ToLower(string("0123456789abcdef"[c>>4])+string("0123456789ABCDEF"[c&15]))
	}
	for name, text := range map[string]string{
		"as it is":                 secret,
		"form":                     form,
		"path":                     url.PathEscape(secret),
		"URLSearchParams":          strings.NewReplacer("~", "%7E", "%2A", "*").Replace(form),
		"encodeURI":                strings.NewReplacer("+", "%20", "%2A", "*", "%27", "'", "%28", "(", "%29", ")", "%21", "!").Replace(form),
		"lower-case escapes":       lowerEscapes(form),
		"JSON":                     string(inJSON[1 : len(inJSON)-1]),
		"JSON with escaped slash":  strings.ReplaceAll(string(inJSON[1:len(inJSON)-1]), "/", `\/`),
		"JSON, every character":    allJSON + secret[8:],
		"surrogate pair":           strings.ReplaceAll(secret, "😀", `\ud83d\ude00`),
		"HTML":                     html.EscapeString(secret),
		"HTML by number":           strings.NewReplacer("s", "&#115;", "3", "&#x33;").Replace(secret),
		"form in JSON":             strings.ReplaceAll(form, "%", `\u0025`),
		"form in a form":           url.QueryEscape(form),
		"form in a form in a form": url.QueryEscape(url.QueryEscape(form)),
		"upper case":               strings.ToUpper(secret),
		"with spaces":              strings.Join(strings.Split(secret, ""), " "),
		"over two lines":           secret[:9] + "\r\n\t" + secret[9:],
		"with zero-width spaces":   strings.ReplaceAll(secret, "e", "\u200be\u200b"),
		"with broken UTF-8":        secret[:9] + "\xff" + secret[9:],
		"twice":                    secret + secret,
		"without its signs":        "s3creté7f09a1",
		"escapes with zero width":  strings.ReplaceAll(percentAll(secret), "%", "%\u200b"),
		"escapes with NUL":         strings.ReplaceAll(percentAll(secret), "%", "%\x00"),
		"as Python shows bytes":    strings.ReplaceAll(percentAll(secret), "%", `\x`),
	} {
		assert.Equal(t, withheld, clean("it is "+text+".", secret), name)
	}
}

// percentAll escapes every byte.
func percentAll(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&b, "%%%02x", c)
	}
	return b.String()
}

// Law: P8
func TestRunOfASecretIsEnough(t *testing.T) {
	const secret = "0123456789abcdefABCDEF0123456789" // 32, as Contentstack's tokens
	for name, row := range map[string]struct {
		text, secret string
		shown        bool
	}{
		"all but the last":            {secret[:31], secret, false},
		"all but the first":           {secret[1:], secret, false},
		"12 from the middle":          {"x" + secret[10:22] + "y", secret, false},
		"11 from the middle":          {"x " + secret[4:15] + " y", secret, true},
		"the last 12":                 {secret[20:], secret, false},
		"a secret of 12, whole":       {"abcdefghijkl", "abcdefghijkl", false},
		"a secret of 12, but one":     {"abcdefghijk", "abcdefghijkl", true},
		"a secret of 11":              {"x-abcdefghijk-y", "abcdefghijk", false},
		"a secret of 4":               {"the code is c0de", "c0de", false},
		"a secret of 4 within a word": {"xc0dey", "c0de", false},
		"three of 4":                  {"c0d", "c0de", true},
		"a secret of 1":               {"code c was used", "c", false},
		"a secret of 1 in words":      {"dial tcp: lookup app.contentstack.com", "c", true},
		"a secret of 3 at the end":    {"x-abc", "abc", false},
		"a secret of 3 in a word":     {"fabcd, abcd, fabc", "abc", true},
		"a secret of 3, then alone":   {"abcd abc", "abc", false},
		"only signs":                  {`it is \\\\ here`, `\\`, false},
		"another letter case of 3":    {"ABC", "abc", true},
		"hidden by nothing":           {"a\u200bb", "ab", false},
		"a control character in it":   {"a\x01b", "a\x01b", false},
		"a line break in it":          {"a\nb", "a\nb", false},
		"a short one as a letter":     {"é", "é", false},
		"a short one in a word":       {"né", "é", true},
		"no secret":                   {"ab", "", true},
		"escaped once too often":      {"%2525252530123456789abc", "0123456789ab", false},
		"nothing at all":              {"", "c0de", true},
		"a hyphen in JSON escapes":    {"\\\u00adu0030123456789ab", "0123456789ab", false},
		"JSON escapes within":         {`0123\n4567\t89ab`, "0123456789ab", false},
		"half a surrogate pair":       {`\ud83d 0123456789ab`, "0123456789ab", false},
		"an escape that is none":      {`\u01 0123456789ab`, "0123456789ab", false},
		"a pair and what follows":     {`\ud83d\ude00\u0030123456789ab`, "0123456789ab", false},
		"a percent that is none":      {`%zz%3 0123%345678%39ab`, "0123456789ab", false},
		"a backslash at the end":      {`012\u003345678\u0039ab\`, "0123456789ab", false},
	} {
		want := row.text
		if !row.shown {
			want = withheld
		}
		assert.Equal(t, want, clean(row.text, row.secret), name)
	}
}

// TestSecondSecretIsFoundToo guards against a search that ends with the first.
func TestSecondSecretIsFoundToo(t *testing.T) {
	secrets := []string{"", "?", "absent", "an-absent-secret-of-more-than-12", "here", "a-present-secret-of-more-than-12"}
	assert.Equal(t, withheld, clean("it is here", secrets...))
	assert.Equal(t, withheld, clean("it is a present secret", secrets...))
	assert.Equal(t, withheld, clean("why?", secrets...))
	assert.Equal(t, "it is not", clean("it is not", secrets...))
}

// Law: P8
func TestTextIsCutBeforeItIsSearched(t *testing.T) {
	const secret = "0123456789abcdef"
	far := strings.Repeat("x ", 2<<10)
	assert.Equal(t, withheld, clean(far[:4<<10-len(secret)]+secret, secret), "at the end of 4 KiB")
	shown := clean(far+secret, secret)
	assert.NotContains(t, shown, secret)
	assert.NotEqual(t, withheld, shown, "what is behind 4 KiB is not read, and not shown")
	assert.LessOrEqual(t, len(shown), 512)
	assert.Equal(t, strings.Repeat("é", 256), clean(strings.Repeat("é", 3<<10)))
}

// Law: P8
func FuzzClean(f *testing.F) {
	for _, text := range []string{"", "it is 0123456789abcdef", "%30%31%32%33%34%35%36%37%38%39%61%62", `\u0030123456789ab`, "&#48;123456789ab", `\`, "%", "&#", `\ud83d`, "\xff"} {
		f.Add(text, "0123456789abcdef")
		f.Add(text, "c")
	}
	f.Fuzz(func(t *testing.T, text, secret string) {
		got := clean(text, secret)
		require.LessOrEqual(t, len(got), 512)
		for _, char := range got {
			require.GreaterOrEqual(t, char, ' ')
		}
		if plain := strings.ToLower(secret); got != withheld && len(plain) >= 12 && isAlphanumeric(plain) {
			require.NotContains(t, strings.ToLower(got), plain)
		}
	})
}

func isAlphanumeric(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return (r < '0' || r > '9') && (r < 'a' || r > 'z') })
}

// BenchmarkClean is the worst input at each bound. Compare the sizes: the cost grows as they do.
func BenchmarkClean(b *testing.B) {
	for name, unit := range map[string]string{"backslashes": `\`, "percent": "%25", "html": "&amp;", "letters": "ab"} {
		for _, size := range []int{1 << 10, 2 << 10, 4 << 10} {
			text := strings.Repeat(unit, size/len(unit))
			b.Run(name+"/bytes="+strconv.Itoa(size), func(b *testing.B) {
				for b.Loop() {
					sink = clean(text, text+"X", text+"Y")
				}
			})
		}
	}
}

// lowerEscapes writes %2B as %2b.
func lowerEscapes(form string) string {
	b := []byte(form)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i:i+3], strings.ToLower(form[i:i+3]))
		}
	}
	return string(b)
}

var sink string
