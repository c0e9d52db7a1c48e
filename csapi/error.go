package csapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/internal/untrusted"
)

// These errors say why an API refused a request. Test for them with errors.Is. The [*Error] has the
// details. If only a new login helps against a 401, the error is [csoauth.ErrLoginRequired].
var (
	// ErrNoUser: the token belongs to an app, not to a user.
	ErrNoUser = errors.New("the token has no user")
	// ErrForbidden: the user's role does not allow the request, the stack or organization is not
	// the token's, or the token lacks a scope. Neither a refresh nor another login helps.
	ErrForbidden = errors.New("forbidden")
	// ErrInsufficientScope: the token lacks a scope, so it is ErrForbidden as well. Add the scope
	// to the app in the Developer Hub, and have the user log in again.
	ErrInsufficientScope = errors.New("insufficient scope")
	// ErrRateLimited: there were too many requests. The Error's RetryAfter says how long to wait.
	ErrRateLimited = errors.New("rate limited")
	// ErrNotFound: the requested object does not exist, or this user may not see it.
	ErrNotFound = errors.New("not found")
	// ErrInvalid: the request is not valid. The Error's Fields say what is wrong with it.
	ErrInvalid = errors.New("invalid request")
)

// An Error is an error response of an API. Network failures have other types.
//
// Its texts come from outside. They contain neither the access token nor control characters. Each
// has at most 512 bytes.
type Error struct {
	Service    Service
	Method     string
	Path       string // without the query
	StatusCode int
	// Code is Contentstack's error_code, such as 105 or 316; 0 if the response has none.
	Code    int
	Message string
	// Fields say what is wrong with each field of the request. There are at most 20 fields with 5
	// texts each.
	Fields map[string][]string
	// RetryAfter is how long to wait before the next try, at most 24 hours; 0 if the response does
	// not say.
	RetryAfter time.Duration

	over error // of the Source, which says that only a new login helps; nil: it does not
}

// Error returns the request, the status, the message of the API, and how long to wait.
func (e *Error) Error() string {
	text := fmt.Sprintf("csapi: %s %s: %s", e.Method, e.Path, strings.TrimSpace(strconv.Itoa(e.StatusCode)+" "+http.StatusText(e.StatusCode)))
	if e.Code != 0 {
		text += fmt.Sprintf(" (error_code %d)", e.Code)
	}
	if e.Message != "" {
		text += ": " + e.Message
	}
	for _, name := range slices.Sorted(maps.Keys(e.Fields)) {
		text += "; " + name + " " + strings.Join(e.Fields[name], ", ")
	}
	if e.RetryAfter > 0 {
		text += fmt.Sprintf(" (try again in %v)", e.RetryAfter.Round(time.Second))
	}
	if e.over != nil {
		text += ": " + e.over.Error()
	}
	return text
}

// Is reports whether e means target, an error of this package or [csoauth.ErrLoginRequired].
// errors.Is calls it.
func (e *Error) Is(target error) bool {
	switch target {
	case ErrForbidden:
		return e.StatusCode == http.StatusForbidden
	case ErrInsufficientScope:
		return e.StatusCode == http.StatusForbidden && strings.Contains(strings.ToLower(e.Message), "insufficient scope")
	case ErrRateLimited:
		return e.StatusCode == http.StatusTooManyRequests
	case ErrNotFound:
		return e.StatusCode == http.StatusNotFound
	case ErrInvalid:
		return e.StatusCode == http.StatusBadRequest || e.StatusCode == http.StatusPreconditionFailed || e.StatusCode == http.StatusUnprocessableEntity
	case csoauth.ErrLoginRequired:
		return e.over != nil
	}
	return false
}

const (
	maxFields = 20
	maxTexts  = 5 // of a field

	maxError = 1 << 20 // bytes of a response that is an error
)

// errorJSON has the members by which Contentstack's services report failures: error_message,
// error_code and errors (Content Management), message as a string or an array, and error (Developer
// Hub), and errors as a list of objects (Launch).
type errorJSON struct {
	ErrorMessage json.RawMessage `json:"error_message"`
	ErrorCode    json.RawMessage `json:"error_code"`
	Errors       json.RawMessage `json:"errors"`
	Message      json.RawMessage `json:"message"`
	Error        json.RawMessage `json:"error"`
}

