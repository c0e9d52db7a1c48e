package loopback_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/loopback"
)

// What terminals, chats, mail programs and browsers make of an address.
func TestPastedAddress(t *testing.T) {
	replace := func(old, new string) func(string) string {
		return func(s string) string { return strings.ReplaceAll(s, old, new) }
	}
	around := func(before, after string) func(string) string {
		return func(s string) string { return before + s + after }
	}
	for name, wrap := range map[string]func(string) string{
		"as it is":              around("", ""),
		"blanks":                around(" \t", "\u00a0 \r"),
		"quoted":                around(`"`, `"`),
		"single quotes":         around("'", "'"),
		"backquotes":            around("`", "`"),
		"code block":            around("```", "```"),
		"curly quotes":          around("\u201c", "\u201d"),
		"single curly quotes":   around("\u2018", "\u2019"),
		"low quotes":            around("\u201e", "\u201c"),
		"French quotes":         around("\u00ab\u00a0", "\u00a0\u00bb"),
		"in angles":             around("<", ">"),
		"quotes in angles":      around(`<"`, `">,`),
		"full stop":             around("", "."),
		"comma":                 around("'", "',"),
		"full stop, then quote": around("\u201c", ".\u201d"),
		"quoted mail":           around("> ", ""),
		"bracketed paste":       around("\x1b[200~", "\x1b[201~"),
		"byte order mark":       around("\ufeff", ""),
		"zero-width spaces":     replace("/", "\u200b/\u200b"),
		"soft hyphens, joiners": replace("&", "\u00ad&\u2060"),
		"text direction":        around("\u2066", "\u2069"),
		"blank where it broke":  replace("state=", "sta te="),
		"header":                around("Location: ", ""),
		"header in lower case":  around("location:", ""),
		"header of curl -v":     around("< Location: ", "\r"),
		"header, quoted":        around("Location: '", "'"),
		"control characters":    replace("&", "\x00&\x1b\x7f"),
		"header in JSON":        around(`"Location": "`, `",`),
		"HTML":                  replace("&", "&amp;"),
		"HTML in HTML":          replace("&", "&amp;amp;"),
		"HTML number":           replace("&", "&#38;"),
		"HTML quotes":           around("&quot;", "&quot;"),
		"HTML angles":           around("&lt;", "&gt;"),
		"quoted mail in HTML":   around("&gt; ", ""),
		"JSON":                  func(s string) string { return `"` + strings.NewReplacer("&", `\u0026`, "/", `\/`).Replace(s) + `",` },
		"JSON, escaped equals":  replace("=", `\u003d`),
		"Markdown":              around("[the address](", ")"),
		"Markdown, full stop":   around("[the address](", ")."),
		"Markdown, angles":      around("[the address](<", ">)"),
		"Markdown of itself":    func(s string) string { return "[" + s + "](" + s + ")" },
		"https":                 replace("http:", "https:"),
		"capitals":              func(s string) string { return strings.Replace(s, "http://localhost", "HTTP://LocalHost", 1) },
		"no scheme":             replace("http://", ""),
		"fragment":              around("", "#"),
		"shell escapes":         func(s string) string { return strings.NewReplacer("?", `\?`, "&", `\&`).Replace(s) },
	} {
		a := newAttempt(t, nil)
		callback, problem := a.Pasted(wrap("http://localhost:8184/callback?code=c)&region=NA&state=" + a.State()))
		assert.Empty(t, problem, name)
		assert.Equal(t, "c)", callback.Get("code"), name)
		assert.Equal(t, "NA", callback.Get("region"), name)
		assert.Equal(t, []string{a.State()}, callback["state"], name)
	}
	a := newAttempt(t, nil)
	callback, problem := a.Pasted("http://localhost:8184/callback?code=a](b)&state=" + a.State())
	assert.Empty(t, problem)
	assert.Equal(t, "a](b)", callback.Get("code"), "that is not Markdown")
	a = newAttempt(t, func(c *csoauth.Config, _ *loopback.Options) { c.RedirectURI = "http://[::1]:8184/callback" })
	_, problem = a.Pasted("[::1]:8184/callback?code=c&state=" + a.State())
	assert.Empty(t, problem)

	a = newAttempt(t, nil)
	for _, line := range []string{
		"", "%", "[", "](", "code=c&state=" + a.State(), "ftp://localhost:8184/callback?state=" + a.State(),
		"http://localhost:8185/callback?state=" + a.State(), "[http://localhost:8184/callback?state=" + a.State() + "](http://evil.example)",
	} {
		_, problem := a.Pasted(line)
		assert.Contains(t, problem, "not an address at", line)
	}
	for _, state := range []string{
		"", a.State() + "x", a.State()[1:], strings.ToUpper(a.State()), a.State() + "&state=x", "x&state=" + a.State(),
		a.State() + ";", a.State() + "&amp;state=" + a.State(), "%" + a.State(), a.State() + "&x=%zz",
	} {
		_, problem := a.Pasted("http://localhost:8184/callback?code=c&state=" + state + "&region=NA")
		assert.Contains(t, problem, "of another login", state)
	}
}

