package csoauth

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
)

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
	code, description := fields.read(a.resp.StatusCode)
	e := a.refuse(a.clean(description, maxDescription))
	e.Code = a.clean(code, maxCode)
	if code == "" && description == "" {
		e.Description = "the answer is JSON of no known error shape"
	} else if a.request.op == "refresh" && endsLogin(a.resp.StatusCode, code, description) {
		e.next = ErrLoginRequired
	}
	return e
}

// read returns the error code, if there is one, and what else is said.
func (f *errorJSON) read(status int) (code, description string) {
	said := text(f.Error)
	code, description = said, firstText(f.ErrorDescription, f.ErrorMessage, f.Message)
	var object struct {
		Code    json.RawMessage `json:"code"`
		Message json.RawMessage `json:"message"`
	}
	switch {
	case bytes.HasPrefix(f.Error, []byte("{")) && unmarshalTolerant(f.Error, &object) == nil:
		code, description = text(object.Code), firstText(object.Message, f.ErrorDescription, f.Message)
	case strings.Contains(said, " ") || strings.EqualFold(said, http.StatusText(status)):
		code, description = "", orElse(description, said) // a sentence, or NestJS's name of the status
	}
	if details := text(f.Errors); details != "" {
		description = strings.TrimSpace(description + " " + details)
	}
	return orElse(code, text(f.ErrorCode)), description
}

// endsLogin tells whether a refusal to refresh, in a shape we know, means that the refresh token is dead. A refusal of
// the client itself does not: it is for whoever runs the app to mend, and no user can.
func endsLogin(status int, code, description string) bool {
	switch {
	case status == http.StatusBadRequest || status == http.StatusUnauthorized:
		said := strings.ToLower(code + " " + description)
		return !strings.Contains(said, "invalid_client") && !strings.Contains(said, "unauthorized_client")
	case status >= 200 && status <= 299:
		return strings.EqualFold(code, "invalid_grant")
	}
	return false
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

// isPresent tells whether a member is there and says something: null, false, 0 and empty values do not.
func isPresent(raw json.RawMessage) bool {
	switch strings.Join(strings.Fields(string(raw)), "") {
	case "", "null", "false", "0", `""`, "{}", "[]":
		return false
	}
	return true
}