// read fills e from the response's body. accessToken is the secret that the body may repeat.
func (e *Error) read(contentType string, body []byte, accessToken string) {
	clean := func(text string, most int) string {
		return untrusted.Clean(text, most, []string{accessToken}, nil)
	}
	if len(body) > maxError {
		e.Message = fmt.Sprintf("the response is over %d bytes, too large for an error", maxError)
		return
	}
	var said errorJSON
	if !isObject(body) || json.Unmarshal(body, &said) != nil {
		e.Message = clean(whatInstead(contentType, body), untrusted.MaxDescription)
		return
	}
	e.Code = number(said.ErrorCode)
	message := firstText(said.ErrorMessage, said.Message)
	e.Fields = map[string][]string{}
	for name, texts := range fieldsOf(said.Errors) {
		if name = clean(name, untrusted.MaxCode); name == "" {
			if len(message) < untrusted.MaxDescription {
				message = strings.TrimSpace(strings.TrimSpace(message) + " " + strings.Join(texts, ", "))
			}
			continue
		}
		if len(e.Fields) == maxFields {
			break
		}
		for _, text := range texts[:min(len(texts), maxTexts-len(e.Fields[name]))] { // two names may look alike
			e.Fields[name] = append(e.Fields[name], clean(text, untrusted.MaxDescription))
		}
	}
	if message == "" {
		message = firstText(said.Error)
	}
	e.Message = clean(message, untrusted.MaxDescription)
	if len(e.Fields) == 0 {
		e.Fields = nil
	}
}

func isObject(body []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) }

// whatInstead says what a body is that is no JSON object.
func whatInstead(contentType string, body []byte) string {
	excerpt := string(body[:min(len(body), untrusted.MaxDescription)])
	media, _, _ := mime.ParseMediaType(contentType)
	switch {
	case len(bytes.TrimSpace(body)) == 0:
		return "the response is empty"
	case media == "text/html" || strings.HasPrefix(strings.TrimSpace(strings.ToLower(excerpt)), "<"):
		return "the response is a page, perhaps of a proxy: " + withoutTags(excerpt)
	}
	return "the response is no JSON object: " + excerpt
}

// withoutTags returns the text of a page, as far as a reader needs it.
func withoutTags(page string) string {
	var b strings.Builder
	inTag := false
	for _, r := range page {
		switch {
		case r == '<':
			inTag = true
			b.WriteByte(' ')
		case r == '>':
			inTag = false
		case !inTag:
			b.WriteRune(r)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// number reads a number, which may be a string.
func number(raw json.RawMessage) int {
	n, _ := strconv.Atoi(strings.Trim(string(raw), `" `))
	return n
}

// firstText returns the first of raws that has a text: a string, or an array of strings.
func firstText(raws ...json.RawMessage) string {
	for _, raw := range raws {
		if texts := textsOf(raw); len(texts) > 0 {
			return strings.Join(texts, ", ")
		}
	}
	return ""
}

// textsOf returns the texts of a string, of an array of strings, or of an array of objects with a
// code and a message.
func textsOf(raw json.RawMessage) (texts []string) {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		if one != "" {
			texts = append(texts, one)
		}
		return texts
	}
	var many []json.RawMessage
	if json.Unmarshal(raw, &many) != nil {
		return nil
	}
	for _, each := range many {
		var object struct{ Code, Message json.RawMessage }
		switch {
		case json.Unmarshal(each, &one) == nil && one != "":
			texts = append(texts, one)
		case json.Unmarshal(each, &object) == nil:
			if text := strings.TrimSpace(textOf(object.Code) + " " + textOf(object.Message)); text != "" {
				texts = append(texts, text)
			}
		}
	}
	return texts
}

// textOf returns a string, or "" for anything else.
func textOf(raw json.RawMessage) (text string) {
	_ = json.Unmarshal(raw, &text)
	return text
}

// fieldsOf returns what an errors member says of each field. Texts of no field are at "".
func fieldsOf(raw json.RawMessage) map[string][]string {
	fields := map[string][]string{}
	var object map[string]json.RawMessage
	if json.Unmarshal(raw, &object) != nil {
		if texts := textsOf(raw); len(texts) > 0 {
			fields[""] = texts
		}
		return fields
	}
	for name, value := range object {
		if texts := textsOf(value); len(texts) > 0 {
			fields[name] = texts
		}
	}
	return fields
}
