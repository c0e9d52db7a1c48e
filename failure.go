package csoauth

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/contentstack/csoauth/internal/untrusted"
)

// errorJSON has the members that report a failure. It is not public which of them Contentstack's
// token endpoint uses, so all that its documents and clients show are read: RFC 6749's, NestJS's
// (statusCode, message as a string or an array, error as the status text), an error that is an
// object, and the Content Management API's.
type errorJSON struct {
	Error            json.RawMessage `json:"error"`
	ErrorDescription json.RawMessage `json:"error_description"`
	ErrorMessage     json.RawMessage `json:"error_message"`
	ErrorCode        json.RawMessage `json:"error_code"`
	Message          json.RawMessage `json:"message"`
	Errors           json.RawMessage `json:"errors"`
}

// failure returns the error that a complete JSON object reports. It returns nil if the object has
// no member that can report an error.
func (r *tokenResponse) failure() *Error {
	var fields errorJSON
	_ = unmarshalTolerant(r.body, &fields) // the object was read before
	status := r.resp.StatusCode
	code, description := fields.read(status)
	if code == "" && description == "" {
		return nil
	}
	e := r.refuse(r.clean(description, untrusted.MaxDescription))
	e.Code = r.clean(code, untrusted.MaxCode)
	if r.clean(code+description, untrusted.MaxDescription) == untrusted.Withheld { // a secret in two halves
		e.Description = untrusted.Withheld
	}
	e.Verdict = judge(status, textsOf(r.body)...)
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
	case strings.Contains(said, " ") || isStatusText(said, status):
		code, description = "", cmp.Or(description, said) // a sentence, or NestJS's name of the status
	}
	if details := text(f.Errors); details != "" {
		description = strings.TrimSpace(description + " " + details)
	}
	return cmp.Or(code, text(f.ErrorCode)), description
}

// textsOf returns every text of a failure, as [judge] takes them: the strings in the known members.
// Below "errors" each has the names of the members that it stands under, as in
// {"errors":{"client_id":["is invalid"]}}. A member that comes twice counts twice. The name of a
// status says nothing that the status does not: "Not Found" is about the URL.
func textsOf(body []byte) (texts []string) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	var collect func(names string, withNames bool)
	collect = func(names string, withNames bool) {
		token, _ := decoder.Token() // the body was read before
		switch t := token.(type) {
		case string:
			if !isStatusName(t) {
				texts = append(texts, names+t)
			}
		case json.Delim: // { or [
			for decoder.More() {
				below := names
				if t == '{' {
					name, _ := decoder.Token()
					if withNames {
						below += fmt.Sprint(name, " ")
					}
				}
				collect(below, withNames)
			}
			_, _ = decoder.Token() // } or ]
		}
	}
	_, _ = decoder.Token() // {
	for decoder.More() {
		name, _ := decoder.Token()
		switch member := strings.ToLower(fmt.Sprint(name)); member {
		case "error", "error_description", "error_message", "error_code", "message", "errors":
			collect("", member == "errors")
		default:
			var other json.RawMessage
			_ = decoder.Decode(&other)
		}
	}
	return texts
}

// isStatusName reports whether text is the name of an HTTP error status.
func isStatusName(text string) bool {
	for status := http.StatusBadRequest; status < 600; status++ {
		if isStatusText(text, status) {
			return true
		}
	}
	return false
}

func isStatusText(s string, status int) bool {
	return s != "" && strings.EqualFold(s, http.StatusText(status))
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

// isPresent reports whether a member is there and says something: null, false, 0 and empty values
// do not.
func isPresent(raw json.RawMessage) bool {
	if raw == nil {
		return false
	}
	switch string(bytes.Join(bytes.Fields(raw), nil)) {
	case "null", "false", "0", `""`, "{}", "[]":
		return false
	}
	return true
}
