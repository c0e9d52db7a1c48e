package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csapi"
)

func published(t *testing.T, r csoauth.Region) map[csapi.Service]string {
	t.Helper()
	bases, err := baseURLs(&csoauth.Config{}, &csoauth.Token{Location: r.String()})
	require.NoError(t, err)
	return bases
}

// TestTargetsGoOutAsTheyWereTyped: what url.URL prints into a request line is what was typed.
func TestTargetsGoOutAsTheyWereTyped(t *testing.T) {
	bases := published(t, csoauth.EU)
	for typed, want := range map[string]string{
		"v3/user":                               "/v3/user",
		"/v3/user":                              "/v3/user",
		"v3/x?":                                 "/v3/x?",
		"v3/x?a=1;b=2&c=%zz&&=":                 "/v3/x?a=1;b=2&c=%zz&&=",
		"v3/x?a?b?c":                            "/v3/x?a?b?c",
		`v3/x?query={"a":{"$in":["b\"c"]}}`:     `/v3/x?query={"a":{"$in":["b\"c"]}}`,
		"v3/a%2Fb//c/../d/.":                    "/v3/a%2Fb//c/../d/.",
		"v3/x:y@z!$&'()*+,;=~":                  "/v3/x:y@z!$&'()*+,;=~",
		"/?a":                                   "/?a",
		"x://y":                                 "", // no host of the login's
		"v3/x?url=https://api.contentstack.io/": "/v3/x?url=https://api.contentstack.io/",
		"HTTPS://EU-API.contentstack.com:443/v3/user?A=%zz": "/v3/user?A=%zz",
		"https://eu-api.contentstack.com/v3/../%2F?":        "/v3/../%2F?",
	} {
		got, err := parseTarget(typed, bases)
		if want == "" {
			require.Error(t, err, typed)
			continue
		}
		require.NoError(t, err, typed)
		u, err := got.url(bases[got.service])
		require.NoError(t, err)
		require.Equal(t, want, u.RequestURI(), typed)
		require.Equal(t, "eu-api.contentstack.com", trimPort(u.Host), typed)
	}
}

func trimPort(host string) string {
	if len(host) > 4 && host[len(host)-4:] == ":443" {
		return host[:len(host)-4]
	}
	return host
}

// TestBasesWithAPath: a gateway may have one.
func TestBasesWithAPath(t *testing.T) {
	bases := map[csapi.Service]string{csapi.ContentManagement: "https://gateway.example/cs", csapi.Launch: "https://gateway.example/cs/launch"}
	for typed, want := range map[string]string{
		"v3/user":                                  "/cs/v3/user",
		"https://gateway.example/cs/v3/user":       "/cs/v3/user",
		"https://gateway.example/cs/launch/p?x":    "/cs/launch/p?x",
		"https://gateway.example/csx/v3/user":      "",
		"https://gateway.example/other/../cs/user": "",
	} {
		got, err := parseTarget(typed, bases)
		if want == "" {
			require.ErrorContains(t, err, "those are https://gateway.example", typed)
			continue
		}
		require.NoError(t, err, typed)
		u, err := got.url(bases[got.service])
		require.NoError(t, err)
		require.Equal(t, want, u.RequestURI(), typed)
	}
	got, err := parseTarget("https://gateway.example/cs/launch/p", bases)
	require.NoError(t, err)
	require.Equal(t, csapi.Launch, got.service, "the longest one")
}

func TestTargetsThatAreNone(t *testing.T) {
	bases := published(t, csoauth.NA)
	for typed, why := range map[string]string{
		"":                                   "is empty",
		"?a=b":                               "is empty",
		"//x":                                "two slashes",
		"///v3":                              "two slashes",
		`\\host\v3`:                          "backslash",
		`v3\user`:                            "backslash",
		`C:\v3`:                              "path of Windows",
		"z:/v3/user":                         "path of Windows",
		"v3/a b":                             "%20",
		"v3/a\tb":                            "%09",
		"v3/user\r\nHost: evil":              "%0D",
		"v3/\x7f":                            "%7F",
		"v3/é":                               "%C3",
		"v3/x#y":                             "%23",
		"http://api.contentstack.io/v3/user": "no address on a host",
		"https://api.contentstack.io:444/v3": "no address on a host",
		"https://api.contentstack.io.evil.example/v3": "no address on a host",
		"https://evil.example/api.contentstack.io":    "no address on a host",
		"https://user@api.contentstack.io/v3":         "no address on a host",
		"https://user:pw@api.contentstack.io/v3":      "no address on a host",
		`https://api.contentstack.io\@evil.example/`:  "no address on a host",
		`https://evil.example\.contentstack.io/`:      "no address on a host",
		"https://api.contentstack.io":                 "no path",
		"https://api.contentstack.io/":                "no path",
		`https://api.contentstack.io/a\b`:             "backslash",
		"https://eu-api.contentstack.com/v3/user":     "no address on a host", // another region
		"https://cdn.contentstack.io/v3/x":            "no address on a host", // takes no such token
		"https:///v3/user":                            "no address on a host",
		"ftp://api.contentstack.io/v3":                "no address on a host",
	} {
		_, err := parseTarget(typed, bases)
		require.ErrorContains(t, err, why, "%q", typed)
	}
}

func TestServiceNames(t *testing.T) {
	require.Equal(t, []string{
		"content-management", "developer-hub", "launch", "brand-kit", "personalize-management", "composable-studio", "auth", "app",
	}, serviceNames())
	for _, s := range csapi.Services() {
		parsed, err := parseService(serviceName(s))
		require.NoError(t, err)
		require.Equal(t, s, parsed)
	}
}
