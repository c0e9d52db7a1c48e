package probe

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/contentstack/csoauth"
)

// Bounds of what is shown of a body.
const (
	maxDepth    = 8
	maxMembers  = 60
	maxElements = 3
	maxShown    = 6 << 10 // bytes
)

// body returns the content of a response as far as it may be shown.
func (m *marks) body(media string, content []byte) string {
	content = bytes.TrimSpace(content)
	if len(content) == 0 {
		return "(no body)"
	}
	d := json.NewDecoder(bytes.NewReader(content))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	if err == nil && d.More() {
		return fmt.Sprintf("(more than one JSON value, %d bytes)", len(content))
	}
	if err != nil {
		what := "text"
		if strings.Contains(media, "html") {
			what = "page"
		}
		return fmt.Sprintf("(a %s of %d bytes) %s", what, len(content), m.text(stripTags(string(content[:min(len(content), 4*maxText)]))))
	}
	shown := m.value("", v, 0, false)
	if len(shown) > maxShown {
		shown = strings.ToValidUTF8(shown[:maxShown], "") + " …"
	}
	return shown
}

var tags = regexp.MustCompile(`(?s)<(script|style).*?</(script|style)>|<[^>]*>`)

func stripTags(page string) string { return tags.ReplaceAllString(page, " ") }

// learn gives marks to the names and addresses in the body of a response. A report is written when
// all of them are known, because a text may repeat a name that comes later.
func (m *marks) learn(content []byte) {
	var v any
	if json.Unmarshal(content, &v) == nil {
		m.learnNames("", v, 0)
	}
}

func (m *marks) learnNames(name string, v any, depth int) {
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if depth < 4*maxDepth && key != "errors" { // whose texts are shown as far as they are harmless
				m.learnNames(key, v[key], depth+1)
			}
		}
	case []any:
		for _, element := range v {
			if depth < 4*maxDepth {
				m.learnNames(name, element, depth+1)
			}
		}
	case string:
		if kind := kindOf(name, v); (kind == "name" || kind == "email") && !isText(name) && len(m.of) < maxMarks {
			m.mark(kind, v)
		}
	}
}

// maxMarks is how many names get a mark.
const maxMarks = 20_000

