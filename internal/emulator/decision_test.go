package emulator_test

import (
	"html"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/emulator"
)

const (
	ada, alan   = "blt00000000000ada01", "blt0000000000alan02"
	press, shop = "blt1a2b3c4d5e6f7081", "blt2b3c4d5e6f708192"
)

func TestVisitorsDecide(t *testing.T) {
	const (
		noSuch = "there is no such user, or the user is not in that organization"
		nobody = `the session is of user "blt0", whom nobody knows: log in again`
	)
	for name, row := range map[string]struct {
		visitor emulator.Visitor
		user    string // whose token it is; empty: none
		org     string
		refused string
	}{
		"first user, first organization":  {emulator.Visitor{}, ada, press, ""},
		"first user, second organization": {emulator.Visitor{OrganizationUID: shop}, ada, shop, ""},
		"second user":                     {emulator.Visitor{UserUID: alan}, alan, press, ""},
		"second user, not in there":       {emulator.Visitor{UserUID: alan, OrganizationUID: shop}, "", "", noSuch},
		"unknown user":                    {emulator.Visitor{UserUID: "blt0"}, "", "", nobody},
		"unknown organization":            {emulator.Visitor{OrganizationUID: "blt0"}, "", "", noSuch},
		"unknown user who denies":         {emulator.Visitor{UserUID: "blt0", Deny: true}, "", "", nobody},
		"denial":                          {emulator.Visitor{Deny: true}, "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, emulator.Options{Location: "EU"}) // of its own: consent is remembered
			page := s.visit(row.visitor, s.byPath("app1", authorization()))
			if row.refused != "" {
				require.Equal(t, http.StatusBadRequest, page.status)
				require.Contains(t, html.UnescapeString(page.body), row.refused)
				return
			}
			back := page.callback(t)
			require.Equal(t, "no-referrer", page.header.Get("Referrer-Policy"))
			require.Equal(t, "no-store", page.header.Get("Cache-Control"))
			if row.user == "" {
				require.Equal(t, url.Values{"tenant": {"1"}, "state": {"a state"}, "error": {"access_denied"},
					"error_description": {"The user denied the request"}}, back)
				require.Equal(t, "Ada Lovelace denied it", s.last().Decision)
				return
			}
			require.Equal(t, url.Values{"tenant": {"1"}, "state": {"a state"}, "location": {"EU"}, "code": {back.Get("code")}}, back)
			require.Empty(t, s.token(redemption(back.Get("code"))).reason())
			require.Equal(t, row.user, s.last().Answer["user_uid"])
			require.Equal(t, row.org, s.last().Answer["organization_uid"])
		})
	}
}

func TestWhoDecidesIsOfTheFormOrLoggedInOrTheFirst(t *testing.T) {
	const refused = "refused: there is no such user, or the user is not in that organization"
	s := start(t, emulator.Options{})
	for name, row := range map[string]struct{ session, form, want string }{
		"who is logged in":              {alan, "decision=allow", "Alan Turing allowed it for Emulated Press; a code was issued"},
		"whom the form names":           {alan, "decision=allow&user=" + ada, "Ada Lovelace allowed it for Emulated Press; a code was issued"},
		"nobody is logged in":           {"", "decision=allow", "Ada Lovelace allowed it for Emulated Press; a code was issued"},
		"another organization":          {ada, "decision=allow&organization=" + shop, "Ada Lovelace allowed it for Emulated Shop; a code was issued"},
		"who denies":                    {alan, "decision=deny", "Alan Turing denied it"},
		"unknown user":                  {ada, "decision=allow&user=blt0", refused},
		"unknown user, an organization": {ada, "decision=allow&user=blt0&organization=" + press, refused},
		"unknown user who denies":       {ada, "decision=deny&user=blt0", refused},
		"unknown organization":          {ada, "decision=allow&organization=blt0", refused},
		"organization of somebody else": {alan, "decision=allow&organization=" + shop, refused},
		"a named user not in there":     {ada, "decision=allow&user=" + alan + "&organization=" + shop, refused},
	} {
		t.Run(name, func(t *testing.T) {
			r := s.request(http.MethodPost, s.byPath("app1", authorization()), row.form)
			r.Header.Set("Cookie", emulator.SessionCookie+"="+row.session)
			require.Equal(t, row.want == refused, s.do(s.client, r).status == http.StatusBadRequest)
			require.Equal(t, row.want, s.last().Decision)
		})
	}
}

func TestStateComesBackAsItWasSent(t *testing.T) {
	s := start(t, emulator.Options{})
	for _, state := range [][]string{nil, {""}, {"a+b c&d=e%20;é"}} {
		back := s.visit(emulator.Visitor{}, s.byPath("app1", authorization(url.Values{"state": state}))).callback(t)
		require.Equal(t, state, back["state"])
	}
}

func TestCallbackWithoutQueryOfItsOwn(t *testing.T) {
	s := start(t, emulator.Options{})
	page := s.visit(emulator.Visitor{Deny: true}, s.byPath("app1", authorization(url.Values{"redirect_uri": {otherURI}})))
	require.Equal(t, otherURI+"?error=access_denied&error_description=The+user+denied+the+request&state=a+state", page.header.Get("Location"))
}

func TestConsentFormsThatAreRefused(t *testing.T) {
	s := start(t, emulator.Options{})
	for name, row := range map[string]struct {
		body   string
		header http.Header
		status int
		want   string
	}{
		"same origin":    {"decision=allow", http.Header{"Sec-Fetch-Site": {"same-origin"}}, 302, ""},
		"no browser":     {"decision=allow", nil, 302, ""},
		"another site":   {"decision=allow", http.Header{"Sec-Fetch-Site": {"cross-site"}}, 403, "cross-origin request detected from Sec-Fetch-Site header"},
		"sibling site":   {"decision=allow", http.Header{"Sec-Fetch-Site": {"same-site"}}, 403, "cross-origin request detected"},
		"foreign origin": {"decision=allow", http.Header{"Origin": {"https://evil.example"}}, 403, "cross-origin request detected"},
		"no decision":    {"user=", nil, 400, `decision is "", want "allow" or "deny"`},
		"odd decision":   {"decision=Allow", nil, 400, `decision is "Allow", want "allow" or "deny"`},
		"two decisions":  {"decision=allow&decision=deny", nil, 400, `parameter "decision" occurs 2 times (RFC 6749, 3.1)`},
		"JSON":           {`{}`, http.Header{"Content-Type": {"application/json"}}, 400, `Content-Type is "application/json", want application/x-www-form-urlencoded`},
	} {
		t.Run(name, func(t *testing.T) {
			r := s.request(http.MethodPost, s.byPath("app1", authorization()), row.body)
			for name, values := range row.header {
				r.Header[name] = values
			}
			page := s.do(s.client, r)
			require.Equal(t, row.status, page.status)
			require.Contains(t, html.UnescapeString(page.body), row.want)
			require.Equal(t, row.status == 302, page.header.Get("Location") != "")
		})
	}
}
