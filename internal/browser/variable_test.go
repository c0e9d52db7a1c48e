package browser_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/browser"
)

func TestVariableIsSplitAsAShellWould(t *testing.T) {
	type commands = [][]string
	for name, test := range map[string]struct {
		goos, variable string
		want           commands
	}{
		"words":                    {"linux", " firefox\t-P  work ", commands{{"firefox", "-P", "work"}}},
		"double quotes":            {"linux", `firefox -P "My Profile" %s`, commands{{"firefox", "-P", "My Profile", "%s"}}},
		"quoted program":           {"linux", `"/mnt/c/Program Files/x/firefox.exe"`, commands{{"/mnt/c/Program Files/x/firefox.exe"}}},
		"quoted program, options":  {"linux", `'/opt/a b/c' -x "%s"`, commands{{"/opt/a b/c", "-x", "%s"}}},
		"single quotes":            {"darwin", `open -a 'Google "Chrome"\'`, commands{{"open", "-a", `Google "Chrome"\`}}},
		"quotes inside of a word":  {"linux", `a --x="b c"'d'e`, commands{{"a", "--x=b cde"}}},
		"empty word":               {"linux", `a "" ''`, commands{{"a", "", ""}}},
		"escaped blank":            {"linux", `/mnt/c/Program\ Files/x.exe -x`, commands{{"/mnt/c/Program Files/x.exe", "-x"}}},
		"escaped quote":            {"linux", `a \"b \'c`, commands{{"a", `"b`, "'c"}}},
		"escapes in double quotes": {"linux", `a "\"\\\$x\n"`, commands{{"a", `"\$x\n`}}},
		"line goes on":             {"linux", "a b\\\nc \"d\\\ne\"", commands{{"a", "bc", "de"}}},
		"new line":                 {"linux", "a\nb", commands{{"a", "b"}}},
		"backslash at the end":     {"linux", `a b\`, commands{{"a", `b\`}}},
		"nothing else is special":  {"linux", "a $HOME `b` $(c) ;d &e |f >g *~#", commands{{"a", "$HOME", "`b`", "$(c)", ";d", "&e", "|f", ">g", "*~#"}}},
		"several":                  {"linux", `a -x:"b c" d::e`, commands{{"a", "-x"}, {"b c", "d"}, {"e"}}},
		"quoted colons":            {"linux", `a 'b:c' "d:e" f\:g:h`, commands{{"a", "b:c", "d:e", "f:g"}, {"h"}}},
		"URL":                      {"linux", `a --via=http://localhost/%s:b`, commands{{"a", "--via=http://localhost/%s"}, {"b"}}},
		"colon after %s":           {"linux", `a %s:b`, commands{{"a", "%s"}, {"b"}}},
		"blank":                    {"linux", " :\t: ", nil},
		"windows path":             {"windows", `C:\browser\a.exe -x`, commands{{`C:\browser\a.exe`, "-x"}}},
		"windows quotes":           {"windows", `"C:\Program Files\a b.exe" -P "My Profile";D:\b.exe`, commands{{`C:\Program Files\a b.exe`, "-P", "My Profile"}, {`D:\b.exe`}}},
		"windows folder":           {"windows", `a.exe "C:\x y\" %s`, commands{{"a.exe", `C:\x y\`, "%s"}}},
		"windows apostrophe":       {"windows", `C:\O'Brien\a.exe -x`, commands{{`C:\O'Brien\a.exe`, "-x"}}},
		"windows semicolon":        {"windows", `a.exe "b;c";d.exe`, commands{{"a.exe", "b;c"}, {"d.exe"}}},
	} {
		got, err := browser.Platform(test.goos, map[string]string{"BROWSER": test.variable, "DISPLAY": ""})
		require.NoError(t, err, name)
		if test.want == nil {
			test.want, _ = browser.Platform(test.goos, nil)
		}
		assert.Equal(t, test.want, got, name)
	}
}

func TestQuoteThatIsNotClosedIsTold(t *testing.T) {
	for _, test := range []struct{ goos, variable, quote string }{
		{"linux", `firefox -P "My Profile %s`, `"`},
		{"linux", `'/opt/a b/c`, `'`},
		{"linux", `a "b\"`, `"`},
		{"linux", `a:b 'c\':d`, ``},
		{"linux", `a:b "c:d`, `"`},
		{"windows", `a.exe "b`, `"`},
	} {
		_, err := browser.Platform(test.goos, map[string]string{"BROWSER": test.variable})
		if test.quote == "" {
			require.NoError(t, err, test.variable)
			continue
		}
		require.ErrorContains(t, err, "$BROWSER", test.variable)
		require.ErrorContains(t, err, "the quote "+test.quote+" is not closed", test.variable)
	}
	t.Setenv("BROWSER", `a "b`)
	_, err := browser.Open("https://example.com")
	require.ErrorContains(t, err, "not closed")
}

// A program whose path has spaces, quotes or a percent sign needs no quotes if nothing follows it.
func TestPathOfAProgramNeedsNoQuotes(t *testing.T) {
	for _, name := range []string{"my browser.exe", "Bob's browser.exe", "100% browser.exe"} {
		path := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"), 0o700))
		separator := string(os.PathListSeparator)
		goos := "linux"
		if separator == ";" {
			goos = "windows"
		}
		got, err := browser.Platform(goos, map[string]string{"BROWSER": "a" + separator + path + separator + "b c"})
		require.NoError(t, err)
		assert.Equal(t, [][]string{{"a"}, {path}, {"b", "c"}}, got)
	}
}

func TestAddressTakesThePlaceOfItsMark(t *testing.T) {
	const a = "https://example.com/?x=%73&y=%s%%"
	for _, test := range []struct{ words, want []string }{
		{[]string{}, []string{a}},
		{[]string{"-x"}, []string{"-x", a}},
		{[]string{"%s", "-x"}, []string{a, "-x"}},
		{[]string{"--url=%s"}, []string{"--url=" + a}},
		{[]string{"%s", "<%s|%s>"}, []string{a, "<" + a + "|" + a + ">"}},
		{[]string{"%%s"}, []string{"%s", a}},
		{[]string{"%%%s"}, []string{"%" + a}},
		{[]string{"100%%", "%", "%d"}, []string{"100%", "%", "%d", a}},
	} {
		assert.Equal(t, test.want, browser.Arguments(test.words, a), test.words)
	}
}
