package emulator_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/emulator"
)

// ask sends a request to an API with an access token, in an organization.
func (s *site) ask(method, path, access, organization string) answer {
	r := s.request(method, s.url+path, "")
	r.Header.Set("Authorization", "Bearer "+access)
	if organization != "" {
		r.Header.Set("organization_uid", organization)
	}
	return s.do(s.client, r)
}

// A list is a page of the Developer Hub's.
type list struct {
	Data []struct {
		UID          string `json:"authorization_uid"`
		App          string `json:"app_uid"`
		Organization string `json:"organization_uid"`
		Scopes       []string
		Created      string `json:"created_at"`
		User         struct{ UID, Email string }
		AppUID       string `json:"uid"`
		Name         string
	}
	Skip, Limit, Count *int
}

func (s *site) list(path, access string) (l list) {
	said := s.ask(http.MethodGet, path, access, press)
	require.Equal(s.t, http.StatusOK, said.status, said.body)
	require.NoError(s.t, json.Unmarshal([]byte(said.body), &l))
	return l
}

func (l list) users() (all []string) {
	for _, a := range l.Data {
		all = append(all, a.User.UID)
	}
	return all
}

const ofApp1 = "/manifests/app1/authorizations"

// TestOwnersSeeEveryonesAuthorizations: Ada owns the organization, and Alan is a member.
func TestOwnersSeeEveryonesAuthorizations(t *testing.T) {
	s := start(t, emulator.Realistic())
	adas, alans := s.loginOf(ada), s.loginOf(alan)

	mine := s.list(ofApp1, alans.Access)
	require.Equal(t, []string{alan}, mine.users())
	require.Equal(t, 1, *mine.Count)

	var all []string
	for pages := 0; ; pages++ {
		page := s.list(fmt.Sprintf("%s?skip=%d", ofApp1, len(all)), adas.Access)
		if len(page.Data) == 0 {
			require.Greater(t, pages, 2, "there is something to page through")
			break
		}
		require.LessOrEqual(t, len(page.Data), 50)
		require.Equal(t, []int{len(all), 50, 122}, []int{*page.Skip, *page.Limit, *page.Count})
		all = append(all, page.users()...)
	}
	require.Len(t, all, 122)
	require.Len(t, slices.Compact(slices.Sorted(slices.Values(all))), 122, "each user once")
	require.Equal(t, []string{ada, alan}, all[120:], "the oldest come first")
	require.Equal(t, all, s.allUsers(adas.Access, "/apps-api"), "at the application's host as well")
}

func (s *site) allUsers(access, prefix string) (all []string) {
	for {
		page := s.list(fmt.Sprintf("%s%s?limit=500&skip=%d", prefix, ofApp1, len(all)), access)
		if len(page.Data) == 0 {
			return all
		}
		require.LessOrEqual(s.t, len(page.Data), 50, "more than 50 are not to be had")
		all = append(all, page.users()...)
	}
}

func TestParametersOfAList(t *testing.T) {
	s := start(t, emulator.Realistic())
	access := s.loginOf(ada).Access
	first := s.list(ofApp1+"?limit=2", access).users()
	require.Len(t, first, 2)
	require.Equal(t, first[1:], s.list(ofApp1+"?limit=1&skip=1", access).users())
	require.Equal(t, ada, s.list(ofApp1+"?order=DESC&limit=1", access).users()[0], "who came last")
	require.NotEmpty(t, s.list(ofApp1+"?search=FIRS&limit=1", access).Data, "a part of the app's name")
	require.Empty(t, s.list(ofApp1+"?search=second", access).Data)
	require.Empty(t, s.list(ofApp1+"?limit=0", access).Data)
	for _, query := range []string{"?skip=x", "?limit=-1", "?skip=1.5"} {
		require.Equal(t, http.StatusBadRequest, s.ask(http.MethodGet, ofApp1+query, access, press).status, query)
	}
	entry := s.list(ofApp1+"?order=desc&limit=1", access).Data[0]
	require.Equal(t, []string{"app1", press, "ada@example.com"}, []string{entry.App, entry.Organization, entry.User.Email})
	require.Equal(t, []string{"cm.stack:share", "user:read"}, entry.Scopes)
	require.Regexp(t, `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`, entry.Created)
}

