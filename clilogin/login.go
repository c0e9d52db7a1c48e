package clilogin

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csapi"
	"github.com/contentstack/csoauth/internal/turn"
	"github.com/contentstack/csoauth/internal/untrusted"
	"github.com/contentstack/csoauth/loopback"
	"github.com/contentstack/csoauth/tokens"
)

// Login logs the user in with the browser. It is for another user, or for a user whose login has
// ended. auth are the options of this attempt. Nil: those of Options.Loopback. If Login fails, the
// stored login does not change.
//
// It returns the errors of loopback.Login and [ErrAnotherUser]. Before it opens a browser, Login
// checks the directory, the keyring and a connection to Contentstack. It returns an error if one of
// them does not work.
func (s *Session) Login(ctx context.Context, auth *csoauth.AuthOptions) error {
	if s.closed.Load() {
		return errClosed
	}
	err := checkLogin(ctx, s.config, s.o.Loopback)
	if err == nil {
		err = s.logIn(ctx, auth, true)
	}
	if err != nil {
		return fmt.Errorf("clilogin: %w", err)
	}
	return nil
}

// logIn is Login. Unless the user has asked for this login, one that another program makes
// meanwhile will do.
func (s *Session) logIn(ctx context.Context, auth *csoauth.AuthOptions, asked bool) error {
	if auth == nil {
		auth = s.o.Loopback.AuthOptions
	}
	if auth == nil {
		auth = &csoauth.AuthOptions{}
	}
	next := &state{
		Region: s.config.Region.String(), AppUID: s.config.AppUID, ClientID: s.config.ClientID, Scopes: s.config.Scopes,
	}
	if auth.Scopes != nil {
		next.Scopes = auth.Scopes
	}
	if why := s.profile.lacks(next.Scopes); why != "" {
		return fmt.Errorf("AuthOptions.Scopes: %s: the login would not fit the Config", why)
	}
	leave, err := s.profile.takeTurn(ctx, &s.o)
	if err != nil {
		return err
	}
	defer leave()
	if !asked {
		// The Manager may remember the old login, so begin again with a new Manager. No one uses
		// this Session yet.
		if err := errors.Join(s.manager.Close(), s.begin()); err != nil {
			return err
		}
		err := s.ready(ctx)
		if !errors.Is(err, csoauth.ErrLoginRequired) || s.profile.unwanted(ctx) != "" {
			return nil // it is there, or the Session's methods say why it is not
		}
	}
	a := attempt{Began: time.Now(), Key: s.profile.attempt(ctx).Key}
	token, err := s.getToken(ctx, auth, next, &a, asked)
	if err == nil {
		err = s.checkUser(ctx, next, token, auth.OrganizationUID != "")
	}
	keeping, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepPatience) // the token must not be lost because ctx ends
	defer cancel()
	if isUnwanted(err) {
		a.Ended, a.Why = time.Now(), err.Error()
		err = errors.Join(err, s.profile.setAttempt(keeping, a))
	}
	if err != nil {
		return err
	}
	if err := s.profile.put(keeping, next, token); err != nil {
		return fmt.Errorf("the login could not be stored: %w", err)
	}
	_ = s.profile.remove(keeping, attemptName)          // it ends by itself
	_ = s.profile.remove(keeping, doubtName)            // the next Open would ask once more
	if err := s.login.Put(keeping, token); err != nil { // for the Manager's memory; the store has it
		return err
	}
	if s.profile.noKeyring != nil {
		say(s.o.Loopback.Out, "The keyring cannot be used, so the key of the login is in a file that only you\ncan read, in %s (%v).", s.profile.path, s.profile.noKeyring)
		s.profile.noKeyring = nil
	}
	leave() // the names may take a while
	s.name(ctx, next, token)
	_ = s.profile.setNames(keeping, next) // they are for Status alone
	say(s.o.Loopback.Out, "Logged in as %v in %v.", next.User, next.Organization)
	return nil
}

// keepPatience is how long a directory may take to keep a login.
const keepPatience = 30 * time.Second

// isUnwanted reports whether a login failed in a way that the next one would, too, and with another
// page in the user's browser.
func isUnwanted(err error) bool {
	for _, is := range []error{loopback.ErrTimeout, csoauth.ErrAttemptExpired, csoauth.ErrDenied, csoauth.ErrConfig, ErrAnotherUser} {
		if errors.Is(err, is) {
			return true
		}
	}
	_, isRefused := errors.AsType[*csoauth.Error](err)
	return isRefused
}

