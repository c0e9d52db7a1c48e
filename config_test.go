package csoauth_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
)

func TestValidateAcceptsWhatCanWork(t *testing.T) {
	for name, change := range map[string]func(*csoauth.Config){
		"a public client":                func(c *csoauth.Config) {},
		"a confidential client":          func(c *csoauth.Config) { c.ClientSecret = "s3cret with spaces inside" },
		"published hosts":                func(c *csoauth.Config) { c.Endpoints = nil; c.Region = csoauth.GCPEU },
		"scopes":                         func(c *csoauth.Config) { c.Scopes = []string{"user:read", "cm.stacks.management:read"} },
		"plain":                          func(c *csoauth.Config) { c.ChallengeMethod = csoauth.Plain },
		"the path route":                 func(c *csoauth.Config) { c.AuthorizeRoute = csoauth.RoutePath },
		"http on localhost":              func(c *csoauth.Config) { c.RedirectURI = "http://localhost:8184" },
		"http on 127.0.0.1":              func(c *csoauth.Config) { c.RedirectURI = "http://127.0.0.1:8184/callback" },
		"http on 127.8.9.10":             func(c *csoauth.Config) { c.RedirectURI = "http://127.8.9.10/" },
		"the lowest port":                func(c *csoauth.Config) { c.RedirectURI = "http://localhost:1/" },
		"the highest port":               func(c *csoauth.Config) { c.RedirectURI = "http://localhost:65535/" },
		"every kind of App UID":          func(c *csoauth.Config) { c.AppUID = "aZ09-._~" },
		"the ends of visible ASCII":      func(c *csoauth.Config) { c.ClientID, c.Scopes = "!~", []string{"!#[]~"} },
		"http on ::1":                    func(c *csoauth.Config) { c.RedirectURI = "http://[::1]:8184/callback" },
		"http under localhost":           func(c *csoauth.Config) { c.RedirectURI = "http://app.localhost:3000/callback" },
		"http deep under localhost":      func(c *csoauth.Config) { c.RedirectURI = "http://a.b.LocalHost/" },
		"http on LOCALHOST":              func(c *csoauth.Config) { c.RedirectURI = "http://LOCALHOST:8184" },
		"a User-Agent":                   func(c *csoauth.Config) { c.UserAgent = "mytool/1.2 (ops@example.com)" },
		"a redirect URI with a query":    func(c *csoauth.Config) { c.RedirectURI = "https://app.example.com/cb?tenant=1" },
		"a private-use scheme":           func(c *csoauth.Config) { c.RedirectURI = "com.example.app:/callback" },
		"a token endpoint of its own":    endpoint(csoauth.Endpoints{App: "https://app.example.org", Token: "https://hub.example.org/token"}),
		"an emulator on loopback":        endpoint(csoauth.Endpoints{App: "http://127.0.0.1:8080"}),
		"a base URL with a trailing bar": endpoint(csoauth.Endpoints{App: "https://app.example.org/"}),
	} {
		t.Run(name, func(t *testing.T) {
			c := testConfig()
			change(c)
			require.NoError(t, c.Validate())
		})
	}
}

// endpoint makes row the Config's only one.
func endpoint(row csoauth.Endpoints) func(*csoauth.Config) {
	return func(c *csoauth.Config) { c.Endpoints = map[csoauth.Region]csoauth.Endpoints{csoauth.NA: row} }
}

