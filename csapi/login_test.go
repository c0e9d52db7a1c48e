package csapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csapi"
	"github.com/contentstack/csoauth/csoauthtest"
)

// everyAnswer are the Unknowns that csapi meets, each by itself.
func everyAnswer() map[string]csoauthtest.Unknowns {
	return map[string]csoauthtest.Unknowns{
		"strict":                {},
		"full lists":            {ListMembers: "full"},
		"skip is ignored":       {ListSkip: "ignored"},
		"object":                {RevokeBody: "object"},
		"text":                  {RevokeBody: "text"},
		"gone is 400":           {RevokedAgain: "400"},
		"gone is 200":           {RevokedAgain: "200"},
		"hub like the CMA":      {HubErrorShape: "cma"},
		"no organizations":      {UserOrganizations: "no"},
		"no authtoken":          {UserAuthtoken: "no"},
		"organizations":         {OrganizationMember: "organizations"},
		"all organizations":     {OrganizationList: "all"},
		"stacks of the token":   {StacksWithoutOrganization: "token"},
		"scope error with code": {ScopeErrorCode: "316"},
	}
}

func TestAfterALogin(t *testing.T) {
	for name, u := range everyAnswer() {
		t.Run(name, func(t *testing.T) {
			server := csoauthtest.NewServer(t, &csoauthtest.Options{Unknowns: u})
			c, kept := login(t, server, csoauthtest.Visitor{UserUID: alan})
			user, err := c.User(t.Context())
			require.NoError(t, err)
			require.Equal(t, []string{alan, "alan@example.com", "Alan", "Turing"}, []string{user.UID, user.Email, user.FirstName, user.LastName})

			org, err := c.Organization(t.Context())
			require.NoError(t, err)
			require.Equal(t, []string{press, "Emulated Press"}, []string{org.UID, org.Name})
			orgs := 0
			for o, err := range c.Organizations(t.Context()) {
				require.NoError(t, err)
				require.Equal(t, press, o.UID)
				orgs++
			}
			require.Equal(t, 1, orgs)

			stacks := c.Stacks(t.Context())
			want := 230
			if u.ListSkip == "ignored" {
				want = 100 // no more can be had, and it ends all the same
			}
			for range 2 { // a second range starts over
				seen := map[string]bool{}
				for stack, err := range stacks {
					require.NoError(t, err)
					require.Equal(t, press, stack.OrganizationUID)
					require.False(t, stack.CreatedAt.IsZero())
					seen[stack.APIKey] = true
				}
				require.Len(t, seen, want)
			}
			for stack, err := range stacks {
				require.NoError(t, err)
				require.NoError(t, c.Stack(stack.APIKey).Get(t.Context(), "/v3/stacks/settings", nil))
				break
			}

			require.NoError(t, c.Revoke(t.Context()))
			require.NoError(t, c.Revoke(t.Context()), "it is over already")
			_, err = c.User(t.Context())
			require.ErrorIs(t, err, csoauth.ErrLoginRequired)
			_, err = kept.Token(t.Context())
			require.ErrorIs(t, err, csoauth.ErrLoginRequired)
		})
	}
}

// TestRevokeEndsOnlyTheUsersOwn: an owner sees everyone's authorizations, on three pages, and
// Alan's is among them.
//
// Law: A2
func TestRevokeEndsOnlyTheUsersOwn(t *testing.T) {
	for name, u := range map[string]csoauthtest.Unknowns{"strict": {}, "full": {ListMembers: "full"}} {
		t.Run(name, func(t *testing.T) {
			server := csoauthtest.NewServer(t, &csoauthtest.Options{Unknowns: u})
			config := server.Config("http://localhost:8184")
			alans := csapi.New(config, csapi.Static(tokenOf(t, server, config, csoauthtest.Visitor{UserUID: alan})), nil)
			c, _ := login(t, server, csoauthtest.Visitor{})
			there := csapi.New(config, csapi.Static(tokenOf(t, server, config, csoauthtest.Visitor{})), nil)
			elsewhere := csapi.New(config, csapi.Static(tokenOf(t, server, config, csoauthtest.Visitor{OrganizationUID: shop})), nil)
			require.NoError(t, c.Revoke(t.Context()))
			_, err := there.User(t.Context())
			require.Error(t, err, "the user's other machines are logged out too")
			_, err = elsewhere.User(t.Context())
			require.NoError(t, err, "in another organization")
			_, err = alans.User(t.Context())
			require.NoError(t, err)
			require.Equal(t, 1, deletions(server))
		})
	}
}