// getToken tries what a login needs, and logs the user in. It fills in what next and the attempt
// are to say of that.
func (s *Session) getToken(ctx context.Context, auth *csoauth.AuthOptions, next *state, a *attempt, asked bool) (*csoauth.Token, error) {
	if err := s.profile.setAttempt(ctx, *a); err != nil {
		return nil, fmt.Errorf("the login could not be stored: %w", err)
	}
	var err error
	if next.Key, err = s.profile.newKey(ctx, asked); err != nil {
		return nil, err
	}
	if next.Key.Place == inKeyring && next.Key != a.Key {
		a.Key = next.Key
		if err := s.profile.setAttempt(ctx, *a); err != nil {
			return nil, fmt.Errorf("the login could not be stored: %w", err)
		}
	}
	if err := s.reach(ctx); err != nil {
		return nil, err
	}
	o := *s.o.Loopback
	o.AuthOptions = auth
	token, err := loopback.Login(ctx, s.config, &o)
	if err != nil {
		return nil, err
	}
	next.Location, next.Server = token.Location, serverOf(s.config, token.Location)
	next.RedirectURI, next.Made = token.RedirectURI, time.Now().UTC().Truncate(time.Second)
	next.User.UID, next.Organization.UID = token.UserUID, token.OrganizationUID
	next.Host, _ = os.Hostname()
	return token, nil
}

// checkUser returns an error if the login has another user or organization than the last one, and
// no one asked for that.
func (s *Session) checkUser(ctx context.Context, next *state, token *csoauth.Token, organizationAsked bool) error {
	last, _ := s.profile.state(ctx)
	if last == nil || s.o.Switch || last.Region != next.Region {
		return nil
	}
	if last.User.UID == next.User.UID && (last.Organization.UID == next.Organization.UID || organizationAsked) {
		return nil
	}
	s.name(ctx, next, token)
	return fmt.Errorf("%w: the browser logged in %v in %v, but the login here is of %v in %v, and it stays: "+
		"switch to that user and organization in Contentstack's web application, or open the address in a private window, and log in again; or accept the new one",
		ErrAnotherUser, next.User, next.Organization, last.User, last.Organization)
}

// name fills in the names of the token's user and organization, if the scopes allow that.
func (s *Session) name(ctx context.Context, next *state, token *csoauth.Token) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	api := csapi.New(s.config, csapi.Static(token), nil)
	if said, err := api.User(ctx); err == nil {
		next.User.Name, next.User.Email = forTerminal(said.FirstName+" "+said.LastName), forTerminal(said.Email)
		for _, o := range said.Organizations {
			if o.UID == next.Organization.UID {
				next.Organization.Name = forTerminal(o.Name)
			}
		}
	}
	if next.Organization.Name == "" {
		if said, err := api.Organization(ctx); err == nil {
			next.Organization.Name = forTerminal(said.Name)
		}
	}
}

// forTerminal makes a name safe to print.
func forTerminal(name string) string {
	return strings.TrimSpace(untrusted.Clean(name, 100, nil, nil))
}

// holder names this program to others that wait for it.
func (o *Options) holder() turn.Holder {
	return turn.Holder{Program: o.Program, Profile: o.Profile, PID: os.Getpid(), Since: time.Now().Truncate(time.Second)}
}

// lockName is that of the file that a program locks while it logs in to a profile.
const lockName = "login.lock"

// takeTurn waits until no other program logs in to this profile.
func (p *profile) takeTurn(ctx context.Context, o *Options) (leave func(), err error) {
	// The directory has to be the user's own before anything is written there.
	if _, err := p.dir.Load(ctx, stateName); err != nil && !errors.Is(err, tokens.ErrNotFound) && !errors.Is(err, tokens.ErrUnreadable) {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, o.Loopback.Timeout, errWaited)
	defer cancel()
	return turn.New(p.path, lockName).Take(ctx, o.holder(), func(h turn.Holder) {
		say(p.out, "Waiting for %v, which is logging in.", h)
	})
}

var errWaited = fmt.Errorf("%w: another program was still logging in", loopback.ErrTimeout)

func capital(text string) string { return strings.ToUpper(text[:1]) + text[1:] }
