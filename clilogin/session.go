package clilogin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csapi"
	"github.com/contentstack/csoauth/loopback"
	"github.com/contentstack/csoauth/tokens"
)

// Test for these errors with errors.Is, and for those of packages csoauth and loopback.
var (
	// ErrKeyUnreachable: there is a login, but its key is in the keyring, and this program cannot
	// reach the keyring. The login stays as it is. Run the program where the user logged in.
	// [Session.Login] can still make a new login.
	ErrKeyUnreachable = errors.New("the key of the login is in the keyring, which cannot be reached from here: run this where you logged in, or log in anew")
	// ErrAnotherUser: the browser logged in another user than the profile's last login, or for
	// another organization. The last login stays.
	ErrAnotherUser = errors.New("another user or organization")

	errClosed = errors.New("clilogin: the Session is closed")
)

// A Session is the login of the program's user. It is safe for concurrent use. If there is no
// login, its methods return [csoauth.ErrLoginRequired].
type Session struct {
	config  *csoauth.Config
	o       Options
	profile *profile
	manager *tokens.Manager
	login   *tokens.Login
	api     *csapi.Client
	closed  *atomic.Bool
	failed  chan error // has room for why the latest refresh failed
}

// Open returns the session of the program's user. It uses the login of an earlier run, and
// refreshes its token if that is due. Otherwise it begins a login in the user's browser. Close the
// Session when you no longer need it.
//
// Open begins a login only if all of this is true:
//
//   - There is no login that works and fits the Config. A login fits if it has the same app and
//     region, one of the redirect URIs, and no fewer scopes.
//   - The program is in the foreground of a terminal.
//   - The user has not denied or abandoned a login in the last ten minutes.
//   - Options.NoLogin is not set.
//
// Otherwise it returns a Session. If no login works, the methods of that Session return the error.
// Open does the same if it cannot know, because the network or the keyring does not respond. Open
// itself returns an error in two cases. Either the Config (a [csoauth.ErrConfig]), the Options or a
// directory cannot work, or the login that it began fails.
func Open(ctx context.Context, c *csoauth.Config, o *Options) (*Session, error) {
	s, err := open(ctx, c, o)
	if err != nil {
		return nil, fmt.Errorf("clilogin: %w", err)
	}
	err = s.ready(ctx)
	if !errors.Is(err, csoauth.ErrLoginRequired) || s.o.NoLogin || !isForeground(s.o.Loopback.Out) || s.profile.unwanted(ctx) != "" {
		return s, nil
	}
	if why, ok := errors.AsType[*requiredError](err); ok && why.misfit != "" {
		say(s.o.Loopback.Out, "%s: log in again.", capital(why.misfit))
	}
	if err := s.logIn(ctx, nil, false); err != nil {
		return nil, errors.Join(fmt.Errorf("clilogin: %w", err), s.Close())
	}
	return s, nil
}

// open returns a Session, and changes nothing.
func open(ctx context.Context, c *csoauth.Config, o *Options) (*Session, error) {
	if c == nil {
		return nil, errors.New("the Config is missing")
	}
	full, err := o.fill()
	if err != nil {
		return nil, err
	}
	uris := full.Loopback.RedirectURIs
	if len(uris) == 0 {
		uris = []string{c.RedirectURI}
	} else if c.RedirectURI == "" {
		config := *c
		config.RedirectURI = uris[0]
		c = &config
	}
	if err := c.Validate(); err != nil {
		return nil, err
	}
	full.Loopback.RedirectURIs = uris
	if !full.NoLogin {
		if err := checkLogin(ctx, c, full.Loopback); err != nil {
			return nil, err
		}
	}
	path, err := full.profileDir(ctx)
	if err != nil {
		return nil, err
	}
	s := &Session{config: c, o: full, closed: new(atomic.Bool), failed: make(chan error, 1)}
	s.profile = &profile{
		path: path, dir: tokens.Dir(path), config: c, uris: uris, service: full.Program, name: full.Profile,
		requireKeyring: full.RequireKeyring, out: full.Loopback.Out,
	}
	if auth := full.Loopback.AuthOptions; auth != nil {
		s.profile.organization = auth.OrganizationUID
	}
	s.api = csapi.New(c, s, nil)
	return s, s.begin()
}

