package emulator_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/emulator"
)

// redirectURIRules has a URI for each rule, and the error that it gets. Without one, the URI can be
// registered.
var redirectURIRules = map[string]string{
	"https://app.example.com/callback?tenant=1":       "",
	"http://localhost:8184":                           "",
	"http://[::1]:8184/callback":                      "",
	"HTTPS://APP.example.com":                         "",
	"com.example.app:/callback":                       "",
	"myapp://callback":                                "",
	"javascriptx://callback":                          "",
	"https://app.example.com/?to=javascript:alert(1)": "",

	"":                                `"": is relative`,
	"/callback":                       `"/callback": is relative`,
	"callback":                        `"callback": is relative`,
	"?a=b":                            `"?a=b": is relative`,
	"//app.example.com/callback":      `"//app.example.com/callback": is relative`,
	"https:///callback":               `"https:///callback": has no host`,
	"https:callback":                  `"https:callback": has no host`,
	"http:/callback":                  `"http:/callback": has no host`,
	"http://:8184/":                   `"http://:8184/": has no host`,
	"https://app.example.com/#":       `"https://app.example.com/#": has a fragment`,
	"https://app.example.com/cb#a":    `"https://app.example.com/cb#a": has a fragment`,
	"https://app.example.com?a=b#c":   `"https://app.example.com?a=b#c": has a fragment`,
	"com.example.app:/callback#a":     `"com.example.app:/callback#a": has a fragment`,
	"#a":                              `"#a": is relative`,
	"javascript:alert(1)":             `"javascript:alert(1)": has the scheme javascript`,
	"javascript://example.com/%0aa()": `"javascript://example.com/%0aa()": has the scheme javascript`,
	"JAVAscript:alert(1)":             `"JAVAscript:alert(1)": has the scheme javascript`,
	"vbscript:msgbox(1)":              `"vbscript:msgbox(1)": has the scheme vbscript`,
	"data:text/html,x":                `"data:text/html,x": has the scheme data`,
	"blob:https://app.example.com/1":  `"blob:https://app.example.com/1": has the scheme blob`,
	"filesystem:https://a.example/t/": `"filesystem:https://a.example/t/": has the scheme filesystem`,
	"file:///etc/passwd":              `"file:///etc/passwd": has the scheme file`,
	"about:blank":                     `"about:blank": has the scheme about`,
	"view-source:https://a.example/":  `"view-source:https://a.example/": has the scheme view-source`,
	" javascript:alert(1)":            `" javascript:alert(1)": does not parse`,
	"java\nscript:alert(1)":           `"java\nscript:alert(1)": does not parse`,
	"https://app.example.com/\x00":    `"https://app.example.com/\x00": does not parse`,
	"https://app.example.com/%zz":     `"https://app.example.com/%zz": does not parse`,
	"https://me:hunter2@a.example/#a": `"REDACTED": has a fragment`,
}

func TestRedirectURIsThatCannotBeRegistered(t *testing.T) {
	for uri, want := range redirectURIRules {
		t.Run(uri, func(t *testing.T) {
			app := emulator.App{UID: "app9", ClientID: "client9", AllowPKCE: true, RedirectURIs: []string{otherURI, uri}}
			_, inOptions := emulator.New(emulator.Options{Apps: []emulator.App{testApps()[0], app}})

			e, err := emulator.New(emulator.Options{Apps: []emulator.App{testApps()[0], {UID: "app9", ClientID: "client9", AllowPKCE: true}}})
			require.NoError(t, err)
			registered := e.Register("app9", uri)
			if want == "" {
				require.NoError(t, inOptions)
				require.NoError(t, registered)
				require.Equal(t, []string{uri}, e.Apps()[1].RedirectURIs)
				return
			}
			require.ErrorContains(t, registered, "emulator: app app9: redirect URI "+want)
			require.EqualError(t, inOptions, registered.Error())
			require.Empty(t, e.Apps()[1].RedirectURIs)
		})
	}
}

func TestRedirectURIOfTheConfigFileIsChecked(t *testing.T) {
	o, err := emulator.ReadConfig(strings.NewReader(`{"apps": [{"uid": "u1", "client_id": "c1", "allow_pkce": true,
		"redirect_uris": ["https://app.example.com/#/callback"]}]}`), "")
	require.NoError(t, err)
	_, err = emulator.New(o)
	require.EqualError(t, err, `emulator: app u1: redirect URI "https://app.example.com/#/callback": `+
		"has a fragment, which no redirect URI may have (RFC 6749, 3.1.2)")
}
