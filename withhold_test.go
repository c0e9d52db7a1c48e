package csoauth_test

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
)

const withheld = "(text withheld: it contains a secret)"

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
		assert.Equal(t, withheld, csoauth.Clean("it is "+text+".", secret), name)
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
		assert.Equal(t, want, csoauth.Clean(row.text, row.secret), name)
	}
}

// TestSecondSecretIsFoundToo guards against a search that ends with the first.
func TestSecondSecretIsFoundToo(t *testing.T) {
	secrets := []string{"", "?", "absent", "an-absent-secret-of-more-than-12", "here", "a-present-secret-of-more-than-12"}
	assert.Equal(t, withheld, csoauth.Clean("it is here", secrets...))
	assert.Equal(t, withheld, csoauth.Clean("it is a present secret", secrets...))
	assert.Equal(t, withheld, csoauth.Clean("why?", secrets...))
	assert.Equal(t, "it is not", csoauth.Clean("it is not", secrets...))
}

// TestTextsThatAreNoSecretAreShown: a redirect URI may repeat a part of a client secret, and errors
// name the endpoint.
func TestTextsThatAreNoSecretAreShown(t *testing.T) {
	c := testConfig()
	c.ClientSecret = "app.example.org/apps-api/apps"
	mock(c, 400, `{"error":"e","error_description":"not at https://app.example.org/apps-api, says `+c.ClientID+`"}`)
	_, err := exchange(t, c)
	require.ErrorContains(t, err, "not at https://app.example.org/apps-api, says "+c.ClientID)

	mock(c, 400, `{"error":"e","error_description":"app.example.org/apps-api/apps/another"}`)
	c.ClientSecret = "apps-api/apps/another"
	_, err = exchange(t, c)
	require.ErrorContains(t, err, withheld, "a run that only the secret has counts")
}

func TestTextIsCutBeforeItIsSearched(t *testing.T) {
	const secret = "0123456789abcdef"
	far := strings.Repeat("x ", 2<<10)
	assert.Equal(t, withheld, csoauth.Clean(far[:4<<10-len(secret)]+secret, secret), "at the end of 4 KiB")
	shown := csoauth.Clean(far+secret, secret)
	assert.NotContains(t, shown, secret)
	assert.NotEqual(t, withheld, shown, "what is behind 4 KiB is not read, and not shown")
	assert.LessOrEqual(t, len(shown), 512)
	assert.Equal(t, strings.Repeat("é", 256), csoauth.Clean(strings.Repeat("é", 3<<10)))
}

func FuzzClean(f *testing.F) {
	for _, text := range []string{"", "it is 0123456789abcdef", "%30%31%32%33%34%35%36%37%38%39%61%62", `\u0030123456789ab`, "&#48;123456789ab", `\`, "%", "&#", `\ud83d`, "\xff"} {
		f.Add(text, "0123456789abcdef")
		f.Add(text, "c")
	}
	f.Fuzz(func(t *testing.T, text, secret string) {
		got := csoauth.Clean(text, secret)
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
					sink = csoauth.Clean(text, text+"X", text+"Y")
				}
			})
		}
	}
}

// TestNewTokensAreNotShown: they may be anywhere in a response.
func TestNewTokensAreNotShown(t *testing.T) {
	const access, refresh = "0123456789abcdefNEWACCESS", "fedcba9876543210NEWREFRESH"
	for _, body := range []string{
		`{"message":{"access_token":"A","refresh_token":"R"}}`, `{"error":{"message":{"access_token":"A","refresh_token":"R"}}}`,
		`{"errors":[{"data":{"refresh_token":"R"}}]}`, `{"error":"x","error_description":"issued A","access_token":["A"]}`,
		`{"error":"x","error_description":"issued R","id_token":"R"}`, `{"error":"0123456789ab","error_description":"cdefNEWACCESS","access_token":"A"}`,
		`{"error":"x","error_description":"issued R","refreshToken":"R","expires_`,
	} {
		for _, status := range []int{200, 400, 500} {
			body := strings.NewReplacer(`"A"`, `"`+access+`"`, `"R"`, `"`+refresh+`"`, " A", " "+access, " R", " "+refresh).Replace(body)
			c := testConfig()
			mock(c, status, body)
			_, err := c.Refresh(t.Context(), old())
			require.Error(t, err)
			for _, part := range []string{access[4:16], refresh[4:16], access[12:], refresh[12:]} {
				assert.NotContains(t, err.Error(), part, body)
			}
		}
	}
}

// TestUnreadableResponseIsNotShown: net/http quotes what it cannot read.
func TestUnreadableResponseIsNotShown(t *testing.T) {
	const token = "0123456789abcdefNEW"
	for _, response := range []string{
		`{"refresh_token":"` + token + `"}` + "\r\n\r\n", "HTTP/1.1 200 OK\r\n" + `{"refresh_token":"` + token + `"}` + "\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: " + token + "\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: " + token + "\r\n\r\n",
		"HTTP/1.1 " + token + "\r\n\r\n", "HTTP/" + token + " 200 OK\r\n\r\n",
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				io.WriteString(conn, response)
				conn.Close()
			}
		}))
		c := testConfig()
		endpoint(csoauth.Endpoints{App: server.URL})(c)
		c.HTTPClient = server.Client()
		_, err := c.Refresh(t.Context(), old())
		require.Error(t, err, response)
		assert.NotContains(t, err.Error(), token[:12], response)
		assert.NotErrorIs(t, err, csoauth.ErrNotSent)
		server.Close()
	}
}