// TestEachAppHasItsColleagues, and only what is asked for is a deletion.
func TestEachAppHasItsColleagues(t *testing.T) {
	s := start(t, emulator.Realistic())
	adas := s.loginOf(ada)
	for _, path := range []string{ofApp1, "/manifests/app3/authorizations", "/manifests/app2/authorizations"} {
		require.GreaterOrEqual(t, *s.list(path, adas.Access).Count, 120, path)
		require.Regexp(t, `^listed 50 of 12[01] authorizations$`, s.last().Decision)
	}
	for _, path := range []string{"/", "/x"} {
		require.Equal(t, http.StatusNotFound, s.ask(http.MethodGet, ofApp1+path, adas.Access, press).status)
		require.Equal(t, http.StatusNotFound, s.ask(http.MethodPost, ofApp1+path, adas.Access, press).status)
	}
	require.Equal(t, 121, *s.list(ofApp1, adas.Access).Count)
}

// TestEndOfAnAuthorizationEndsItsTokens, on all machines of the user, and nobody else's.
func TestEndOfAnAuthorizationEndsItsTokens(t *testing.T) {
	s := start(t, emulator.Realistic())
	here, there, alans := s.loginOf(ada), s.loginOf(ada), s.loginOf(alan)
	uid := func(user string) string {
		for skip := 0; ; skip += 50 {
			page := s.list(fmt.Sprintf("%s?skip=%d", ofApp1, skip), here.Access)
			if i := slices.Index(page.users(), user); i >= 0 {
				return page.Data[i].UID
			}
			require.NotEmpty(t, page.Data)
		}
	}
	adas := uid(ada)
	require.Equal(t, http.StatusNotFound, s.ask(http.MethodDelete, ofApp1+"/"+adas, alans.Access, press).status, "it is not Alan's to see")
	require.True(t, s.works(here.Access))

	said := s.ask(http.MethodDelete, ofApp1+"/"+adas, here.Access, press)
	require.Equal(t, http.StatusOK, said.status)
	require.JSONEq(t, "{}", said.body)
	require.Equal(t, "ended the authorization of Ada Lovelace", s.last().Decision)
	for _, tokens := range []tokenAnswer{here, there} {
		require.JSONEq(t, badToken, s.user("Bearer "+tokens.Access).body)
		require.Equal(t, http.StatusBadRequest, s.token(renewal(tokens.Refresh)).status)
	}
	require.True(t, s.works(alans.Access))
	page := s.do(s.client, s.request(http.MethodGet, s.byPath("app1", authorization()), ""))
	require.Contains(t, page.body, `data-page="consent"`, "the user has to consent again")

	here = s.loginOf(ada)
	require.NotEqual(t, adas, uid(ada))
	require.Equal(t, http.StatusNotFound, s.ask(http.MethodDelete, ofApp1+"/"+adas, here.Access, press).status, "it is gone")
	require.Equal(t, http.StatusOK, s.ask(http.MethodDelete, ofApp1+"/"+uid(alan), here.Access, press).status, "an owner may end it")
	require.False(t, s.works(alans.Access))
}

// TestEmptyAuthorizationUIDEndsThemAll is the danger of a path that is put together carelessly.
func TestEmptyAuthorizationUIDEndsThemAll(t *testing.T) {
	for _, path := range []string{ofApp1, ofApp1 + "/", "/apps-api" + ofApp1 + "/"} {
		s := start(t, emulator.Realistic())
		adas, alans := s.loginOf(ada), s.loginOf(alan)
		require.Equal(t, http.StatusOK, s.ask(http.MethodDelete, path, adas.Access, press).status)
		require.False(t, s.works(adas.Access) || s.works(alans.Access))
		require.Equal(t, "refused: no good bearer token", s.last().Decision)

		s = start(t, emulator.Realistic())
		adas, alans = s.loginOf(ada), s.loginOf(alan)
		require.Equal(t, http.StatusOK, s.ask(http.MethodDelete, path, alans.Access, press).status)
		require.True(t, s.works(adas.Access), "a member ends only what the member sees")
		require.False(t, s.works(alans.Access))
	}
}

func TestAuthorizedApps(t *testing.T) {
	s := start(t, emulator.Realistic())
	adas, alans := s.loginOf(ada), s.loginOf(alan)
	s.visit(emulator.Visitor{UserUID: alan}, s.byPath("app3", authorization(url.Values{"client_id": {"client3"}})))
	require.Equal(t, "First", s.list("/authorized-apps", adas.Access).Data[0].Name)
	both := s.list("/apps-api/authorized-apps", alans.Access)
	require.Equal(t, []string{"app1", "app3"}, []string{both.Data[0].AppUID, both.Data[1].AppUID})
	require.Equal(t, 2, *both.Count)
}