func deletions(server *csoauthtest.Server) (n int) {
	for _, r := range server.Requests() {
		if r.Method == http.MethodDelete {
			n++
		}
	}
	return n
}

func TestRevokeOfATokenThatNamesNoUser(t *testing.T) {
	server := csoauthtest.NewServer(t, &csoauthtest.Options{Unknowns: csoauthtest.Unknowns{Omit: []string{"user_uid"}}})
	config := server.Config("http://localhost:8184")
	token := tokenOf(t, server, config, csoauthtest.Visitor{})
	require.Empty(t, token.UserUID)
	c := csapi.New(config, csapi.Static(token), nil)
	_, err := c.User(t.Context())
	require.ErrorIs(t, err, csapi.ErrNoUser)
	require.NoError(t, c.Revoke(t.Context()))
	require.Equal(t, 1, deletions(server))
}

// A hub is a Developer Hub with these authorizations.
type hub struct {
	list     []map[string]any
	remove   func(uid string) *http.Response
	user     string // what /v3/user says; empty: it is not there
	removals []string
}

func (h *hub) answer(_ int, r *http.Request) *http.Response {
	switch {
	case r.URL.Path == "/v3/user" && h.user != "":
		return response(200, inJSON, `{"user":{"uid":"`+h.user+`"}}`)
	case r.Method == http.MethodDelete:
		uid := strings.TrimPrefix(r.URL.Path, "/manifests/app1/authorizations/")
		h.removals = append(h.removals, r.URL.EscapedPath())
		return h.remove(uid)
	case r.URL.Path == "/manifests/app1/authorizations":
		skip, _ := strconv.Atoi(r.URL.Query().Get("skip"))
		limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
		data := h.list[min(skip, len(h.list)):]
		if limit != 50 {
			return response(400, inJSON, `{"message":"limit"}`)
		}
		body, _ := json.Marshal(map[string]any{"data": data[:min(limit, len(data))]})
		return response(200, inJSON, string(body))
	}
	return response(404, inJSON, `{"message":"not here"}`)
}

func entry(uid, user string, more ...string) map[string]any {
	e := map[string]any{"authorization_uid": uid, "user": map[string]any{"uid": user}}
	for i := 0; i < len(more); i += 2 {
		e[more[i]] = more[i+1]
	}
	return e
}

// Law: A2
func TestWhichAuthorizationsAreRevoked(t *testing.T) {
	removed := func(string) *http.Response { return response(200, inJSON, "{}") }
	for name, row := range map[string]struct {
		list  []map[string]any
		token func(*csoauth.Token)
		user  string
		want  []string // paths
		err   string
	}{
		"none":                     {nil, nil, "", nil, ""},
		"one":                      {[]map[string]any{entry("a1", ada)}, nil, "", []string{"/manifests/app1/authorizations/a1"}, ""},
		"another user's":           {[]map[string]any{entry("a1", alan)}, nil, "", nil, ""},
		"another app's":            {[]map[string]any{entry("a1", ada, "app_uid", "app2")}, nil, "", nil, ""},
		"another organization's":   {[]map[string]any{entry("a1", ada, "organization_uid", shop)}, nil, "", nil, ""},
		"all members":              {[]map[string]any{entry("a1", ada, "organization_uid", press, "app_uid", "app1")}, nil, "", []string{"/manifests/app1/authorizations/a1"}, ""},
		"without a UID":            {[]map[string]any{entry("", ada)}, nil, "", nil, ""},
		"a UID to escape":          {[]map[string]any{entry("../x?y", ada)}, nil, "", []string{"/manifests/app1/authorizations/..%2Fx%3Fy"}, ""},
		"two":                      {[]map[string]any{entry("a1", ada), entry("a2", alan), entry("a3", ada)}, nil, "", []string{"/manifests/app1/authorizations/a1", "/manifests/app1/authorizations/a3"}, ""},
		"no user in the token":     {[]map[string]any{entry("a1", ada)}, func(t *csoauth.Token) { t.UserUID = "" }, ada, []string{"/manifests/app1/authorizations/a1"}, ""},
		"no user anywhere":         {[]map[string]any{entry("a1", "")}, func(t *csoauth.Token) { t.UserUID = "" }, "", nil, "csapi: revoke: finding out whose authorization to delete:"},
		"an entry without a user":  {[]map[string]any{entry("a1", "")}, nil, "", nil, ""},
		"no organization in token": {[]map[string]any{entry("a1", ada, "organization_uid", shop)}, func(t *csoauth.Token) { t.OrganizationUID = "" }, "", []string{"/manifests/app1/authorizations/a1"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := &hub{list: row.list, remove: removed, user: row.user}
			token := aToken()
			if row.token != nil {
				row.token(token)
			}
			err := csapi.New(aConfig(), csapi.Static(token), &csapi.Options{Base: &service{answer: h.answer}}).Revoke(t.Context())
			if row.err == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, row.err)
			}
			require.Equal(t, row.want, h.removals)
		})
	}
	c := aConfig()
	c.AppUID = ""
	h := &hub{list: []map[string]any{entry("a1", ada)}, remove: removed}
	require.ErrorContains(t, csapi.New(c, csapi.Static(aToken()), &csapi.Options{Base: &service{answer: h.answer}}).Revoke(t.Context()), "no AppUID")
	require.Empty(t, h.removals)
}

