package emulator

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Unknowns are the questions about Contentstack's OAuth that no public document answers. A careful
// client works with every answer. The zero Unknowns are the answers that are hardest on a client,
// or else those of RFC 6749.
type Unknowns struct {
	// ErrorShape is the form in which the token endpoint refuses: "oauth" (RFC 6749), "nestjs"
	// (statusCode, message, error), "nestjs-array" (message is an array), "cma" (the Content
	// Management API's) or "html". Empty: "oauth".
	ErrorShape string `json:"error_shape,omitempty"`
	// DenialWithoutState leaves state out of the callback of a user who said no.
	DenialWithoutState bool `json:"denial_without_state,omitempty"`
	// RegionNames is by which name callbacks and token answers tell the region: "location",
	// "region", "both" or "neither". Empty: "location".
	RegionNames string `json:"region_names,omitempty"`
	// OldAccessTokenLives keeps an access token good after the refresh that replaced it.
	OldAccessTokenLives bool `json:"old_access_token_lives,omitempty"`
	// Reuse is what a refresh token does that was used before: "revoke" ends the login, "refuse"
	// does nothing else, "grace" works again within ReuseGrace and revokes later, "none" means that
	// refresh tokens do not rotate and work as often as they are used. Empty: "revoke".
	Reuse string `json:"reuse,omitempty"`
	// ReuseGrace is how long a used refresh token works again with "grace".
	ReuseGrace Duration `json:"reuse_grace,omitempty"`
	// Omit are members left out of token answers, such as "refresh_token", "expires_in" or
	// "token_type".
	Omit []string `json:"omit,omitempty"`
}

// The answers that there are, the default first.
var (
	errorShapes = []string{"oauth", "nestjs", "nestjs-array", "cma", "html"}
	regionNames = []string{"location", "region", "both", "neither"}
	reuses      = []string{"revoke", "refuse", "grace", "none"}
	omittable   = []string{
		"refresh_token", "token_type", "expires_in", "location", "region", "organization_uid", "user_uid",
		"authorization_type", "stack_api_key",
	}
)

// fill puts the defaults in, and returns an error if an answer is none.
func (u *Unknowns) fill() error {
	for _, question := range []struct {
		name    string
		answer  *string
		answers []string
	}{
		{"error shape", &u.ErrorShape, errorShapes},
		{"region names", &u.RegionNames, regionNames},
		{"reuse", &u.Reuse, reuses},
	} {
		if *question.answer == "" {
			*question.answer = question.answers[0]
		}
		if !slices.Contains(question.answers, *question.answer) {
			return fmt.Errorf("%s %q: want one of %s", question.name, *question.answer, strings.Join(question.answers, ", "))
		}
	}
	if (u.Reuse == "grace") != (u.ReuseGrace > 0) || u.ReuseGrace < 0 {
		return fmt.Errorf("reuse %q with a grace of %v: grace wants a time, and nothing else does", u.Reuse, time.Duration(u.ReuseGrace))
	}
	for _, name := range u.Omit {
		if !slices.Contains(omittable, name) {
			return fmt.Errorf("omit %q: want some of %s", name, strings.Join(omittable, ", "))
		}
	}
	return nil
}

// tellRegion puts the region into a callback or a token answer.
func (u *Unknowns) tellRegion(location string, set func(name, value string)) {
	if u.RegionNames == "location" || u.RegionNames == "both" {
		set("location", location)
	}
	if u.RegionNames == "region" || u.RegionNames == "both" {
		set("region", location)
	}
}

// refusal is the answer with which the token endpoint refuses.
func (u *Unknowns) refusal(no *refusal) (contentType string, body []byte) {
	switch u.ErrorShape {
	case "nestjs":
		return jsonAnswer(map[string]any{"statusCode": no.status, "message": no.description, "error": http.StatusText(no.status)})
	case "nestjs-array":
		return jsonAnswer(map[string]any{"statusCode": no.status, "message": []string{no.description}, "error": http.StatusText(no.status)})
	case "cma":
		return jsonAnswer(map[string]any{"error_message": no.description, "error_code": 105, "errors": map[string]any{}})
	case "html":
		page := "<!doctype html><title>Error</title><h1>" + html.EscapeString(no.description) + "</h1>"
		return "text/html; charset=utf-8", []byte(page)
	}
	return jsonAnswer(map[string]any{"error": no.code, "error_description": no.description})
}

// jsonAnswer returns the media type and the body of an answer whose members all marshal.
func jsonAnswer(members map[string]any) (contentType string, body []byte) {
	body, _ = json.Marshal(members)
	return "application/json; charset=utf-8", body
}

// A Duration is a time.Duration that is text in JSON, such as "90s".
type Duration time.Duration

// MarshalText writes a duration as time.Duration does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads what time.ParseDuration does.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = Duration(parsed)
	return err
}
