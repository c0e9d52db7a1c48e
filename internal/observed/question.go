package observed

import "slices"

// A Question is about something that no public document says.
type Question struct {
	Name    string // in a Report; where the emulator has the same question, its name there
	Group   string // the heading under which a page has it
	Asks    string // the question as a sentence
	Kind    Kind
	Answers []Answer // that are expected; a service may give another
}

// An Answer is one that a question may have.
type Answer struct {
	Word string
	Says string // as a sentence
}

// A Kind is what the answers to a question are.
type Kind uint8

// The kinds of questions.
const (
	Word     Kind = iota // one of those that the question lists, or one like them
	Open                 // a text, such as a list of names
	Duration             // a duration such as "1h0m0s"
)

// Says returns the sentence for an answer, or the answer itself if the question does not have it.
func (q *Question) Says(answer string) string {
	for _, a := range q.Answers {
		if a.Word == answer {
			return a.Says
		}
	}
	return "It is `" + answer + "`."
}

// Questions returns all questions, in the order of a report.
func Questions() []Question { return slices.Clone(questions) }

// Find returns the question with that name.
func Find(name string) (*Question, bool) {
	i := slices.IndexFunc(questions, func(q Question) bool { return q.Name == name })
	if i < 0 {
		return nil, false
	}
	q := questions[i]
	return &q, true
}

// The groups of questions.
const (
	theCallback  = "The callback"
	theToken     = "The token response"
	theRefusals  = "What the token endpoint refuses"
	theRefresh   = "The refresh"
	introspects  = "Introspection"
	theAPIs      = "After the login"
	theEnd       = "The end of an authorization"
	surroundings = "Limits and clock"
	beyond       = "What a probe cannot ask"
)

// shapes are the forms of an error of the token endpoint.
var shapes = []Answer{
	{"oauth", "In the form of RFC 6749: `error` and `error_description`."},
	{"nestjs", "With a `message` that is a text, and without a code of RFC 6749."},
	{"nestjs-array", "With a `message` that is an array of texts, and without a code of RFC 6749."},
	{"cma", "In the form of the Content Management API: `error_message` and `error_code`."},
	{"html", "With a page in HTML."},
	{"other", "In a form that csoauth does not know."},
	{"accepted", "It does not refuse: it grants tokens."},
}

var reads = []Answer{
	{"read", "It seems so: it responds as to the same request in the documented form."}, {"not-read", "No: it refuses such a request for another reason."},
}

var works = []Answer{{"works", "It works."}, {"refused", "It is refused."}}

var regionNames = []Answer{
	{"location", "`location`."}, {"region", "`region`."}, {"both", "Both `location` and `region`."}, {"neither", "Neither `location` nor `region`."},
}