// Law: A2
func TestRevokeThatFails(t *testing.T) {
	over := fmt.Errorf("refused: %w", csoauth.ErrLoginRequired)
	for name, row := range map[string]struct {
		remove func(h *hub) *http.Response
		want   string // empty: success
	}{
		"gone meanwhile": {func(h *hub) *http.Response { h.list = nil; return response(404, inJSON, "{}") }, ""},
		"a response that is lost": {func(h *hub) *http.Response {
			h.list = nil
			return response(504, "text/html", "<html>")
		}, ""},
		"refused":      {func(*hub) *http.Response { return response(403, inJSON, `{"message":"no"}`) }, "csapi: revoke: csapi: DELETE /manifests/app1/authorizations/a1: 403 Forbidden: no"},
		"still there":  {func(*hub) *http.Response { return response(404, inJSON, `{}`) }, "404 Not Found"},
		"unauthorized": {func(*hub) *http.Response { return response(401, inJSON, badToken) }, ""}, // and the Source says that it is over
	} {
		t.Run(name, func(t *testing.T) {
			h := &hub{list: []map[string]any{entry("a1", ada)}}
			h.remove = func(string) *http.Response { return row.remove(h) }
			err := csapi.New(aConfig(), &source{tokens: []*csoauth.Token{aToken()}, ended: over}, &csapi.Options{Base: &service{answer: h.answer}}).Revoke(t.Context())
			if row.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, row.want)
		})
	}
	t.Run("the token dies with the first of two", func(t *testing.T) {
		h := &hub{list: []map[string]any{entry("a1", ada), entry("a2", ada)}}
		h.remove = func(uid string) *http.Response {
			if uid == "a1" {
				return response(200, inJSON, "{}")
			}
			return response(401, inJSON, badToken)
		}
		err := csapi.New(aConfig(), csapi.Static(aToken()), &csapi.Options{Base: &service{answer: h.answer}}).Revoke(t.Context())
		require.ErrorContains(t, err, "1 of the user's 2 authorizations are ended, and the token with them")
	})
	t.Run("the list is refused", func(t *testing.T) {
		s := &service{answer: says(403, inJSON, `{"message":"no"}`)}
		require.ErrorContains(t, clientOf(s).Revoke(t.Context()), "csapi: revoke: csapi: GET /manifests/app1/authorizations: 403 Forbidden: no")
		require.Equal(t, 1, s.count())
	})
	t.Run("the login is over", func(t *testing.T) {
		s := &service{answer: says(500, inJSON, "{}")}
		require.NoError(t, csapi.New(aConfig(), csapi.Static(nil), &csapi.Options{Base: s}).Revoke(t.Context()))
		require.Zero(t, s.count())
	})
	t.Run("the store is down", func(t *testing.T) {
		down := errors.New("down")
		require.ErrorIs(t, csapi.New(aConfig(), failing{down}, nil).Revoke(t.Context()), down)
	})
}

type failing struct{ err error }

func (f failing) Token(context.Context) (*csoauth.Token, error) { return nil, f.err }
func (f failing) Invalidate(context.Context, string) error      { return f.err }

