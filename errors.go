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

// These errors say what to do next. Test for them with errors.Is. Most wrap further details, such
// as an [*Error].
var (
	// ErrState: the callback does not belong to this attempt, or is forged. Do not use its code.
	// Send the browser a plain page, and keep the user's attempts: the real callback may still
	// come.
	ErrState = errors.New("state does not match")
	// ErrAttemptExpired: the attempt is over, because it is too old or was exchanged before. Start
	// over with a new AuthRequest.
	ErrAttemptExpired = errors.New("attempt expired")
	// ErrDenied: the callback says access_denied. Offer to start over, but do not start over
	// unasked.
	ErrDenied = errors.New("access denied")
	// ErrLoginRequired: only a new login by the user helps.
	ErrLoginRequired = errors.New("login required")
	// ErrConfig: the app is set up wrongly, in this Config or in Contentstack. Tell the operator of
	// the app: the user cannot fix it, and another try does not help. The login is not lost.
	ErrConfig = errors.New("configuration error")
	// ErrNotSent: no part of a token request was sent. Either the input does not fit the Config, or
	// the token endpoint could not be reached. The code or refresh token is still unused. If an
	// error is neither ErrNotSent nor an [*Error], the code or refresh token may be spent.
	ErrNotSent = errors.New("nothing was sent")
)

// An Error is an error that Contentstack reported, in a callback or in a response of the token
// endpoint. Network failures and mistakes in the input have other types.
//
// errors.Is finds [ErrDenied], [ErrLoginRequired] or [ErrConfig] in an Error that means one of
// them. Only the exported fields decide that, so a test can make an Error by hand. For example,
// StatusCode 400 with Code "invalid_grant" ends a login.
//
// Its texts come from outside. They contain no control characters, and no secret that this module
// sent. Each has at most 512 bytes.
//
// errors.As also finds an [*oauth2.RetrieveError] in an Error of the token endpoint, for callers
// who handle that type. Its Body is empty, because a body could hold secrets.
type Error struct {
	Op         string // "authorize" (a callback), "exchange", "refresh" or "introspect"; empty counts as "refresh"
	StatusCode int    // HTTP status of the token endpoint; 0 for a callback
	// Code is the error code: one of RFC 6749, such as "invalid_grant", or a number of
	// Contentstack's Content Management API. Empty if the response has no code.
	Code        string
	Description string        // the response's own description; may be empty
	RetryAfter  time.Duration // how long the server asked to wait, at most 24 hours; 0 if it did not
	// Verdict says what the response of the token endpoint means. The whole response decides it.
	// Zero: StatusCode, Code and Description decide.
	Verdict Verdict
	// Token is set if the response to a refresh is an error, but contains a new refresh token. That
	// may be the only refresh token that still works. Token is the old Token with all usable parts
	// of the response. Store it in place of the old one.
	Token *Token `json:"-"`

	saidWhen bool        // the response had a Retry-After
	header   http.Header // of the response, cleaned, for the RetrieveError
}

// Error returns one line: the op, "login required" or "access denied" if the error means that, the
// status, the code, the description, and when to try again.
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

// Unwrap returns [ErrDenied], [ErrLoginRequired] or [ErrConfig] if the error means one of them, and
// nil otherwise.
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

// As lets errors.As find an [*oauth2.RetrieveError] with the same code and description.
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