func TestDeveloperHubRefuses(t *testing.T) {
	for shape, row := range map[string]struct{ loggedOut, elsewhere, missing string }{
		"nestjs": {
			`{"statusCode":401,"message":"You're not allowed in here unless you're logged in.","error":"Unauthorized"}`,
			`{"statusCode":403,"message":"You don't have the permission to do this operation.","error":"Forbidden"}`,
			"{\"statusCode\":404,\"message\":\"App with id `app0` not found\",\"error\":\"Not Found\"}",
		},
		"cma": {
			notLoggedIn,
			`{"error_code":316,"error_message":"You don't have the permission to do this operation.","errors":{}}`,
			"{\"error_message\":\"App with id `app0` not found\",\"errors\":{}}",
		},
	} {
		t.Run(shape, func(t *testing.T) {
			s := start(t, emulator.Options{Unknowns: emulator.Unknowns{HubErrorShape: shape}})
			access := s.login().Access
			require.JSONEq(t, row.loggedOut, s.do(s.client, s.request(http.MethodGet, s.url+ofApp1, "")).body)
			require.JSONEq(t, row.elsewhere, s.ask(http.MethodGet, ofApp1, access, shop).body)
			require.JSONEq(t, row.missing, s.ask(http.MethodGet, "/manifests/app0/authorizations", access, press).body)
			require.Equal(t, http.StatusNotFound, s.ask(http.MethodDelete, "/manifests/app0/authorizations", access, press).status)
			require.Equal(t, http.StatusNotFound, s.ask(http.MethodDelete, "/manifests/app0/authorizations/x", access, press).status)
			require.True(t, s.works(access))
		})
	}
}

// TestWhatIsUnknownOfTheDeveloperHub has each answer of each question.
func TestWhatIsUnknownOfTheDeveloperHub(t *testing.T) {
	with := func(u emulator.Unknowns) (*site, string) {
		s := start(t, emulator.Options{Unknowns: u})
		return s, s.loginOf(alan).Access
	}
	t.Run("members of lists", func(t *testing.T) {
		s, access := with(emulator.Unknowns{ListMembers: "sparse"})
		require.JSONEq(t, fmt.Sprintf(`{"data":[{"authorization_uid":%q,"user":{"uid":%q}}]}`, s.list(ofApp1, access).Data[0].UID, alan),
			s.ask(http.MethodGet, ofApp1, access, press).body)
	})
	t.Run("skip", func(t *testing.T) {
		s, access := with(emulator.Unknowns{ListSkip: "ignored"})
		require.Equal(t, []string{alan}, s.list(ofApp1+"?skip=7", access).users())
	})
	for body, want := range map[string]string{"empty": "204 ", "object": "200 {}", "text": "200 OK"} {
		t.Run("body of a deletion: "+body, func(t *testing.T) {
			s, access := with(emulator.Unknowns{RevokeBody: body})
			said := s.ask(http.MethodDelete, ofApp1+"/"+s.list(ofApp1, access).Data[0].UID, access, press)
			require.Equal(t, want, fmt.Sprint(said.status, " ", said.body))
			require.False(t, s.works(access))
		})
	}
	for status, want := range map[string]int{"404": 404, "400": 400, "403": 403, "200": 204} {
		t.Run("deleted again: "+status, func(t *testing.T) {
			s, access := with(emulator.Unknowns{RevokedAgain: status})
			require.Equal(t, want, s.ask(http.MethodDelete, ofApp1+"/gone", access, press).status)
			require.True(t, s.works(access))
		})
	}
	for form, member := range map[string]string{"flat": `{"data":{"scopes":["`, "grouped": `{"data":{"app":[],"user":["`} {
		t.Run("scopes: "+form, func(t *testing.T) {
			s, access := with(emulator.Unknowns{ScopeList: form})
			body := s.ask(http.MethodGet, "/manifests/oauth/scopes", access, press).body
			require.True(t, strings.HasPrefix(body, member), body)
			require.Contains(t, body, `"user:read"`)
			require.NotContains(t, body, "View", "their names alone")
		})
	}
}
