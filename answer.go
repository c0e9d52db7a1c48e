package csoauth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	defaultTokenLifetime = time.Hour // what Contentstack documents for access tokens
	maxTokenLifetime     = 24 * time.Hour
)

// A tokenAnswer is the answer to a token request: a token, or the refusal that it is.
type tokenAnswer struct {
	request *tokenRequest
	resp    *http.Response
	body    []byte
	answerJSON
	refusal *Error // nil: as far as its status and its form tell, it is a token
}

// answerJSON has the members of a token, and error to tell a failure that calls itself a success.
type answerJSON struct {
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

// readAnswer reads an answer of which body arrived; broke is why no more of it did, or nil. It returns nil if it broke
// off before it said anything that matters.
func readAnswer(r *tokenRequest, resp *http.Response, body []byte, broke error) *tokenAnswer {
	body = bytes.TrimPrefix(body, []byte("\uFEFF")) // a byte order mark, which JSON does not have
	a := &tokenAnswer{request: r, resp: resp, body: body}
	whole := unmarshalTolerant(body, &a.answerJSON) == nil
	if !whole {
		a.answerJSON = salvage(body)
	}
	switch {
	case !whole && broke != nil && a.RefreshToken == "":
		return nil
	case !whole && broke != nil:
		a.refusal = a.refuse("the answer broke off")
	case len(body) > maxAnswer:
		a.refusal = a.refuse(fmt.Sprintf("the answer is over %d bytes", maxAnswer))
	case resp.StatusCode >= 300 && resp.StatusCode <= 399:
		a.refusal = a.refuse("the answer is a redirect, which is not followed: it would carry the secrets elsewhere; check Endpoints")
	case resp.StatusCode < 200 || resp.StatusCode > 299 || whole && isPresent(a.Error):
		a.refusal = a.failure()
	case !whole:
		a.refusal = a.refuse(a.whatInstead())
	}
	return a
}

// unmarshalTolerant leaves a member of another type than expected out: the rest of the answer may hold the only
// refresh token that still works.
func unmarshalTolerant(body []byte, v any) error {
	err := json.Unmarshal(body, v)
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) && bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) {
		return nil // encoding/json has read all the other members
	}
	return err
}

// salvage reads the whole members of an object that is not whole itself: cut short, with a comma too many, or followed
// by something else. The new refresh token may be among them.
func salvage(body []byte) answerJSON {
	members := map[string]json.RawMessage{}
	decoder := json.NewDecoder(bytes.NewReader(body))
	if brace, err := decoder.Token(); err != nil || brace != json.Delim('{') {
		return answerJSON{}
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
	var read answerJSON
	object, _ := json.Marshal(members)   // of values that were just decoded
	_ = unmarshalTolerant(object, &read) // what is of the wrong type is left out
	return read
}

// applyTo writes the answer into t, which holds the terms of the grant and, for a refresh, the old token: what the
// answer leaves out stays as it is. An answer that must be refused although it holds a new refresh token for the same
// user is an [*Error] with what can be kept of it.
func (a *tokenAnswer) applyTo(t *Token) error {
	if reason := a.otherOwner(t); reason != "" {
		return a.refuse(reason)
	}
	renewed := t.RefreshToken != "" && a.RefreshToken != "" && a.RefreshToken != t.RefreshToken
	for _, member := range []struct {
		to   *string
		from string
	}{
		{&t.RefreshToken, a.RefreshToken},
		{&t.OrganizationUID, a.OrganizationUID},
		{&t.UserUID, a.UserUID},
		{&t.AuthorizationType, a.AuthorizationType},
		{&t.StackAPIKey, a.StackAPIKey},
		{&t.Location, orElse(a.Location, a.Region)},
	} {
		if member.from != "" {
			*member.to = member.from
		}
	}
	if e := a.unusable(); e != nil {
		if renewed {
			e.Token = t
		}
		return e
	}
	t.AccessToken = a.AccessToken
	t.TokenType = "Bearer"
	t.Expiry = a.request.sent.Add(a.lifetime()).Round(0).UTC()
	if scopes := strings.Fields(a.Scope); len(scopes) > 0 {
		t.Scopes = scopes
	}
	return nil
}

// otherOwner says how the answer's user or organization differs from the old token's, if it does.
func (a *tokenAnswer) otherOwner(old *Token) string {
	for _, owner := range []struct{ what, old, new string }{
		{"user", old.UserUID, a.UserUID},
		{"organization", old.OrganizationUID, a.OrganizationUID},
		{"authorization type", old.AuthorizationType, a.AuthorizationType},
	} {
		if owner.old != "" && owner.new != "" && owner.old != owner.new {
			return fmt.Sprintf("the answer is for %s %s, and the token was of %s", owner.what, a.quote(owner.new), a.quote(owner.old))
		}
	}
	return ""
}

// unusable is the error of an answer without an access token that can be used, and nil for one that has it.
func (a *tokenAnswer) unusable() *Error {
	switch {
	case a.refusal != nil:
		return a.refusal
	case a.AccessToken == "":
		return a.refuse("the answer has no access_token")
	case !isVisibleASCII(a.AccessToken):
		return a.refuse("the access_token has a character that no header can carry")
	case a.TokenType != "" && !strings.EqualFold(a.TokenType, "Bearer"):
		return a.refuse(fmt.Sprintf("the token_type is %s, want Bearer", a.quote(a.TokenType)))
	}
	return nil
}

// lifetime reads expires_in, a number of seconds that some servers send as a string.
func (a *tokenAnswer) lifetime() time.Duration {
	seconds, err := strconv.ParseFloat(strings.Trim(string(a.ExpiresIn), `"`), 64)
	switch {
	case err != nil && !errors.Is(err, strconv.ErrRange) || !(seconds > 0): // NaN too
		return defaultTokenLifetime
	case seconds > maxTokenLifetime.Seconds():
		return maxTokenLifetime
	}
	return time.Duration(seconds * float64(time.Second))
}

// refuse is the error of this answer, with reason as its description: our own words, or text that is clean already.
func (a *tokenAnswer) refuse(reason string) *Error {
	e := &Error{
		Op:          a.request.op,
		StatusCode:  a.resp.StatusCode,
		Description: reason,
		header:      http.Header{},
	}
	e.RetryAfter, e.saidWhen = parseRetryAfter(a.resp.Header.Get("Retry-After"), time.Now())
	for _, name := range []string{"Content-Type", "Date", "Retry-After", "X-Request-Id"} {
		if value := a.resp.Header.Get(name); value != "" {
			e.header.Set(name, a.clean(value, maxDescription))
		}
	}
	return e
}

// clean cuts what the request sent and what the answer brought out of text, and limits its length.
func (a *tokenAnswer) clean(text string, most int) string {
	return clean(text, most, append([]string{a.AccessToken, a.RefreshToken}, a.request.secrets...))
}

// quote shows a value of the answer in an error. It is cleaned first: what is cut short is not found any more.
func (a *tokenAnswer) quote(value string) string { return quote(a.clean(value, maxCode)) }

// whatInstead describes a body that is not the JSON it should be, without repeating it.
func (a *tokenAnswer) whatInstead() string {
	if len(bytes.TrimSpace(a.body)) == 0 {
		return "the answer is empty"
	}
	media, _, err := mime.ParseMediaType(a.resp.Header.Get("Content-Type"))
	if err != nil || strings.HasSuffix(media, "json") {
		return fmt.Sprintf("the answer (%d bytes) is not a JSON object", len(a.body))
	}
	return fmt.Sprintf("the answer (%d bytes) is %s, not JSON", len(a.body), a.quote(media))
}