// checkLogin returns what cannot work in a login, before anything happens.
func checkLogin(ctx context.Context, c *csoauth.Config, o *loopback.Options) error {
	over, end := context.WithCancel(ctx)
	end()
	if _, err := loopback.Login(over, c, o); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// begin gives the Session a Manager that remembers nothing.
func (s *Session) begin() (err error) {
	s.manager, err = tokens.New(s.config, loginStore{s.profile}, &tokens.Options{
		WaitForRefresh: true, SoftWindow: s.o.MinValid, Hosts: s.o.Hosts, Logger: s.o.Logger, OnEvent: s.note,
	})
	if err == nil {
		s.login = s.manager.For(loginKey)
	}
	return err
}

// Format prints the Session under every verb, without secrets.
func (s Session) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "clilogin.Session") }

// note remembers why a refresh failed, for Invalidate.
func (s *Session) note(e tokens.Event) {
	if e.Type != tokens.EventRefreshFailed {
		return
	}
	select {
	case <-s.failed: // an earlier one
	default:
	}
	select {
	case s.failed <- e.Err:
	default:
	}
}

// noted is how long an event may come after the call that it is about.
const noted = time.Second

// whyNot returns why a refresh has just failed, if one has.
func (s *Session) whyNot(ctx context.Context) error {
	select {
	case err := <-s.failed:
		return err
	case <-time.After(noted):
	case <-ctx.Done():
	}
	return errors.New("it replaced another rejected token less than a minute ago")
}

// API returns a client that calls Contentstack's APIs as the user.
func (s *Session) API() *csapi.Client { return s.api }

// Tokens returns the login for code that needs another interface, such as an oauth2.TokenSource. Do
// not call its Put or Delete.
func (s *Session) Tokens() *tokens.Login { return s.login }

// Close waits for a running refresh, which may take half a minute. If it returns an error, the
// login may be lost.
func (s *Session) Close() error {
	s.closed.Store(true)
	if err := s.manager.Close(); err != nil {
		return fmt.Errorf("clilogin: %w", err)
	}
	return nil
}

// ready returns nil if there is a token that works, as far as that is known here.
func (s *Session) ready(ctx context.Context) error {
	// Ask the keyring now: it may need more time than a Manager gives a store.
	if now, err := readState(ctx, s.profile.dir); err == nil && now.Key.Place == inKeyring {
		if why, _ := s.profile.misfits(now); why == "" {
			if _, err := s.profile.keyOf(ctx, now); err != nil && !errors.Is(err, tokens.ErrUnreadable) {
				return err
			}
		}
	}
	if _, err := s.Token(ctx); err != nil || !s.profile.isInDoubt(ctx) {
		return err
	}
	_, err := s.api.User(ctx)
	if errors.Is(err, csoauth.ErrLoginRequired) {
		return s.explain(ctx, err)
	}
	if err == nil {
		_ = s.profile.remove(ctx, doubtName) // the next Open would ask once more
	}
	return nil
}

// A requiredError is a csoauth.ErrLoginRequired for the program's user to read.
type requiredError struct {
	misfit string // why a login that is there cannot be used; empty: there is none, or it is over
	text   string
	err    error
}

func (e *requiredError) Error() string   { return e.text }
func (e *requiredError) Unwrap() []error { return []error{csoauth.ErrLoginRequired, e.err} }

// explain says why there is no token, and what to do about that.
func (s *Session) explain(ctx context.Context, err error) error {
	if unreachable, ok := errors.AsType[*keyError](err); ok {
		return fmt.Errorf("clilogin: %w", unreachable)
	}
	if !errors.Is(err, csoauth.ErrLoginRequired) && !errors.Is(err, tokens.ErrUnreadable) {
		return err
	}
	e := &requiredError{err: err}
	now, stateErr := s.profile.state(ctx)
	if stateErr == nil {
		_, stateErr = s.profile.sealed(ctx, now)
	}
	why := "the login has ended: it was revoked, or not used for too long"
	switch wrong, isMisfit := errors.AsType[*misfit](stateErr); {
	case isMisfit:
		e.misfit = wrong.why
		why = e.misfit
	case errors.Is(stateErr, tokens.ErrNotFound):
		why = fmt.Sprintf("nobody is logged in to %s (profile %q)", s.o.Program, s.o.Profile)
	case errors.Is(err, tokens.ErrUnreadable):
		e.misfit = fmt.Sprintf("the login in %s cannot be read", s.profile.path)
		why = e.misfit
	case stateErr != nil:
		return stateErr
	}
	if unwanted := s.profile.unwanted(ctx); unwanted != "" && !s.o.NoLogin {
		why += "; " + unwanted
	}
	what := fmt.Sprintf("log in with %s at a terminal", s.o.Program)
	if s.o.LoginCommand != "" {
		what = fmt.Sprintf("run %q", s.o.LoginCommand)
	}
	e.text = fmt.Sprintf("clilogin: %v: %s: %s", csoauth.ErrLoginRequired, why, what)
	return e
}