var questions = []Question{
	{"region_names", theCallback, "Which parameters of a callback with a code name the region?", Word, regionNames},
	{"location", theCallback, "How does the service write the name of this region?", Open, nil},
	{"denial", theCallback, "What does the callback say when the user denies the request?", Word, []Answer{
		{"access_denied", "`error=access_denied`, as in RFC 6749."},
		{"nothing", "Nothing: the browser does not come back."},
	}},
	{"denial_state", theCallback, "Does the callback of a denial bring the state back?", Word, []Answer{
		{"echoed", "Yes."}, {"left-out", "No, so nobody can tell it from a forged one."},
	}},

	{"token_region_names", theToken, "Which members of a token response name the region?", Word, regionNames},
	{"omit", theToken, "Which members are missing in a token response, of those that csoauth reads?", Open, []Answer{{"none", "None."}}},
	{"access_token_lifetime", theToken, "How long does an access token live, as `expires_in` says?", Duration, nil},

	{"error_shape", theRefusals, "In which form does the token endpoint refuse?", Word, shapes},
	{"bad_code", theRefusals, "How does the token endpoint refuse a code that it did not issue?", Word, shapes},
	{"bad_client", theRefusals, "How does the token endpoint refuse a client ID that it does not know?", Word, shapes},
	{"bad_refresh_token", theRefusals, "How does the token endpoint refuse a refresh token that it did not issue?", Word, shapes},
	{"bad_secret", theRefusals, "How does the token endpoint refuse a refresh with a wrong client secret?", Word, shapes},
	{"bad_verifier", theRefusals, "How does the token endpoint refuse a good code with another verifier?", Word, shapes},
	{"code_after_failure", theRefusals, "What becomes of a code that was sent with another verifier?", Word, []Answer{
		{"lives", "The right verifier still redeems it."}, {"spent", "It is spent: the right verifier is refused, too."},
	}},
	{"code_reuse", theRefusals, "What does the second use of a code do?", Word, []Answer{
		{"refuse", "It is refused, and the login of the first use goes on."},
		{"revoke", "It is refused, and the login of the first use ends: its refresh token is refused."},
		{"works", "It works."},
	}},
	{"json", theRefusals, "Does the token endpoint read a request in JSON?", Word, reads},
	{"basic", theRefusals, "Does the token endpoint read the client's credentials from `Authorization: Basic`?", Word, reads},
	{"cors", theRefusals, "May a page of another origin read a response of the token endpoint?", Word, []Answer{
		{"allowed", "Yes: the response allows the origin."}, {"not-allowed", "No: the response has no header that allows it."},
	}},

	{"old_access_token", theRefresh, "What becomes of the old access token at a refresh?", Word, []Answer{
		{"lives", "It works on."}, {"dies", "It is refused from then on."},
	}},
	{"refresh_without_redirect_uri", theRefresh, "Does a refresh without `redirect_uri` work?", Word, []Answer{
		{"accepted", "Yes."}, {"refused", "No, it is refused."},
	}},
	{"rotation", theRefresh, "Does a refresh return another refresh token?", Word, []Answer{
		{"rotates", "Yes."}, {"stays", "No: the same one, or none."},
	}},
	{"reuse", theRefresh, "What happens when a refresh token is used a second time?", Word, []Answer{
		{"revoke", "It is refused, and the whole login ends."},
		{"refuse", "It is refused, and the login goes on with the newest refresh token."},
		{"grace", "It works again for a while."},
		{"none", "Refresh tokens do not change: the same one works again."},
	}},
	{"reuse_at_once", theRefresh, "What happens when a refresh token is used again within two seconds?", Word, works},
	{"reuse_after_5s", theRefresh, "What happens when a refresh token is used again after 5 seconds?", Word, works},
	{"reuse_after_2m", theRefresh, "What happens when a refresh token is used again after 2 minutes?", Word, works},
	{"reuse_grace", theRefresh, "For how long does a refresh token work again, as far as it was tried?", Duration, nil},
	{"reuse_access", theRefresh, "What becomes of the newest access token when a used refresh token was refused?", Word, []Answer{
		{"lives", "It works on."}, {"dies", "It is refused from then on."},
	}},

	{"introspect_auth", introspects, "Which credentials does introspection need?", Word, []Answer{
		{"none", "None."}, {"client", "Those of the client, in the form."},
	}},
	{"introspect_members", introspects, "What does introspection tell of an active token?", Word, []Answer{
		{"scope", "`active` and `scope` alone."}, {"full", "More than `active` and `scope`."},
	}},
	{"introspect_scope", introspects, "In which form is `scope` in the response of introspection?", Word, []Answer{
		{"string", "A string with spaces."}, {"array", "An array."},
	}},

	{"user_organizations", theAPIs, "Does `/v3/user` tell the user's organizations?", Word, []Answer{{"yes", "Yes."}, {"no", "No."}}},
	{"user_authtoken", theAPIs, "Does `/v3/user` tell an `authtoken` to an OAuth token?", Word, []Answer{
		{"yes", "Yes: it must not be kept or logged."}, {"no", "No."},
	}},
	{"organization_list", theAPIs, "Which organizations does `/v3/organizations` list?", Word, []Answer{
		{"token", "That of the token alone."}, {"all", "All of the user."},
	}},
	{"organization_member", theAPIs, "Under which member does `/v3/organizations/{uid}` return the organization?", Word, []Answer{
		{"organization", "`organization`, an object."}, {"organizations", "`organizations`, an array."},
	}},
	{"stacks_without_organization", theAPIs, "What does `/v3/stacks` list without the header `organization_uid`?", Word, []Answer{
		{"empty", "Nothing, with a status of 200."}, {"token", "The stacks of the token's organization."},
	}},
	{"scope_error_code", theAPIs, "Which `error_code` comes back when the token lacks the scope?", Word, []Answer{
		{"none", "None."}, {"162", "162."}, {"316", "316."},
	}},
	{"scope_list", theAPIs, "In which form does the Developer Hub list the scopes?", Word, []Answer{
		{"flat", "One array."}, {"grouped", "An array for each kind of token."},
	}},
	{"hub_error_shape", theAPIs, "In which form does the Developer Hub refuse?", Word, shapes[1:4]},
	{"list_members", theAPIs, "Does the list of an app's authorizations have a `count`?", Word, []Answer{
		{"sparse", "No."}, {"full", "Yes."},
	}},
	{"list_skip", theAPIs, "Does the list of an app's authorizations go on at `skip`?", Word, []Answer{
		{"paged", "Yes."}, {"ignored", "No: it begins anew with each request."},
	}},

	{"revoke_body", theEnd, "What is the response when an authorization is ended?", Word, []Answer{
		{"empty", "It has no body."}, {"object", "It has a JSON object."}, {"text", "It has a text."},
	}},
	{"revoke_ends", theEnd, "Which tokens end with the authorization?", Word, []Answer{
		{"all", "Its access token and its refresh token."}, {"access", "Its access token alone."},
		{"refresh", "Its refresh token alone; the access token works on."}, {"nothing", "Neither: both work on."},
	}},
	{"revoked_again", theEnd, "Which status comes back when an authorization is ended that is gone already?", Word, []Answer{
		{"200", "200, as if it had been there."}, {"400", "400."}, {"403", "403."}, {"404", "404."},
	}},

	{"rate_limit_headers", surroundings, "Which services sent headers about a rate limit?", Open, []Answer{{"none", "None."}}},
	{"clock", surroundings, "How far apart are this machine's clock and the service's?", Duration, nil},

	{"refresh_token_lifetime", beyond, "How long does a refresh token live?", Duration, nil},
	{"redirect_matching", beyond, "Must the redirect URI of the authorize URL match exactly?", Word, nil},
	{"machine_tokens", beyond, "Which members does a machine token's response have (`grant_type=client_credentials`)?", Open, nil},
	{"install_pkce", beyond, "Does PKCE work when an app is installed?", Word, nil},
}
