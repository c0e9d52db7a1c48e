package csoauth

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/contentstack/csoauth/internal/untrusted"
)

const (
	defaultTokenLifetime = time.Hour // what Contentstack documents for access tokens
	maxTokenLifetime     = 24 * time.Hour
)

// A tokenResponse is the response to a token request: a token or a refusal.
type tokenResponse struct {
	request *tokenRequest
	resp    *http.Response
	body    []byte
	responseJSON
	refusal *Error // nil: its status and its form are those of a token
}

// responseJSON has the members of a token, and error, which shows a failure with the status of a
// success.
type responseJSON struct {
	AccessToken       string          `json:"access_token"`
	RefreshToken      string          `json:"refresh_token"`
	TokenType         string          `json:"token_type"`
	ExpiresIn         json.RawMessage `json:"expires_in"`
	Scope             string          `json:"scope"`
	Location          string          `json:"location"`
	Region            string          `json:"region"`
	OrganizationUID   string          `json:"organization_uid"`
	UserUID           string          `json:"user_uid"`
	AuthorizationType string          `json:"authorization_type"`
	StackAPIKey       string          `json:"stack_api_key"`
	Error             json.RawMessage `json:"error"`
}

// readResponse reads a response. body is the part that arrived. broke says why the rest did not
// arrive, and is nil if the body is complete. It returns nil if the response broke off before
// anything that matters.
func readResponse(request *tokenRequest, resp *http.Response, body []byte, broke error) *tokenResponse {
	body = bytes.TrimPrefix(body, []byte("\uFEFF")) // a byte order mark, which JSON does not have
	r := &tokenResponse{request: request, resp: resp, body: body}
	whole := unmarshalTolerant(body, &r.responseJSON) == nil
	if !whole {
		r.responseJSON = salvage(body)
	}
	r.RefreshToken = strings.TrimSpace(r.RefreshToken)
	succeeded := resp.StatusCode >= 200 && resp.StatusCode <= 299
	switch {
	case !whole && broke != nil && r.RefreshToken == "":
		return nil
	case !whole && broke != nil:
		r.refusal = r.refuse("the response broke off")
	case len(body) > maxResponse:
		r.refusal = r.refuse(fmt.Sprintf("the response is over %d bytes", maxResponse))
	case resp.StatusCode >= 300 && resp.StatusCode <= 399:
		r.refusal = r.refuse("the response is a redirect, which is not followed: it would carry the secrets elsewhere; check Endpoints")
	case !whole:
		r.refusal = r.refuse(r.whatInstead())
	case !succeeded || isPresent(r.Error) || r.AccessToken == "" && r.RefreshToken == "":
		r.refusal = r.failure()
		if r.refusal == nil && !succeeded {
			r.refusal = r.refuse("the response is JSON, but not a known form of error")
		}
	}
	return r
}

// unmarshalTolerant leaves out a member of an unexpected type: the rest of the response may have
// the only refresh token that still works.
func unmarshalTolerant(body []byte, v any) error {
	err := json.Unmarshal(body, v)
	if err == nil {
		return nil
	}
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) && bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) {
		return nil // encoding/json has read all the other members
	}
	return err
}

// salvage reads the whole members of an object that is not whole itself: cut short, with a comma
// too many, or followed by something else. The new refresh token may be among them.
func salvage(body []byte) responseJSON {
	members := map[string]json.RawMessage{}
	decoder := json.NewDecoder(bytes.NewReader(body))
	if brace, err := decoder.Token(); err != nil || brace != json.Delim('{') {
		return responseJSON{}
	}
	for {
		name, err := decoder.Token()
		text, isName := name.(string)
		if err != nil || !isName {
			break
		}
		var value json.RawMessage
		if decoder.Decode(&value) != nil {
			break
		}
		members[text] = value
	}
	var read responseJSON
	object, _ := json.Marshal(members)   // of values that were just decoded
	_ = unmarshalTolerant(object, &read) // what is of the wrong type is left out
	return read
}

// applyTo writes the response into t. t has the terms of the grant and, for a refresh, the old
// token. Values that the response leaves out stay as they are. If the response must be refused, but
// has a new refresh token for the same user, the [*Error] carries the parts to keep.
func (r *tokenResponse) applyTo(t *Token) error {
	if reason := r.otherOwner(t); reason != "" {
		return r.refuse(reason)
	}
	renewed := t.RefreshToken != "" && r.RefreshToken != "" && r.RefreshToken != t.RefreshToken
	for _, member := range []struct {
		to   *string
		from string
	}{
		{&t.RefreshToken, r.RefreshToken},
		{&t.OrganizationUID, r.OrganizationUID},
		{&t.UserUID, r.UserUID},
		{&t.AuthorizationType, r.AuthorizationType},
		{&t.StackAPIKey, r.StackAPIKey},
		{&t.Location, cmp.Or(r.Location, r.Region)},
	} {
		if member.from != "" {
			*member.to = member.from
		}
	}
	if e := r.unusable(); e != nil {
		if renewed {
			e.Token = t
			e.Verdict = VerdictRetry // with a new refresh token the login is not over, whatever else is said
		}
		return e
	}
	t.AccessToken = r.AccessToken
	t.TokenType = "Bearer"
	t.Expiry = r.request.began.Add(r.lifetime()).UTC()
	if scopes := strings.Fields(r.Scope); len(scopes) > 0 {
		t.Scopes = scopes
	}
	return nil
}

