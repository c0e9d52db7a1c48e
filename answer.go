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

// A tokenAnswer is the whole answer to a token request.
type tokenAnswer struct {
	request *tokenRequest
	resp    *http.Response
	body    []byte // all of it
	answerJSON
	secrets *scrubber // made when it is first needed
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

// readAnswer reads an answer that arrived whole. Any that is no JSON object, or that its status calls a failure, is an
// [*Error]; the rest is for [tokenAnswer.applyTo] to judge.
func readAnswer(r *tokenRequest, resp *http.Response, body []byte) (*tokenAnswer, error) {
	a := &tokenAnswer{request: r, resp: resp, body: body}
	noJSON := unmarshalTolerant(body, &a.answerJSON)
	switch {
	case len(body) > maxAnswer:
		return nil, a.refuse(fmt.Sprintf("the answer is over %d bytes", maxAnswer))
	case resp.StatusCode >= 300 && resp.StatusCode <= 399:
		return nil, a.refuse("the answer is a redirect, which is not followed: it would carry the secrets elsewhere; check Endpoints")
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return nil, a.failure()
	case noJSON != nil:
		return nil, a.refuse(a.whatInstead())
	}
	return a, nil
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

// applyTo writes the answer into t, which holds the terms of the grant and, for a refresh, the old token: what the
// answer leaves out stays as it is. An answer that must be refused although it holds a new refresh token for the same
// user is an [*Error] with what can be kept of it.
func (a *tokenAnswer) applyTo(t *Token) error {
	if reason := a.otherOwner(t); reason != "" {
		return a.refuse(reason)
	}
	refreshed := t.RefreshToken != "" && a.RefreshToken != ""
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
		if refreshed {
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
	differ := func(old, new string) bool { return old != "" && new != "" && old != new }
	switch {
	case differ(old.UserUID, a.UserUID):
		return fmt.Sprintf("the answer is for user %s, and the token was of %s", a.quote(a.UserUID), quote(old.UserUID))
	case differ(old.OrganizationUID, a.OrganizationUID):
		return fmt.Sprintf("the answer is for organization %s, and the token was of %s", a.quote(a.OrganizationUID), quote(old.OrganizationUID))
	}
	return ""
}

// unusable is the error of an answer without an access token that can be used, and nil for one that has it.
func (a *tokenAnswer) unusable() *Error {
	switch {
	case isPresent(a.Error):
		return a.failure()
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
	case err != nil || !(seconds > 0): // NaN too
		return defaultTokenLifetime
	case seconds > maxTokenLifetime.Seconds():
		return maxTokenLifetime
	}
	return time.Duration(seconds * float64(time.Second))
}

// errorJSON has the members by which a failure is told. Nobody outside Contentstack knows which of them its token
// endpoint uses, so all that its documents and clients show are read: RFC 6749's, NestJS's (statusCode, message as a
// string or an array, error as the status text), an error that is an object, and the Content Management API's.
type errorJSON struct {
	Error            json.RawMessage `json:"error"`
	ErrorDescription json.RawMessage `json:"error_description"`
	ErrorMessage     json.RawMessage `json:"error_message"`
	ErrorCode        json.RawMessage `json:"error_code"`
	Message          json.RawMessage `json:"message"`
	Errors           json.RawMessage `json:"errors"`
}

// failure is the error of an answer whose status or members say that it is one.
func (a *tokenAnswer) failure() *Error {
	var fields errorJSON
	if unmarshalTolerant(a.body, &fields) != nil {
		return a.refuse(a.whatInstead())
	}
	said := text(fields.Error)
	code, description := said, firstText(fields.ErrorDescription, fields.ErrorMessage, fields.Message)
	var object struct {
		Code    json.RawMessage `json:"code"`
		Message json.RawMessage `json:"message"`
	}
	switch {
	case isObject(fields.Error) && unmarshalTolerant(fields.Error, &object) == nil:
		code, description = text(object.Code), firstText(object.Message, fields.ErrorDescription, fields.Message)
	case strings.Contains(said, " ") || strings.EqualFold(said, http.StatusText(a.resp.StatusCode)):
		code, description = "", orElse(description, said) // a sentence, or NestJS's name of the status
	}
	code = orElse(code, text(fields.ErrorCode))
	if details := text(fields.Errors); details != "" {
		description = strings.TrimSpace(description + " " + details)
	}
	e := a.refuse(a.clean(description, maxDescription))
	e.Code = a.clean(code, maxCode)
	if code == "" && description == "" {
		e.Description = "the answer is JSON of no known error shape"
	} else if a.request.op == "refresh" && a.endsLogin(code) {
		e.next = ErrLoginRequired
	}
	return e
}

// endsLogin tells whether a refusal to refresh, in a shape we know, means that the refresh token is dead. A refusal of
// the client itself does not: it is for whoever runs the app to mend, and no user can.
func (a *tokenAnswer) endsLogin(code string) bool {
	switch a.resp.StatusCode {
	case http.StatusBadRequest, http.StatusUnauthorized:
		return code != "invalid_client" && code != "unauthorized_client"
	case http.StatusOK:
		return code == "invalid_grant"
	}
	return false
}

// refuse is the error of this answer, with reason as its description: our own words, or text that is scrubbed already.
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
	if a.secrets == nil {
		a.secrets = newScrubber(append([]string{a.AccessToken, a.RefreshToken}, a.request.secrets...)...)
	}
	return a.secrets.clean(text, most)
}

// quote shows a value of the answer in an error. It is scrubbed first: what is cut short is not found any more.
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

// text returns a string as it is, the strings of an array joined, and other JSON as it is written.
func text(raw json.RawMessage) string {
	var one string
	var many []string
	switch {
	case !isPresent(raw):
		return ""
	case json.Unmarshal(raw, &one) == nil:
		return one
	case json.Unmarshal(raw, &many) == nil:
		return strings.Join(many, "; ")
	}
	return string(raw)
}

func firstText(values ...json.RawMessage) string {
	for _, raw := range values {
		if s := text(raw); s != "" {
			return s
		}
	}
	return ""
}

func isObject(raw json.RawMessage) bool { return bytes.HasPrefix(raw, []byte("{")) }

// isPresent tells whether a member is there and says something: null, false, 0 and empty values do not.
func isPresent(raw json.RawMessage) bool {
	switch string(raw) {
	case "", "null", "false", "0", `""`, "{}", "[]":
		return false
	}
	return true
}
