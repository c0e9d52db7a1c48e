package csoauth

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// What to do next. Test for these with errors.Is; most come together with more to read, such as an [*Error].
var (
	// ErrState: the callback does not belong to this attempt, or is forged. Do not use its code. Answer the browser
	// plainly, and leave the user's attempts where they are: the true callback may still come.
	ErrState = errors.New("state does not match")
	// ErrAttemptExpired: the attempt is over, because it is too old or was exchanged before. Start over with a new
	// AuthRequest.
	ErrAttemptExpired = errors.New("attempt expired")
	// ErrDenied: the callback says access_denied. Offer to start over; do not do it unasked.
	ErrDenied = errors.New("access denied")
	// ErrLoginRequired: nothing but a new login by the user helps.
	ErrLoginRequired = errors.New("login required")
	// ErrNotSent: a refresh failed before anything was sent, because input and Config do not fit or nobody could be
	// reached. The refresh token is as good as before. Without it, and without an [*Error], nobody knows that.
	ErrNotSent = errors.New("nothing was sent")
)

// An Error is what Contentstack said: in a callback, or as the answer of the token endpoint. Failures of the way
// there (no connection, a deadline) and of the input are other errors.
//
// Its texts come from outside. They hold no secret that this module sent, no control characters, and at most 512 bytes.
//
// errors.As also finds an [*oauth2.RetrieveError] in an Error of the token endpoint, for callers who know that one.
// It has no Body, which could hold secrets.
type Error struct {
	Op         string // "authorize" (a callback), "exchange" or "refresh"
	StatusCode int    // HTTP status of the token endpoint; 0 for a callback
	// Code is the error code: RFC 6749's, such as "invalid_grant", or the number of the Content Management API's shape.
	// Empty if the answer named none.
	Code        string
	Description string        // what was said about it; may be empty
	RetryAfter  time.Duration // how long to wait before another refresh, or another login; 0 if the answer did not say
	// Token is set if a refresh answer had to be refused but held a new refresh token, which may be the only one that
	// still works: the old Token with what the answer brought that can be used. Keep it in place of the old one.
	Token *Token

	next     error       // the sentinel that says what to do, or nil
	saidWhen bool        // the answer had a Retry-After
	header   http.Header // of the answer, scrubbed, for the RetrieveError
}

// Error returns the op, what to do if that is known, the status, the code and the description.
func (e *Error) Error() string {
	parts := []string{"csoauth", e.Op}
	if e.next != nil {
		parts = append(parts, e.next.Error())
	}
	if e.StatusCode != 0 && e.StatusCode != http.StatusOK {
		parts = append(parts, strings.TrimSpace(strconv.Itoa(e.StatusCode)+" "+http.StatusText(e.StatusCode)))
	}
	if e.Code != "" {
		parts = append(parts, e.Code)
	}
	if e.Description != "" {
		parts = append(parts, e.Description)
	}
	return strings.Join(parts, ": ")
}

// Unwrap returns [ErrDenied] or [ErrLoginRequired] if that is what to do next.
func (e *Error) Unwrap() error { return e.next }

// As gives errors.As an [*oauth2.RetrieveError] with the same code and description.
func (e *Error) As(target any) bool {
	retrieve, ok := target.(**oauth2.RetrieveError)
	if !ok || e.StatusCode == 0 {
		return false
	}
	*retrieve = &oauth2.RetrieveError{
		Response: &http.Response{
			Status:     strconv.Itoa(e.StatusCode) + " " + http.StatusText(e.StatusCode),
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

// A notSentError is an [ErrNotSent] that reads like the error in it.
type notSentError struct{ error }

func (e notSentError) Is(target error) bool { return target == ErrNotSent }
func (e notSentError) Unwrap() error        { return e.error }

// A transportError is a failure on the way to the token endpoint or back. Its text is clean, because a RoundTripper may
// repeat what it was given. errors.Is and errors.As find the cause; printing the error, or unwrapping it link by link as
// error reporters do, does not.
type transportError struct {
	text  string
	cause func() error
}

func (e *transportError) Error() string { return e.text }
func (e *transportError) Is(target error) bool {
	return errors.Is(e.cause(), target) || target == ErrNotSent && neverConnected(e.cause())
}
func (e *transportError) As(target any) bool { return errors.As(e.cause(), target) }