func TestValidateNamesFieldAndRule(t *testing.T) {
	redirect := func(uri string) func(*csoauth.Config) { return func(c *csoauth.Config) { c.RedirectURI = uri } }
	scope := func(s string) func(*csoauth.Config) {
		return func(c *csoauth.Config) { c.Scopes = []string{"user:read", s} }
	}
	for name, row := range map[string]struct {
		change func(*csoauth.Config)
		want   string
	}{
		"empty AppUID":             {func(c *csoauth.Config) { c.AppUID = "" }, "config: AppUID: is empty: copy it from Developer Hub"},
		"AppUID is the client ID":  {func(c *csoauth.Config) { c.AppUID = c.ClientID }, "config: AppUID: is the same as ClientID"},
		"AppUID with a slash":      {func(c *csoauth.Config) { c.AppUID = "a/b" }, `config: AppUID: "a/b" has a character that is not a letter`},
		"AppUID beyond ASCII":      {func(c *csoauth.Config) { c.AppUID = "ű" }, "config: AppUID: "},
		"empty ClientID":           {func(c *csoauth.Config) { c.ClientID = "" }, "config: ClientID: is empty: copy it from Developer Hub"},
		"ClientID with a space":    {func(c *csoauth.Config) { c.ClientID = "abc " }, `config: ClientID: "abc " has a space`},
		"empty redirect URI":       {redirect(""), "config: RedirectURI: is empty: give the one that is registered"},
		"relative redirect URI":    {redirect("/callback"), `config: RedirectURI: "/callback" is relative: give the whole URI`},
		"host without scheme":      {redirect("app.example.com/callback"), "config: RedirectURI: "},
		"AppUID with a space":      {func(c *csoauth.Config) { c.AppUID = "a b" }, `config: AppUID: "a b" has a character`},
		"AppUID of this folder":    {func(c *csoauth.Config) { c.AppUID = "." }, "config: AppUID: "},
		"ClientID with a DEL":      {func(c *csoauth.Config) { c.ClientID = "abc\x7f" }, `config: ClientID: "abc\x7f"`},
		"redirect with fragment":   {redirect("https://app.example.com/#/cb"), "config: RedirectURI: has a fragment"},
		"empty fragment":           {redirect("https://app.example.com/cb#"), "config: RedirectURI: has a fragment"},
		"redirect with userinfo":   {redirect("https://me:hunter2@app.example.com/"), "config: RedirectURI: has a user or password before the host"},
		"http on another host":     {redirect("http://app.example.com/"), "is http on a host that is not loopback: use https"},
		"http on a lookalike":      {redirect("http://localhost.example.com/"), "is http on a host that is not loopback"},
		"http next to localhost":   {redirect("http://notlocalhost:8184/"), "is http on a host that is not loopback"},
		"http with a zone":         {redirect("http://[::1%25lo]:8184/"), "is http on a host that is not loopback"},
		"http below loopback":      {redirect("http://126.255.255.255/"), "is http on a host that is not loopback"},
		"http above loopback":      {redirect("http://128.0.0.0/"), "is http on a host that is not loopback"},
		"http on ::2":              {redirect("http://[::2]/"), "is http on a host that is not loopback"},
		"http on 0.0.0.0":          {redirect("http://0.0.0.0:8184/"), "is http on a host that is not loopback"},
		"http without host":        {redirect("http:///callback"), `has no host`},
		"https without host":       {redirect("https:///callback"), `has no host`},
		"a scheme that runs code":  {redirect("javascript:alert(1)"), `config: RedirectURI: scheme "javascript": want https`},
		"a scheme of one word":     {redirect("myapp://callback/"), `config: RedirectURI: scheme "myapp": want https`},
		"redirect with a space":    {redirect("https://app.example.com/a b"), "has a space or a character outside of visible ASCII"},
		"redirect beyond ASCII":    {redirect("https://app.example.com/ű"), "outside of visible ASCII"},
		"redirect that is no URI":  {redirect("https://app.example.com:port/"), "config: RedirectURI: is not a URI: invalid port"},
		"redirect brings a state":  {redirect("https://app.example.com/?state=1"), `its query has "state", a parameter that the callback brings`},
		"redirect brings an error": {redirect("https://app.example.com/?error=1"), `its query has "error"`},
		"brings a description":     {redirect("https://app.example.com/?error_description=1"), `its query has "error_description"`},
		"a query with semicolon":   {redirect("https://app.example.com/?a=1;state=2"), "its query has a semicolon"},
		"a query with a bad %":     {redirect("https://app.example.com/?state=%zz"), "or a % without two hexadecimal digits"},
		"brings a location":        {redirect("https://app.example.com/?location=NA"), `its query has "location"`},
		"brings a region second":   {redirect("https://app.example.com/?tenant=1&region=NA"), `its query has "region"`},
		"redirect brings a code":   {redirect("https://app.example.com/?code=1"), `its query has "code"`},
		"secret with a line break": {func(c *csoauth.Config) { c.ClientSecret = "hunter2\n" }, "config: ClientSecret: begins or ends with white space"},
		"secret with a space":      {func(c *csoauth.Config) { c.ClientSecret = " hunter2" }, "config: ClientSecret: begins or ends with white space"},
		"bad scope before a good":  {func(c *csoauth.Config) { c.Scopes = []string{"", "user:read"} }, "config: Scopes: number 1 is empty"},
		"scope with a tab":         {scope("a:read\tb:read"), "has a space: give each scope as an element"},
		"scope with a DEL":         {scope("a\x7f"), "has a character that no scope may have"},
		"empty scope":              {scope(""), "config: Scopes: number 2 is empty"},
		"two scopes in one":        {scope("a:read b:read"), `config: Scopes: "a:read b:read" has a space: give each scope as an element`},
		"scope with a quote":       {scope(`a"b`), "has a character that no scope may have"},
		"scope with a backslash":   {scope(`a\b`), "has a character that no scope may have"},
		"scope beyond ASCII":       {scope("ű"), "has a character that no scope may have"},
		"unknown region":           {func(c *csoauth.Config) { c.Region = 7 }, "config: Region: Region(7) is not a region"},
		"region without a row":     {func(c *csoauth.Config) { c.Region = csoauth.AU }, "config: Region: au is not in Endpoints: add its row"},
		"a row for no region": {func(c *csoauth.Config) { c.Endpoints[7] = csoauth.Endpoints{App: "https://x.example.org"} },
			"config: Endpoints: Region(7) is not a region"},
		"a row without App":         {endpoint(csoauth.Endpoints{Token: "https://x.example.org"}), "config: Endpoints: na: App is empty"},
		"http endpoint":             {endpoint(csoauth.Endpoints{App: "http://app.example.org"}), "config: Endpoints: na: App: \"http://app.example.org\" is neither https nor http on a loopback"},
		"http token endpoint":       {endpoint(csoauth.Endpoints{App: "https://a.example.org", Token: "http://a.example.org/t"}), "config: Endpoints: na: Token: "},
		"endpoint under localhost":  {endpoint(csoauth.Endpoints{App: "http://app.localhost:8484"}), "is neither https nor http on a loopback"},
		"endpoint on LOCALHOST":     {endpoint(csoauth.Endpoints{App: "http://LOCALHOST:8484"}), "is neither https nor http on a loopback"},
		"endpoint with a dot":       {endpoint(csoauth.Endpoints{App: "http://localhost.:8484"}), "is neither https nor http on a loopback"},
		"endpoint with a zone":      {endpoint(csoauth.Endpoints{App: "http://[::1%25lo]:8484"}), "is neither https nor http on a loopback"},
		"mapped endpoint":           {endpoint(csoauth.Endpoints{App: "http://[::ffff:127.0.0.1]:8484"}), "is neither https nor http on a loopback"},
		"User-Agent of two lines":   {func(c *csoauth.Config) { c.UserAgent = "tool\r\nX-Evil: 1" }, "config: UserAgent: has a character that a header cannot carry"},
		"User-Agent beyond ASCII":   {func(c *csoauth.Config) { c.UserAgent = "tööl/1" }, "config: UserAgent: has a character"},
		"User-Agent with a space":   {func(c *csoauth.Config) { c.UserAgent = "tool/1 " }, "config: UserAgent: begins or ends with a space"},
		"ftp endpoint":              {endpoint(csoauth.Endpoints{App: "ftp://localhost"}), "is neither https nor http on a loopback"},
		"endpoint without scheme":   {endpoint(csoauth.Endpoints{App: "app.example.org"}), `"app.example.org" is not an absolute URL`},
		"endpoint with a query":     {endpoint(csoauth.Endpoints{App: "https://a.example.org/?x"}), "na: App: has a query or a fragment"},
		"endpoint with a bare ?":    {endpoint(csoauth.Endpoints{App: "https://a.example.org/?"}), "na: App: has a query or a fragment"},
		"endpoint with a fragment":  {endpoint(csoauth.Endpoints{App: "https://a.example.org/#x"}), "na: App: has a query or a fragment"},
		"endpoint with userinfo":    {endpoint(csoauth.Endpoints{App: "https://me:hunter2@a.example.org"}), "na: App: has a user or password"},
		"another endpoint":          {endpoint(csoauth.Endpoints{App: "https://a.example.org", Launch: "http://b.example.org"}), "na: Launch: "},
		"another region's endpoint": {func(c *csoauth.Config) { c.Endpoints[csoauth.EU] = csoauth.Endpoints{App: "http://b.example.org"} }, "config: Endpoints: eu: App: "},
		"endpoint at port 0":        {endpoint(csoauth.Endpoints{App: "http://localhost:0"}), `config: Endpoints: na: App: port "0"`},
		"redirect at port 0":        {redirect("http://localhost:0/"), `config: RedirectURI: port "0"`},
		"one port too high":         {redirect("http://localhost:65536/"), `config: RedirectURI: port "65536"`},
		"an empty port":             {endpoint(csoauth.Endpoints{App: "https://app.example.org:"}), `App: port ""`},
		"a port with a zero":        {endpoint(csoauth.Endpoints{App: "https://app.example.org:0443"}), `App: port "0443"`},
		"redirect port":             {redirect("https://app.example.com:99999/"), `port "99999" is not valid`},
		"redirect without a host":   {redirect("https://:443/"), "has no host"},
		"userinfo in a bad place":   {redirect("https:/me:hunter2@app.example.com/"), `"REDACTED" has no host`},
		"mapped loopback":           {redirect("http://[::ffff:127.0.0.1]:8184/"), "is http on a host that is not loopback"},
		"AppUID of a folder":        {func(c *csoauth.Config) { c.AppUID = ".." }, "config: AppUID: is not a valid App UID"},
		"secret with a control":     {func(c *csoauth.Config) { c.ClientSecret = "hunter2\x00hunter2" }, "config: ClientSecret: has a control character"},
		"unknown challenge method":  {func(c *csoauth.Config) { c.ChallengeMethod = "S512" }, `config: ChallengeMethod: unknown challenge method "S512": want "S256", "plain"`},
		"method in the wrong case":  {func(c *csoauth.Config) { c.ChallengeMethod = "s256" }, `unknown challenge method "s256"`},
		"unknown route":             {func(c *csoauth.Config) { c.AuthorizeRoute = 2 }, "config: AuthorizeRoute: AuthorizeRoute(2) is not a route"},
		"the first field is named":  {func(c *csoauth.Config) { c.ClientID = ""; c.Region = 9 }, "config: ClientID: "},
		"a password that not parse": {redirect("https://me:hunter2@[::1/"), "config: RedirectURI: is not a URI: it does not parse"},
	} {
		t.Run(name, func(t *testing.T) {
			c := testConfig()
			row.change(c)
			err := c.Validate()
			require.ErrorContains(t, err, row.want)
			require.ErrorIs(t, err, csoauth.ErrConfig)
			require.NotContains(t, err.Error(), "hunter2")
			_, err = c.NewAuthRequest(nil)
			require.ErrorContains(t, err, row.want, "NewAuthRequest checks the Config")
		})
	}
}
