package csoauth

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"strings"
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

// failure returns the error of a whole JSON object that reports one. It returns nil if the object
// has none of the members that could.
func (r *tokenResponse) failure() *Error {
	var fields errorJSON
	_ = unmarshalTolerant(r.body, &fields) // the object was read before
	status := r.resp.StatusCode
	code, description := fields.read(status)
	if code == "" && description == "" {
		return nil
	}
	e := r.refuse(r.clean(description, maxDescription))
	e.Code = r.clean(code, maxCode)
	e.Verdict = judge(status, fields.texts(status)...)
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

// texts returns all that is said, as [judge] takes it: every string in the members, names of nested
// members included. The name of the status says nothing that the status does not: "Not Found" is
// about the URL.
func (f *errorJSON) texts(status int) (texts []string) {
	var collect func(value any)
	collect = func(value any) {
		switch v := value.(type) {
		case string:
			if !isStatusText(v, status) {
				texts = append(texts, v)
			}
		case []any:
			for _, element := range v {
				collect(element)
			}
		case map[string]any:
			for name, member := range v {
				texts = append(texts, name)
				collect(member)
			}
		}
	}
	for _, raw := range []json.RawMessage{f.Error, f.ErrorDescription, f.ErrorMessage, f.ErrorCode, f.Message, f.Errors} {
		var value any
		_ = json.Unmarshal(raw, &value) // a member that is absent says nothing
		collect(value)
	}
	return texts
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