// Whatever stands around the address, its state is this login's.
func FuzzPasted(f *testing.F) {
	for _, line := range []string{
		"http://localhost:8184/callback?code=c&state=STATE", "<http://localhost:8184/callback?code=c&amp;state=STATE>.",
		"[a](http://localhost:8184/callback?state=STATE&code=c)", "localhost:8184/callback?state=STA TE&state=", "\x1b[200~`",
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		a := newAttempt(t, nil)
		callback, problem := a.Pasted(strings.ReplaceAll(line, "STATE", a.State()))
		assert.NotContains(t, problem, a.State())
		if problem == "" {
			assert.Equal(t, []string{a.State()}, callback["state"])
		}
	})
}

// paste pastes text, in which STATE is the login's, and returns the codes that were exchanged, what
// was not read, and what the terminal showed.
func paste(t *testing.T, redirectURI, text string) (codes []string, rest, shown string, err error) {
	t.Helper()
	config := offline()
	config.RedirectURI = redirectURI
	config.HTTPClient.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		require.NoError(t, r.ParseForm())
		codes = append(codes, r.Form.Get("code"))
		return nil, errors.New("no route")
	})
	var out buffer
	in := &later{text: func() string {
		_, address, _ := strings.Cut(out.String(), "\n\n  ")
		address, _, _ = strings.Cut(address, "\n")
		return strings.ReplaceAll(text, "STATE", stateOf(t, address))
	}}
	_, err = loginWithin(t, t.Context(), config, &loopback.Options{Manual: true, In: in, Out: &out})
	left, _ := io.ReadAll(in)
	return codes, string(left), out.String(), err
}

// later is a Reader of a text that is there when it is read first.
type later struct {
	text func() string
	*strings.Reader
}

func (l *later) Read(p []byte) (int, error) {
	if l.Reader == nil {
		l.Reader = strings.NewReader(l.text())
	}
	return l.Reader.Read(p)
}

func TestAddressThatIsWrapped(t *testing.T) {
	const base = "http://localhost:8184/callback"
	for name, test := range map[string]struct{ text, rest string }{
		"in the code":                  {base + "?code=ab\ncd&state=STATE\nmore\n", "more\n"},
		"with blanks":                  {base + "?code=ab \n  cd&state=STATE\nmore\n", "more\n"},
		"with a zero-width space":      {base + "?code=ab\u200b\n\ufeffcd&state=STATE\n", ""},
		"before the query":             {base + "\n?code=abcd&state=STATE\n", ""},
		"in the query's first name":    {base + "?co\nde=abcd&state=STATE\n", ""},
		"after &":                      {base + "?code=abcd&\nstate=STATE\n", ""},
		"in a percent escape":          {base + "?code=ab%6\n3d&state=STATE\n", ""},
		"in the host":                  {"http://local\nhost:8184/callback?code=abcd&state=STATE\n", ""},
		"in the path":                  {"HTTP://localhost:8184/call\nback?code=abcd&state=STATE\n", ""},
		"https":                        {"https://localhost:8184/call\nback?code=abcd&state=STATE\n", ""},
		"without its scheme":           {"localhost:8184/callback?code=ab\ncd&state=STATE\n", ""},
		"over three lines":             {base + "?code=a\nbc\nd&state=STATE\nmore\n", "more\n"},
		"at carriage returns":          {base + "?code=ab\rcd&state=STATE\rmore\r", "more\r"},
		"at both":                      {base + "?code=ab\r\ncd&state=STATE\n", ""},
		"in angles":                    {"<" + base + "?code=ab\ncd&state=STATE>\n", ""},
		"in quoted mail":               {"> " + base + "?code=ab\n> cd&state=STATE\n", ""},
		"in Markdown":                  {"[it](" + base + "?code=ab\ncd&state=STATE)\n", ""},
		"in HTML":                      {base + "?code=abcd&am\np;state=STATE\n", ""},
		"for a shell":                  {base + "?code=ab\\\ncd&state=STATE\n", ""},
		"after a wrong line":           {"what?\n" + base + "?code=ab\ncd&state=STATE\n", ""},
		"then pasted whole":            {base + "?code=a\n" + base + "?code=abcd&state=STATE\n", ""},
		"then pasted without a scheme": {base + "?code=a\nLOCALHOST:8184/callback?code=abcd&state=STATE\n", ""},
		"then pasted with https":       {base + "?code=a\nhttps://localhost:8184/callback?code=abcd&state=STATE\n", ""},
		"then pasted in a header":      {base + "?code=a\nLocation: <" + base + "?code=abcd&state=STATE>\n", ""},
		"then wrapped anew":            {base + "?code=x\n" + base + "?code=ab\ncd&state=STATE\n", ""},
		"with another login between":   {base + "?code=x\n" + base + "?code=y&state=wrong&z=\n" + base + "?code=abcd&state=STATE\n", ""},
		"with a state cut off":         {base + "?code=x&state=wrong\n" + base + "?code=abcd&state=STATE\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			codes, rest, shown, err := paste(t, base, test.text)
			require.ErrorContains(t, err, "no route", shown)
			assert.Equal(t, []string{"abcd"}, codes)
			assert.Equal(t, test.rest, rest)
		})
	}
}