// TestRevokeStaysWithItsLogin: a token that was refreshed serves; another login is not touched.
//
// Law: A2
func TestRevokeStaysWithItsLogin(t *testing.T) {
	for name, row := range map[string]struct {
		change func(*csoauth.Token)
		ok     bool
	}{
		"refreshed":            {func(*csoauth.Token) {}, true},
		"another user":         {func(t *csoauth.Token) { t.UserUID = alan }, false},
		"another organization": {func(t *csoauth.Token) { t.OrganizationUID = shop }, false},
	} {
		t.Run(name, func(t *testing.T) {
			next := numbered(2)
			row.change(next)
			h := &hub{list: []map[string]any{entry("a1", ada), entry("a2", alan)}, remove: func(string) *http.Response { return response(200, inJSON, "{}") }}
			s := &service{answer: func(n int, r *http.Request) *http.Response {
				if r.Header.Get("Authorization") == "Bearer the-access-token-1" {
					return response(401, inJSON, badToken)
				}
				return h.answer(n, r)
			}}
			err := csapi.New(aConfig(), &source{tokens: []*csoauth.Token{aToken(), next}}, &csapi.Options{Base: s}).Revoke(t.Context())
			require.Equal(t, row.ok, err == nil, "%v", err)
			require.Equal(t, row.ok, slices.Equal(h.removals, []string{"/manifests/app1/authorizations/a1"}))
			if !row.ok {
				require.Empty(t, h.removals)
			}
		})
	}
}

