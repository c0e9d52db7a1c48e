package emulator_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/emulator"
)

// A contentList is a page of a list of the Content Management API.
type contentList struct {
	Organizations, Stacks []struct {
		UID, Name string
		Key       string `json:"api_key"`
		Org       string `json:"org_uid"`
	}
	Count *int
}

func (s *site) content(path, access, organization string) (l contentList) {
	said := s.ask(http.MethodGet, path, access, organization)
	require.Equal(s.t, http.StatusOK, said.status, said.body)
	require.NoError(s.t, json.Unmarshal([]byte(said.body), &l))
	return l
}

// startContent has an app with the scopes that the lists need, and one with none of them.
func startContent(t *testing.T, u emulator.Unknowns) (s *site, access string) {
	app, poor := testApps()[0], testApps()[2]
	app.Scopes = []string{"user:read", "organizations:read", "organization:read", "cm.stacks.management:read"}
	s = start(t, emulator.Options{Apps: []emulator.App{app, poor}, Unknowns: u})
	return s, s.login().Access
}

func TestStacksOfAnOrganization(t *testing.T) {
	s, access := startContent(t, emulator.Unknowns{})
	for _, path := range []string{"/v3/stacks?", "/v3/organizations/" + press + "/stacks?"} {
		seen := map[string]bool{}
		for pages := 0; ; pages++ {
			page := s.content(fmt.Sprintf("%sskip=%d&include_count=true", path, len(seen)), access, press)
			require.Equal(t, 230, *page.Count)
			require.LessOrEqual(t, len(page.Stacks), 100)
			if len(page.Stacks) == 0 {
				require.Greater(t, pages, 2, "there is something to page through")
				break
			}
			for _, stack := range page.Stacks {
				require.Equal(t, press, stack.Org)
				seen[stack.Key] = true
			}
		}
		require.Len(t, seen, 230)
	}
	require.Nil(t, s.content("/v3/stacks", access, press).Count)
	require.Equal(t, "Emulated Press stack 1", s.content("/v3/stacks?limit=1", access, press).Stacks[0].Name)
	for query, want := range map[string]string{"typeahead=STACK+23&asc=name&limit=1": "stack 23", "typeahead=stack+23&desc=name&limit=1": "stack 230", "desc=x&limit=1": "stack 230"} {
		require.Equal(t, "Emulated Press "+want, s.content("/v3/organizations/"+press+"/stacks?"+query, access, "").Stacks[0].Name, query)
	}
	require.Equal(t, http.StatusUnprocessableEntity, s.ask(http.MethodGet, "/v3/stacks?skip=x", access, press).status)
}

func TestOrganizations(t *testing.T) {
	s, access := startContent(t, emulator.Unknowns{})
	page := s.content("/v3/organizations?include_count=true", access, "")
	require.Equal(t, press, page.Organizations[0].UID)
	require.Equal(t, 1, *page.Count, "the token's alone")
	require.Contains(t, s.ask(http.MethodGet, "/v3/organizations/"+press, access, "").body, `{"organization":{"created_at":"`)
	require.Contains(t, s.ask(http.MethodGet, "/v3/organizations/"+press, access, "").body, `"owner_uid":"`+ada+`"`)

	s, access = startContent(t, emulator.Unknowns{OrganizationList: "all", OrganizationMember: "organizations"})
	page = s.content("/v3/organizations?limit=1&skip=1", access, "")
	require.Equal(t, shop, page.Organizations[0].UID)
	require.NotContains(t, s.ask(http.MethodGet, "/v3/organizations?limit=1&skip=1", access, "").body, ada, "of which Ada is no owner")
	require.Contains(t, s.ask(http.MethodGet, "/v3/organizations/"+press, access, "").body, `{"organizations":[{`)
}

// TestStacksWithoutAnOrganization: a list that is empty, and not an error, is what users fall for.
func TestStacksWithoutAnOrganization(t *testing.T) {
	for answer, want := range map[string]int{"empty": 0, "token": 100} {
		s, access := startContent(t, emulator.Unknowns{StacksWithoutOrganization: answer})
		require.Len(t, s.content("/v3/stacks", access, "").Stacks, want)
		require.Equal(t, []string{"no-organization-uid"}, idsOf(s.Findings()))
	}
}