// Token returns the login's token, and refreshes it if that is due: see Options. Do not store it:
// call Token each time. The error is csoauth.ErrLoginRequired if there is no login or it has ended.
// Its text says what to do.
func (s *Session) Token(ctx context.Context) (*csoauth.Token, error) {
	t, err := s.login.Token(ctx)
	if err != nil {
		return nil, s.explain(ctx, err)
	}
	return t, nil
}

// Invalidate reports that an API has rejected an access token, and gets another token. It is for
// callers who send the token themselves. After Invalidate, call Token again. The client that API
// returns does this by itself.
//
// Invalidate does nothing if accessToken is no longer the current one, so ten callers cause one
// refresh, even in ten processes. It returns an error if there is no other token now. The error is
// csoauth.ErrLoginRequired if only a new login helps. A token that replaced a rejected one is
// itself replaced a minute later at the earliest.
func (s *Session) Invalidate(ctx context.Context, accessToken string) error {
	before, err := s.login.Token(ctx)
	if err != nil {
		return s.explain(ctx, err)
	}
	if before.AccessToken != accessToken {
		return nil
	}
	if ago := s.profile.forcedAgo(ctx, accessToken); ago < forcedFor {
		return fmt.Errorf("clilogin: the rejected token replaced another rejected token %v ago, so the token may not be the cause: try again in %v",
			ago.Round(time.Second), (forcedFor - ago).Round(time.Second))
	}
	select {
	case <-s.failed: // of an earlier refresh
	default:
	}
	err = s.login.Invalidate(ctx, accessToken)
	if errors.Is(err, csoauth.ErrLoginRequired) {
		_ = s.profile.setDoubt(ctx) // if it cannot be written, the next Open does not know
	}
	if err != nil {
		return s.explain(ctx, err)
	}
	now, err := s.login.Token(ctx)
	switch {
	case err != nil:
		return s.explain(ctx, err)
	case now.AccessToken != accessToken:
		s.profile.setForced(ctx, now.AccessToken)
		return nil
	}
	return fmt.Errorf("clilogin: there is no other token to replace the rejected one: %w", s.whyNot(ctx))
}

// Logout ends the login everywhere. It revokes the user's authorization of the app in the
// organization. This also ends the user's logins on other machines, and those of the [Siblings].
// Then Logout removes this login and the Siblings from this machine. If the revocation fails, the
// login stays and the error says why. If there is no login, Logout does nothing.
//
// [Siblings]: https://pkg.go.dev/github.com/contentstack/csoauth/clilogin#Session.Siblings
func (s *Session) Logout(ctx context.Context) error {
	const byHand = "remove the app in Contentstack, under Authorized Apps, and forget the login here"
	stays := func(err error) error {
		return fmt.Errorf("clilogin: logout: the login stays here, because Contentstack may not have ended it: %w: try again, or %s", err, byHand)
	}
	now, err := s.profile.state(ctx)
	if err == nil {
		_, err = s.profile.sealed(ctx, now)
	}
	wrong, isMisfit := errors.AsType[*misfit](err)
	switch {
	case isMisfit && wrong.works:
	case isMisfit:
		return fmt.Errorf("clilogin: logout: the login cannot be revoked at Contentstack, because %s: %s", wrong.why, byHand)
	case errors.Is(err, tokens.ErrNotFound):
		return s.Forget(ctx)
	case err != nil:
		return stays(err)
	}
	wasInDoubt := s.profile.isInDoubt(ctx)
	if err := s.profile.setDoubt(ctx); err != nil { // the login would be over, and still here
		return fmt.Errorf("clilogin: logout: nothing was done, because the login cannot be removed here: %w", err)
	}
	siblings, _ := s.siblings(ctx)
	err = s.revoke(ctx, now)
	if err != nil && !wasInDoubt {
		_ = s.profile.remove(ctx, doubtName) // otherwise the next Open asks
	}
	switch {
	case errors.Is(err, tokens.ErrUnreadable):
		return fmt.Errorf("clilogin: logout: the login cannot be revoked at Contentstack, because the login cannot be read: %s", byHand)
	case err != nil:
		return stays(err)
	}
	for _, other := range siblings {
		s.forgetSibling(ctx, other)
	}
	return s.Forget(ctx)
}