// A terminal wraps where its width says.
func TestAddressThatIsWrappedAnywhere(t *testing.T) {
	for _, base := range []string{"http://localhost:8184/callback", "http://[::1]:8184/", "http://localhost/a%20b", "http://localhost:8184/callback?x=1"} {
		mark := "?"
		if strings.Contains(base, "?") {
			mark = "&"
		}
		address := base + mark + "code=a%2Bb&region=NA&state=STATE"
		for cut := len("http://x"); cut < len(address)-len("STATE"); cut++ {
			codes, _, shown, err := paste(t, base, address[:cut]+"\n"+address[cut:]+"\n")
			require.ErrorContains(t, err, "no route", "%s\n%s\n%s", address[:cut], address[cut:], shown)
			assert.Equal(t, []string{"a+b"}, codes)
			assert.Equal(t, 1, strings.Count(shown, "Paste the rest of it, or the whole address"))
			assert.NotContains(t, shown, "Paste the address that the browser shows", "that is said already")
		}
	}
}

func TestStateThatIsWrapped(t *testing.T) {
	for _, cut := range []int{0, 1, 20, 42} {
		a := newAttempt(t, nil)
		state := a.State()
		require.Len(t, state, 43)
		address := "http://localhost:8184/callback?code=c&state="
		callback, problem := a.PastedLines(address+state[:cut], state[cut:])
		assert.Empty(t, problem, cut)
		assert.Equal(t, []string{state}, callback["state"])
		_, problem = a.PastedLines(address+state[:cut], "x"+state[cut:])
		assert.Contains(t, problem, "of another login", cut)
		_, problem = a.PastedLines(address+state[:cut]+"&x=", state[cut:])
		assert.NotEmpty(t, problem, "that state has an end")
	}
}

// Joining is no way around a check, and has its bounds.
func TestLinesThatAreNotJoined(t *testing.T) {
	const base = "http://localhost:8184/callback"
	long := strings.Repeat("x", 9<<10)
	for name, test := range map[string]struct{ text, says string }{
		"another host":             {"http://localhost.example:8184/callback?code=ab\ncd&state=STATE\n", "not an address at"},
		"another path":             {base + "/x?code=ab\ncd&state=STATE\n", "not an address at"},
		"another scheme":           {"ftp://localhost:8184/callback?code=ab\ncd&state=STATE\n", "not an address at"},
		"a word":                   {"http\n://localhost:8184/callback?code=abcd&state=STATE\n", "not an address at"},
		"nothing":                  {"\n?code=abcd&state=STATE\n", "not an address at"},
		"another state":            {base + "?code=ab&state=wrong&x\ncd&state=STATE\n", "of another login"},
		"after another address":    {base + "?code=ab\n" + base + "?code=x&state=wrong&y=\ncd&state=STATE\n", "not an address at"},
		"two states":               {base + "?code=ab&state=\nSTATE&state=STATE\n", "of another login"},
		"as much as two lines":     {base + "?code=" + long + "\n" + long + "&state=STATE\n", "not an address at"},
		"more than a callback has": {base + "?code=" + long + "\ncd&state=STATE\n", "of another login"},
		"eleven lines":             {base + "?code=" + strings.Repeat("a\n", 10) + "&state=STATE\n", "of another login"},
	} {
		t.Run(name, func(t *testing.T) {
			codes, _, shown, err := paste(t, base, test.text)
			require.Error(t, err)
			require.NotContains(t, err.Error(), "no route", shown)
			assert.Empty(t, codes)
			assert.Contains(t, shown, test.says)
		})
	}
}

func TestLineThatIsNoBeginningHasNoRest(t *testing.T) {
	const base = "http://localhost:8184/callback"
	for _, line := range []string{"", "http://", "https://", base + "?code=c&state=wrong&x=", base + "?code=c&state=" + strings.Repeat("x", 43)} {
		_, _, shown, err := paste(t, base, line+"\n")
		require.ErrorIs(t, err, io.EOF)
		assert.Contains(t, shown, "Paste the address that the browser shows")
		assert.NotContains(t, shown, "rest of it", line)
	}
}

func TestWholeLineIsNotJoined(t *testing.T) {
	codes, rest, shown, err := paste(t, "http://localhost:8184/callback", "http://localhost:8184/callback?code=ab&state=STATE\ncd\n")
	require.ErrorContains(t, err, "no route")
	assert.Equal(t, []string{"ab"}, codes)
	assert.Equal(t, "cd\n", rest)
	assert.NotContains(t, shown, "rest of it")
}