func TestWhoTheUserIs(t *testing.T) {
	for name, row := range map[string]struct {
		token func(*csoauth.Token)
		body  string
		want  string // the error; empty: none
	}{
		"as Contentstack documents it": {nil, `{"user":{"uid":"` + ada + `","email":null,"authtoken":"blt-secret","authy_id":"1","mobile_number":"555","roles":[{"uid":"x"}],"organizations":[{"uid":"` + press + `","is_owner":true}]}}`, ""},
		"without organizations":        {nil, `{"user":{"uid":"` + ada + `"}}`, ""},
		"another user":                 {nil, `{"user":{"uid":"` + alan + `"}}`, `the response is about "blt0000000000alan02", but the token is for "blt00000000000ada01"`},
		"another organization":         {nil, `{"user":{"uid":"` + ada + `","organizations":[{"uid":"` + shop + `"}]}}`, "but the user is not a member of it"},
		"flat":                         {nil, `{"uid":"` + ada + `"}`, "the response has no user"},
		"no UID":                       {nil, `{"user":{"email":"a@example.com"}}`, "the response has no user"},
		"null":                         {nil, `{"user":null}`, "the response has no user"},
		"no organization in the token": {func(t *csoauth.Token) { t.OrganizationUID = "" }, `{"user":{"uid":"` + ada + `","organizations":[{"uid":"` + shop + `"}]}}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			token := aToken()
			if row.token != nil {
				row.token(token)
			}
			s := &service{answer: says(200, inJSON, row.body)}
			user, err := csapi.New(aConfig(), csapi.Static(token), &csapi.Options{Base: s}).User(t.Context())
			if row.want != "" {
				require.ErrorContains(t, err, "csapi: user: ")
				require.ErrorContains(t, err, row.want)
				return
			}
			require.NoError(t, err)
			printed := fmt.Sprintf("%+v", user)
			require.NotContains(t, printed, "blt-secret")
			require.NotContains(t, printed, "555")
		})
	}
	for _, change := range []func(*csoauth.Token){
		func(t *csoauth.Token) { t.UserUID = "" }, func(t *csoauth.Token) { t.AuthorizationType = "app" },
	} {
		token, s := aToken(), &service{}
		change(token)
		_, err := csapi.New(aConfig(), csapi.Static(token), &csapi.Options{Base: s}).User(t.Context())
		require.ErrorIs(t, err, csapi.ErrNoUser)
		require.Zero(t, s.count(), "without a request")
	}
	_, err := csapi.New(aConfig(), csapi.Static(nil), nil).User(t.Context())
	require.ErrorIs(t, err, csoauth.ErrLoginRequired)
}

func TestWhichOrganization(t *testing.T) {
	for body, want := range map[string]string{
		`{"organization":{"uid":"` + press + `"}}`:                           "",
		`{"organizations":[{"uid":"` + press + `"}]}`:                        "",
		`{"organization":{"uid":"` + shop + `"}}`:                            "not",
		`{"organizations":[]}`:                                               "has no organization",
		`{"organizations":[{"uid":"` + press + `"},{"uid":"` + shop + `"}]}`: "has no organization",
		`{}`:                            "has no organization",
		`{"organization":{"name":"x"}}`: "has no organization",
		`{"organization":null,"organizations":[{"uid":"` + press + `","name":1}]`: "no JSON object",
	} {
		org, err := clientOf(&service{answer: says(200, inJSON, body)}).Organization(t.Context())
		if want != "" {
			require.ErrorContains(t, err, want, body)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, press, org.UID)
	}
	token := aToken()
	token.OrganizationUID = ""
	_, err := csapi.New(aConfig(), csapi.Static(token), nil).Organization(t.Context())
	require.EqualError(t, err, "csapi: organization: the token names no organization")
	_, err = csapi.New(aConfig(), csapi.Static(nil), nil).Organization(t.Context())
	require.ErrorIs(t, err, csoauth.ErrLoginRequired)
	_, err = clientOf(&service{answer: says(404, inJSON, "{}")}).Organization(t.Context())
	require.ErrorIs(t, err, csapi.ErrNotFound)
}

// TestListsThatMisbehave: each ends.
func TestListsThatMisbehave(t *testing.T) {
	page := func(from, n int, more string) string {
		var all []string
		for i := range n {
			all = append(all, fmt.Sprintf(`{"uid":"s%d","api_key":"k%d"}`, from+i, from+i))
		}
		return `{"stacks":[` + strings.Join(all, ",") + `]` + more + `}`
	}
	skipOf := func(r *http.Request) int { n, _ := strconv.Atoi(r.URL.Query().Get("skip")); return n }
	for name, row := range map[string]struct {
		answer   func(r *http.Request) string
		stacks   int
		requests int
		err      string
	}{
		"empty":            {func(*http.Request) string { return `{"stacks":[]}` }, 0, 1, ""},
		"null":             {func(*http.Request) string { return `{"stacks":null}` }, 0, 1, ""},
		"no member":        {func(*http.Request) string { return `{}` }, 0, 1, ""},
		"one page":         {func(r *http.Request) string { return page(skipOf(r), min(7, max(0, 7-skipOf(r))), "") }, 7, 2, ""},
		"one page, count":  {func(r *http.Request) string { return page(0, 7, `,"count":7`) }, 7, 1, ""},
		"pages":            {func(r *http.Request) string { return page(skipOf(r), min(100, max(0, 250-skipOf(r))), "") }, 250, 4, ""},
		"small pages":      {func(r *http.Request) string { return page(skipOf(r), min(10, max(0, 25-skipOf(r))), `,"count":25`) }, 25, 3, ""},
		"skip is ignored":  {func(*http.Request) string { return page(0, 100, "") }, 100, 2, ""},
		"limit is ignored": {func(*http.Request) string { return page(0, 500, "") }, 500, 2, ""},
		"count too large":  {func(r *http.Request) string { return page(skipOf(r), min(100, max(0, 150-skipOf(r))), `,"count":999`) }, 150, 3, ""},
		"twice":            {func(r *http.Request) string { return page(skipOf(r)/2, min(100, max(0, 200-skipOf(r))), "") }, 150, 3, ""},
		"bare entries": {func(*http.Request) string {
			return `{"stacks":[{"name":"a"},{"name":"b"},{"name":"a"},{"api_key":"c"}]}`
		}, 3, 2, ""},
		"odd times": {func(*http.Request) string {
			return `{"stacks":[{"api_key":"a","created_at":""},{"api_key":"b","updated_at":7}]}`
		}, 2, 2, ""},
		"endless": {func(r *http.Request) string { return page(skipOf(r), 3, "") }, 3000, 1000, "csapi: the list does not end after a thousand pages"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &service{answer: func(_ int, r *http.Request) *http.Response { return response(200, inJSON, row.answer(r)) }}
			stacks := 0
			var last error
			for _, err := range clientOf(s).Stacks(t.Context()) {
				require.NoError(t, last, "an error comes last")
				if last = err; err == nil {
					stacks++
				}
			}
			require.Equal(t, [2]int{row.stacks, row.requests}, [2]int{stacks, s.count()})
			if row.err == "" {
				require.NoError(t, last)
			} else {
				require.EqualError(t, last, row.err)
			}
		})
	}
	t.Run("a page that fails", func(t *testing.T) {
		s := &service{answer: func(n int, r *http.Request) *http.Response {
			if n == 2 {
				return response(403, inJSON, "{}")
			}
			return response(200, inJSON, page(skipOf(r), 100, ""))
		}}
		n := 0
		for _, err := range clientOf(s).Stacks(t.Context()) {
			if n++; n == 101 {
				require.ErrorIs(t, err, csapi.ErrForbidden)
				continue
			}
			require.NoError(t, err)
		}
		require.Equal(t, 101, n)
	})
	t.Run("nobody wants more", func(t *testing.T) {
		s := &service{answer: func(_ int, r *http.Request) *http.Response { return response(200, inJSON, page(skipOf(r), 100, "")) }}
		for range clientOf(s).Stacks(t.Context()) {
			break
		}
		require.Equal(t, 1, s.count())
		require.Equal(t, url.Values{"skip": {"0"}, "limit": {"100"}, "include_count": {"true"}}, s.requests[0].URL.Query())
	})
}