// otherOwner returns how the response's user or organization differs from the old token's, if it
// does.
func (r *tokenResponse) otherOwner(old *Token) string {
	for _, owner := range []struct{ what, old, new string }{
		{"user", old.UserUID, r.UserUID},
		{"organization", old.OrganizationUID, r.OrganizationUID},
		{"authorization type", old.AuthorizationType, r.AuthorizationType},
	} {
		if owner.old != "" && owner.new != "" && !strings.EqualFold(strings.TrimSpace(owner.old), strings.TrimSpace(owner.new)) {
			return fmt.Sprintf("the response is for %s %s, and the token was for %s", owner.what, r.quote(owner.new), r.quote(owner.old))
		}
	}
	return ""
}

// unusable returns the error of a response without a usable access token, and nil if it has one.
func (r *tokenResponse) unusable() *Error {
	switch {
	case r.refusal != nil:
		return r.refusal
	case r.AccessToken == "":
		return r.refuse("the response has no access_token")
	case !isVisibleASCII(r.AccessToken):
		return r.refuse("the access_token has a character that no header can carry")
	case r.TokenType != "" && !strings.EqualFold(r.TokenType, "Bearer"):
		return r.refuse(fmt.Sprintf("the token_type is %s, want Bearer", r.quote(r.TokenType)))
	}
	return nil
}

// lifetime reads expires_in, a number of seconds that some servers send as a string.
func (r *tokenResponse) lifetime() time.Duration {
	seconds, err := strconv.ParseFloat(strings.Trim(string(r.ExpiresIn), `"`), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return defaultTokenLifetime
	}
	return lifetimeOf(seconds)
}

// lifetimeOf returns how long an access token lives that has this many seconds: an hour if the
// number makes no sense, and a day at most.
func lifetimeOf(seconds float64) time.Duration {
	switch {
	case !(seconds >= 1): // NaN too
		return defaultTokenLifetime
	case seconds > maxTokenLifetime.Seconds():
		return maxTokenLifetime
	}
	return time.Duration(seconds * float64(time.Second))
}

// refuse returns the error of this response, with a description in our own words or one that is
// clean already.
func (r *tokenResponse) refuse(description string) *Error {
	e := &Error{
		Op:          r.request.op,
		StatusCode:  r.resp.StatusCode,
		Description: description,
		Verdict:     VerdictRetry,
		header:      http.Header{},
	}
	e.RetryAfter, e.saidWhen = parseRetryAfter(r.resp.Header.Get("Retry-After"), time.Now())
	for _, name := range []string{"Content-Type", "Date", "Retry-After", "X-Request-Id"} {
		if value := r.resp.Header.Get(name); value != "" {
			e.header.Set(name, r.clean(value, untrusted.MaxDescription))
		}
	}
	return e
}

// clean returns a text of the response as an error shows it: it may repeat what the request sent,
// or the new tokens.
func (r *tokenResponse) clean(text string, most int) string {
	secrets, open := r.request.secrets()
	return untrusted.Clean(text, most, append(append(secrets, r.AccessToken, r.RefreshToken), tokensIn(r.body)...), open)
}

// tokensIn returns every string in a body that stands under a name with "token" and looks like one.
// The body may be cut, or not be JSON at all.
func tokensIn(body []byte) (tokens []string) {
	name := ""
	for rest := string(body); ; {
		between, from, found := strings.Cut(rest, `"`)
		if !found {
			return tokens
		}
		end := 0
		for end < len(from) && from[end] != '"' {
			if from[end] == '\\' {
				end++
			}
			end++
		}
		text := from[:min(end, len(from))]
		sign := strings.Join(strings.Fields(between), "")
		isValue := sign == ":" || sign == ":["
		if isValue && strings.Contains(strings.ToLower(name), "token") && len(text) >= untrusted.MinSecret && !strings.Contains(text, " ") {
			tokens = append(tokens, untrusted.UnescapeJSON(text))
		}
		if !isValue {
			name = text
		}
		rest = from[min(end+1, len(from)):]
	}
}

// quote shows a value of the response in an error.
func (r *tokenResponse) quote(value string) string { return quote(r.clean(value, untrusted.MaxCode)) }

// whatInstead describes a body that is not the JSON it should be, without repeating it.
func (r *tokenResponse) whatInstead() string {
	if len(bytes.TrimSpace(r.body)) == 0 {
		return "the response is empty"
	}
	media, _, err := mime.ParseMediaType(r.resp.Header.Get("Content-Type"))
	if err != nil || strings.HasSuffix(media, "json") {
		return fmt.Sprintf("the response (%d bytes) is not a JSON object", len(r.body))
	}
	return fmt.Sprintf("the response (%d bytes) is %s, not JSON", len(r.body), r.quote(media))
}