func TestAnotherOrganizationIsRefused(t *testing.T) {
	s, access := startContent(t, emulator.Unknowns{})
	for path, organization := range map[string]string{
		"/v3/stacks": shop, "/v3/organizations/" + shop: "", "/v3/organizations/" + shop + "/stacks": "",
	} {
		said := s.ask(http.MethodGet, path, access, organization)
		require.Equal(t, http.StatusForbidden, said.status)
		require.JSONEq(t, `{"error_code":316,"error_message":"You don't have the permission to do this operation.","errors":{}}`, said.body)
		require.Equal(t, "refused: the token is of another organization", s.last().Decision)
	}
}

func TestStackSettingsTellWhetherAKeyFits(t *testing.T) {
	s, access := startContent(t, emulator.Unknowns{})
	own := s.content("/v3/stacks?skip=229", access, press).Stacks[0].Key
	back := s.visit(emulator.Visitor{OrganizationUID: shop}, s.byPath("app1", authorization())).callback(t)
	inShop := s.token(redemption(back.Get("code"))).Access
	others := s.content("/v3/stacks?limit=1", inShop, shop).Stacks[0].Key
	for key, want := range map[string]int{own: 200, others: 403, "blt0": 412, "": 412} {
		r := s.request(http.MethodGet, s.url+"/v3/stacks/settings", "")
		r.Header.Set("Authorization", "Bearer "+access)
		r.Header.Set("api_key", key)
		said := s.do(s.client, r)
		require.Equal(t, want, said.status, key)
		if want == 412 {
			require.JSONEq(t, `{"error_code":109,"error_message":"The api_key is not valid.","errors":{}}`, said.body)
		}
	}
}

func TestContentNeedsTheScope(t *testing.T) {
	for code, want := range map[string]string{
		"none": `{"error_message":"The provided access token has insufficient scopes","errors":{}}`,
		"162":  `{"error_code":162,"error_message":"The provided access token has insufficient scopes","errors":{}}`,
	} {
		s := start(t, emulator.Options{Unknowns: emulator.Unknowns{ScopeErrorCode: code}}) // whose app has user:read
		access := s.login().Access
		for path, scope := range map[string]string{
			"/v3/organizations": "organizations:read", "/v3/organizations/" + press: "organization:read",
			"/v3/stacks": "cm.stacks.management:read", "/v3/organizations/" + press + "/stacks": "cm.stacks.management:read",
		} {
			said := s.ask(http.MethodGet, path, access, press)
			require.Equal(t, http.StatusForbidden, said.status)
			require.JSONEq(t, want, said.body)
			require.Equal(t, "refused: the token lacks "+scope, s.last().Decision)
		}
	}
}

func TestProfile(t *testing.T) {
	profile := func(u emulator.Unknowns) map[string]any {
		s := start(t, emulator.Options{Unknowns: u})
		var said struct{ User map[string]any }
		require.NoError(t, json.Unmarshal([]byte(s.user("Bearer "+s.login().Access).body), &said))
		return said.User
	}
	require.Contains(t, profile(emulator.Unknowns{}), "authtoken")
	require.NotContains(t, profile(emulator.Unknowns{UserAuthtoken: "no"}), "authtoken")
	require.Contains(t, profile(emulator.Unknowns{}), "organizations")
	require.NotContains(t, profile(emulator.Unknowns{UserOrganizations: "no"}), "organizations")
}

func TestTokenInTheAuthtokenHeader(t *testing.T) {
	s := start(t, emulator.Realistic())
	r := s.request(http.MethodGet, s.url+"/v3/user", "")
	r.Header.Set("authtoken", s.login().Access)
	said := s.do(s.client, r)
	require.Equal(t, http.StatusUnauthorized, said.status)
	require.JSONEq(t, `{"error_code":105,"error_message":"authtoken is not valid","errors":{}}`, said.body)
	require.Equal(t, []string{"authtoken-header"}, idsOf(s.Findings()))
}

// TestUnknownPath: a browser gets a page, and a program gets JSON.
func TestUnknownPath(t *testing.T) {
	s := start(t, emulator.Options{})
	r := s.request(http.MethodGet, s.url+"/nothing", "")
	r.Header.Set("Accept", "text/html,application/xhtml+xml")
	said := s.do(s.client, r)
	require.Equal(t, http.StatusNotFound, said.status)
	require.Contains(t, said.body, `data-page="error"`)
	require.Contains(t, said.body, "There is no such page")
	r.Header.Set("Accept", "application/json")
	require.Contains(t, s.do(s.client, r).body, `"error_code":141`)
}