// value returns a value of JSON. name is the member that holds it. inText: it is part of what an
// error says.
func (m *marks) value(name string, v any, depth int, inText bool) string {
	if depth > maxDepth {
		return "…"
	}
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return fmt.Sprint(v)
	case json.Number:
		return m.number(name, v.String())
	case string:
		return `"` + m.string(name, v, inText) + `"`
	case []any:
		var parts []string
		for i, element := range v {
			if i == maxElements {
				parts = append(parts, "… more")
				break
			}
			parts = append(parts, m.value(name, element, depth+1, inText))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case map[string]any:
		var parts []string
		for i, key := range slices.Sorted(maps.Keys(v)) {
			if i == maxMembers {
				parts = append(parts, "… more")
				break
			}
			parts = append(parts, fmt.Sprintf("%q: %s", m.member(key), m.value(key, v[key], depth+1, inText || key == "errors")))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return "…"
}

// member returns the name of a member. It gets a mark if it may be the name of a person or a thing.
func (m *marks) member(name string) string {
	if slices.Contains(known, name) || slices.Contains(texts, name) || slices.Contains(secretNames, name) {
		return name
	}
	if m.of[name] == "" && len(name) <= 40 && m.isHarmless(name) && words.FindString(name) == name {
		return name
	}
	return m.mark("member", name)
}

// plainNumbers are the members whose numbers tell nothing about anyone.
var plainNumbers = map[string]int{"expires_in": 6, "statusCode": 3, "status": 3, "error_code": 4, "code": 4, "skip": 4, "limit": 4} // digits at most

func (m *marks) number(name, text string) string {
	if len(text) <= plainNumbers[name] {
		return text
	}
	return m.mark("number", text)
}

// texts are the members in which a service says something in words.
var texts = []string{"message", "error_message", "error_description", "error", "detail", "description"}

func isText(name string) bool { return slices.Contains(texts, name) }

func (m *marks) string(name, value string, inText bool) string {
	switch {
	case value == "":
		return ""
	case isPlain(name, value) && m.of[value] == "":
		return value
	case isText(name) || inText:
		return strings.ReplaceAll(m.text(value), `"`, "'")
	}
	if strings.HasPrefix(name, "scope") {
		var all []string
		for one := range strings.FieldsSeq(value) {
			if isScope(one) {
				all = append(all, one)
			} else {
				all = append(all, m.mark("scope", one))
			}
		}
		return strings.Join(all, " ")
	}
	return m.mark(kindOf(name, value), value)
}

var scope = regexp.MustCompile(`^[a-z][a-z.-]{0,60}:[a-z]{1,20}$`)

// isScope reports whether a text is a scope whose words are all known.
func isScope(text string) bool { return scope.MatchString(text) && isOfHarmlessWords(text) }

// isPlain reports whether a member has one of the few values that are shown.
func isPlain(name, value string) bool {
	switch name {
	case "token_type":
		return strings.EqualFold(value, "bearer")
	case "authorization_type":
		return value == "user" || value == "app"
	case "location", "region":
		_, err := csoauth.ParseRegion(value)
		return err == nil
	case "scope", "scopes", "user", "app":
		return isScope(value)
	}
	return false
}

var (
	secretNames = []string{
		"access_token", "refresh_token", "id_token", "token", "code", "code_verifier", "code_challenge", "client_secret", "state",
		"authtoken", "authy_id", "api_key", "master_key", "stack_api_key", "password", "nonce",
	}
	personNames = []string{"name", "first_name", "last_name", "username", "company", "given_name", "family_name", "nickname"}
	identifier  = regexp.MustCompile(`^(blt|cs)[0-9a-f]{16}$|^[0-9a-f]{24,}$|^[0-9a-f-]{36}$`)
)

// kindOf names what a value is, for its mark.
func kindOf(name, value string) string {
	switch {
	case slices.Contains(secretNames, name):
		return "secret"
	case strings.Contains(value, "@"):
		return "email"
	case name == "uid" || strings.HasSuffix(name, "_uid") || strings.HasSuffix(name, "uids") || identifier.MatchString(value):
		return "uid"
	case slices.Contains(personNames, name):
		return "name"
	case strings.HasPrefix(value, "http://") || strings.HasPrefix(value, "https://"):
		return "url"
	}
	if _, err := time.Parse(time.RFC3339, value); err == nil {
		return "time"
	}
	return "text"
}

// plainParams are the parameters of requests and callbacks whose values are shown as they are, if
// the probe made them or they are one of the few known ones.
var plainParams = []string{
	"grant_type", "response_type", "code_challenge_method", "token_type_hint", "limit", "skip", "order", "sort", "include_count",
}

// params returns the parameters of a request or a callback, one a line, in the order of their
// names. own: the probe has made them.
func (m *marks) params(q url.Values, own bool) string {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(q)) {
		for _, value := range q[name] {
			switch {
			case own && slices.Contains(plainParams, name):
			case name == "redirect_uri" || name == "client_id":
				value = m.mark(name, value)
			default:
				value = m.string(name, value, false)
			}
			lines = append(lines, "  "+m.member(name)+"="+value)
		}
	}
	return strings.Join(lines, "\n")
}

// medias are the media types that are shown.
var medias = []string{"application/json", "application/x-www-form-urlencoded", "application/problem+json", "application/xml", "text/html", "text/plain", "text/xml"}

// headers returns the headers of a response that say something about it.
func (m *marks) headers(h http.Header) string {
	var lines []string
	show := func(name, value string) {
		if value != "" {
			lines = append(lines, name+": "+value)
		}
	}
	media, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	if media = strings.TrimSpace(media); slices.Contains(medias, media) || media == "" {
		show("Content-Type", media)
	} else {
		show("Content-Type", m.mark("text", media))
	}
	for _, name := range []string{"Retry-After", "X-Ratelimit-Limit", "X-Ratelimit-Remaining"} {
		if small.MatchString(h.Get(name)) {
			show(name, h.Get(name))
		}
	}
	for _, name := range []string{"Access-Control-Allow-Origin", "Access-Control-Allow-Methods", "Access-Control-Allow-Headers", "Access-Control-Allow-Credentials", "Www-Authenticate", "Cache-Control"} {
		value := h.Get(name)
		if value == origin {
			show(name, "the origin of the request")
			continue
		}
		show(name, m.text(value))
	}
	return strings.Join(lines, "\n")
}