// revoke revokes the login of a state, whether or not it fits the Config.
func (s *Session) revoke(ctx context.Context, now *state) error {
	sealed, err := s.profile.sealed(ctx, now)
	if err != nil {
		return err
	}
	manager, err := tokens.New(s.config, sealed, &tokens.Options{WaitForRefresh: true})
	if err != nil {
		return err
	}
	login := manager.For(tokenName + now.Slot)
	if _, err = login.Token(ctx); err == nil || errors.Is(err, csoauth.ErrLoginRequired) { // which Revoke takes for revoked
		err = csapi.New(s.config, login, nil).Revoke(ctx)
	}
	return errors.Join(err, manager.Close())
}

// Forget removes the login and its key from this machine. It needs neither the key nor
// Contentstack. At Contentstack, the user's authorization of the app stays. If another program has
// begun a login, Forget waits for it, because that login would otherwise be stored afterwards.
func (s *Session) Forget(ctx context.Context) error {
	if s.closed.Load() {
		return errClosed
	}
	err := s.profile.forgetInTurn(ctx, &s.o)
	if err == nil {
		err = s.login.Delete(ctx) // from memory
	}
	if err != nil {
		return fmt.Errorf("clilogin: forget: %w", err)
	}
	return nil
}

// Forget removes the login as [Session.Forget] does. It is for a program that has no Config, or one
// whose Config does not fit the login.
func Forget(ctx context.Context, o *Options) error {
	full, err := o.fill()
	if err != nil {
		return fmt.Errorf("clilogin: %w", err)
	}
	path, err := full.profileDir(ctx)
	if err != nil {
		return fmt.Errorf("clilogin: %w", err)
	}
	p := &profile{path: path, dir: tokens.Dir(path), name: full.Profile, out: full.Loopback.Out}
	if err := p.forgetInTurn(ctx, &full); err != nil {
		return fmt.Errorf("clilogin: forget: %w", err)
	}
	return nil
}

// A Status describes the state of the login.
type Status struct {
	// State says whether the login works. Err says why it does not work, or why that is not known.
	State State
	Err   error
	// Expires is when the access token expires. The Session refreshes it before. Zero: there is no
	// access token.
	Expires time.Time
	// Profile has the stored information about the login. Its Err is nil.
	Profile
}

// A State says whether a login works.
type State string

const (
	StateValid   State = "valid"
	StateOver    State = "over"      // the login has ended, or there is no login; only a new login helps
	StateUnknown State = "not known" // Contentstack, the keyring or the directory does not respond
)

// Status asks Contentstack whether the login works. It returns an error only if ctx ends.
// Everything else is in the Status.
func (s *Session) Status(ctx context.Context) (*Status, error) {
	status := &Status{Profile: s.Profile(ctx)}
	err := s.ready(ctx)
	if err == nil {
		if token, err := s.Token(ctx); err == nil {
			status.Expires = token.Expiry
		}
		_, err = s.api.User(ctx)
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("clilogin: status: %w", context.Cause(ctx))
	}
	switch {
	case err == nil, errors.Is(err, csapi.ErrForbidden), errors.Is(err, csapi.ErrNoUser): // the token works, and lacks a scope
		status.State = StateValid
	case errors.Is(err, csoauth.ErrLoginRequired):
		status.State, status.Err = StateOver, s.explain(ctx, err)
	default:
		status.State, status.Err = StateUnknown, err
	}
	return status, nil
}
