package csoauth

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// What to do next. Test for these with errors.Is; most come with more to read, such as an [*Error].
var (
	// ErrState: the callback does not belong to this attempt, or is forged. Do not use its code.
	// Send the browser a plain page, and leave the user's attempts where they are: the true
	// callback may still come.
	ErrState = errors.New("state does not match")
	// ErrAttemptExpired: the attempt is over, because it is too old or was exchanged before. Start
	// over with a new AuthRequest.
	ErrAttemptExpired = errors.New("attempt expired")
	// ErrDenied: the callback says access_denied. Offer to start over; do not do it unasked.
	ErrDenied = errors.New("access denied")
	// ErrLoginRequired: only a new login by the user helps.
	ErrLoginRequired = errors.New("login required")
	// ErrConfig: the app is set up wrongly, in this Config or in Contentstack. Tell the operator of
	// the app; neither the user nor another try helps. The login is not lost.
	ErrConfig = errors.New("configuration error")
	// ErrNotSent: no part of a token request was sent, because input and Config do not fit or the
	// token endpoint could not be reached. The code or refresh token is as good as before. Without
	// ErrNotSent, and without an [*Error], it may be spent.
	ErrNotSent = errors.New("nothing was sent")
)

// An Error is what Contentstack said: in a callback, or as a response of the token endpoint.
// Network failures and mistakes in the input are other errors.
//
// errors.Is finds [ErrDenied], [ErrLoginRequired] or [ErrConfig] in it if that is what it means.
// The exported fields decide, so a test can make an Error by hand: a StatusCode of 400 with the
// Code "invalid_grant" is the end of a login.
//
// Its texts come from outside. They contain no secret that this module sent and no control
// characters, and have at most 512 bytes.
//
// errors.As also finds an [*oauth2.RetrieveError] in an Error of the token endpoint, for callers
// who know that type. It has no Body, which could hold secrets.
type Error struct {
	Op         string // "authorize" (a callback), "exchange", "refresh" or "introspect"; empty counts as "refresh"
	StatusCode int    // HTTP status of the token endpoint; 0 for a callback
	// Code is the error code: RFC 6749's, such as "invalid_grant", or the number that
	// Contentstack's Content Management API uses. Empty if the response named none.
	Code        string
	Description string        // what was said about it; may be empty
	RetryAfter  time.Duration // how long the server asked to wait, at most 24 hours; 0 if it did not
	// Verdict is what a response of the token endpoint means, decided from all that it said. Zero:
	// StatusCode, Code and Description decide.
	Verdict Verdict
	// Token is set if the response to a refresh was refused although it has a new refresh token,
	// which may be the only one that still works. It is the old Token with all usable parts of the
	// response. Store it in place of the old one.
	Token *Token `json:"-"`

	saidWhen bool        // the response had a Retry-After
	header   http.Header // of the response, cleaned, for the RetrieveError
}

// Error returns the op, "login required" or "access denied" if that is what it means, the status,
// the code, the description, and when the server wants to be asked again.
func (e *Error) Error() string {
	parts := []string{"csoauth"}
	if e.Op != "" {
		parts = append(parts, e.Op)
	}
	if next := e.Unwrap(); next != nil && next != ErrConfig { // the texts say what is wrong
		parts = append(parts, next.Error())
	}
	if e.StatusCode != 0 && e.StatusCode != http.StatusOK {
		parts = append(parts, statusText(e.StatusCode))
	}
	if e.Code != "" {
		parts = append(parts, e.Code)
	}
	if e.Description != "" {
		parts = append(parts, e.Description)
	}
	if e.RetryAfter > 0 {
		parts = append(parts, "retry after "+e.RetryAfter.Round(time.Second).String())
	}
	return strings.Join(parts, ": ")
}

// Unwrap returns [ErrDenied], [ErrLoginRequired] or [ErrConfig] if that is what to do next.
func (e *Error) Unwrap() error {
	if e.Op == "authorize" {
		if e.Code == "access_denied" {
			return ErrDenied
		}
		return nil
	}
	switch e.verdict() {
	case VerdictLoginOver:
		if e.Op == "refresh" || e.Op == "" { // an exchange has no login to lose
			return ErrLoginRequired
		}
	case VerdictOperator:
		return ErrConfig
	}
	return nil
}

func (e *Error) verdict() Verdict {
	if e.Verdict != VerdictNone {
		return e.Verdict
	}
	return judge(e.StatusCode, e.Code, e.Description)
}

// As gives errors.As an [*oauth2.RetrieveError] with the same code and description.
func (e *Error) As(target any) bool {
	retrieve, ok := target.(**oauth2.RetrieveError)
	if !ok || e.StatusCode == 0 {
		return false
	}
	*retrieve = &oauth2.RetrieveError{
		Response: &http.Response{
			Status:     statusText(e.StatusCode),
			StatusCode: e.StatusCode,
			Header:     e.header.Clone(),
			Body:       http.NoBody,
		},
		ErrorCode:        e.Code,
		ErrorDescription: e.Description,
	}
	return true
}

// inputError is a mistake of the caller's or of the browser's, found before anything was sent.
func inputError(op, format string, args ...any) error {
	return fmt.Errorf("csoauth: %s: %w", op, fmt.Errorf(format, args...))
}

// configError is a mistake of the operator's, found before anything was sent.
func configError(op string, err error) error {
	return markedError{inputError(op, "%w", err), []error{ErrConfig, ErrNotSent}}
}

// notSent marks an error that came before anything was sent.
func notSent(err error) error { return markedError{err, []error{ErrNotSent}} }

// A markedError is sentinels besides the error that it reads like.
type markedError struct {
	error
	sentinels []error
}

func (e markedError) Is(target error) bool { return slices.Contains(e.sentinels, target) }
func (e markedError) Unwrap() error        { return e.error }

// A transportError is a failure on the way to the token endpoint or back. Its text is clean,
// because a RoundTripper may repeat what it was given. errors.Is and errors.As find the cause;
// printing the error, or unwrapping it link by link as error reporters do, does not.
type transportError struct {
	text    string
	cause   func() error // a func, so that %+v does not print it
	notSent bool
	again   bool // another try may help
}

func (e *transportError) Error() string { return e.text }
func (e *transportError) Is(target error) bool {
	return target == ErrNotSent && e.notSent || errors.Is(e.cause(), target)
}
func (e *transportError) As(target any) bool { return errors.As(e.cause(), target) }
