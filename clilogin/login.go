package clilogin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csapi"
	"github.com/contentstack/csoauth/internal/turn"
	"github.com/contentstack/csoauth/internal/untrusted"
	"github.com/contentstack/csoauth/loopback"
)

// Login logs the user in, in the browser: another user, or one whose login has ended. auth are the
// options of this attempt; nil: those of Options.Loopback. If it fails, the login is as it was.
//
// Its errors are those of [loopback.Login], [ErrAnotherUser], and what cannot work: before a
// browser opens, Login tries the directory, the keyring and a connection to Contentstack.
func (s *Session) Login(ctx context.Context, auth *csoauth.AuthOptions) error {
	if err := s.logIn(ctx, auth, true); err != nil {
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
	scopes := s.config.Scopes
	if auth.Scopes != nil {
		scopes = auth.Scopes
	}
	if why := s.profile.lacks(scopes); why != "" {
		return fmt.Errorf("AuthOptions.Scopes: %s: the login would not fit the Config", why)
	}
	leave, err := s.takeTurn(ctx)
	if err != nil {
		return err
	}
	defer leave()
	if !asked {
		err := s.ready(ctx)
		if !errors.Is(err, csoauth.ErrLoginRequired) || s.profile.unwanted(ctx) != "" {
			return nil // it is there, or the Session's methods say why it is not
		}
	}
	a := attempt{Began: time.Now()}
	if err := s.profile.setAttempt(ctx, a); err != nil {
		return fmt.Errorf("the login could not be kept: %w", err)
	}
	place, key, err := s.profile.newKey(ctx)
	if err != nil {
		return err
	}
	if err := s.reach(ctx); err != nil {
		return err
	}
	token, err := s.askBrowser(ctx, auth)
	if err != nil {
		if errors.Is(err, loopback.ErrTimeout) || errors.Is(err, csoauth.ErrDenied) {
			a.Ended, a.Why = time.Now(), err.Error()
			err = errors.Join(err, s.profile.setAttempt(context.WithoutCancel(ctx), a))
		}
		return err
	}
	// From here on the token must not be lost because ctx ends.
	next := s.stateOf(context.WithoutCancel(ctx), token)
	next.Key, next.Scopes = place, scopes
	return s.keep(context.WithoutCancel(ctx), next, key, token, auth.OrganizationUID != "")
}

// stateOf describes the login of a token.
func (s *Session) stateOf(ctx context.Context, token *csoauth.Token) *state {
	next := &state{
		Region: s.config.Region.String(), AppUID: s.config.AppUID, ClientID: s.config.ClientID, RedirectURI: token.RedirectURI,
		Made: time.Now().UTC().Truncate(time.Second),
	}
	next.User, next.Organization = s.whoIs(ctx, token)
	next.Host, _ = os.Hostname()
	return next
}

// keep makes the token the profile's login, and tells the user whose it is. organizationAsked: the
// attempt was for this organization.
func (s *Session) keep(ctx context.Context, next *state, key []byte, token *csoauth.Token, organizationAsked bool) error {
	if last, _ := s.profile.state(ctx); last != nil && !s.o.Switch && last.Region == next.Region {
		if last.User.UID != next.User.UID || last.Organization.UID != next.Organization.UID && !organizationAsked {
			return fmt.Errorf("%w: the browser has logged in %v in %v, and the login here, which stays, is of %v in %v: "+
				"switch to that user and organization in Contentstack's web application, or open the address in a private window, and log in again; or accept the new one",
				ErrAnotherUser, next.User, next.Organization, last.User, last.Organization)
		}
	}
	if err := s.profile.put(ctx, next, key, token); err != nil {
		return fmt.Errorf("the login could not be kept: %w", err)
	}
	say(s.o.Loopback.Out, "Logged in as %v in %v.", next.User, next.Organization)
	_ = s.profile.remove(ctx, attemptName) // it ends by itself
	_ = s.profile.remove(ctx, doubtName)   // the next Open would ask once more
	return s.login.Put(ctx, token)         // for the Manager's memory; the store has it
}

// whoIs returns the token's user and organization, with their names if the scopes allow that.
func (s *Session) whoIs(ctx context.Context, token *csoauth.Token) (user, organization identity) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	user.UID, organization.UID = token.UserUID, token.OrganizationUID
	api := csapi.New(s.config, csapi.Static(token), nil)
	if said, err := api.User(ctx); err == nil {
		user.Name, user.Email = forTerminal(said.FirstName+" "+said.LastName), forTerminal(said.Email)
		for _, o := range said.Organizations {
			if o.UID == organization.UID {
				organization.Name = forTerminal(o.Name)
			}
		}
	}
	if organization.Name == "" {
		if said, err := api.Organization(ctx); err == nil {
			organization.Name = forTerminal(said.Name)
		}
	}
	return user, organization
}

// forTerminal makes a name safe to print.
func forTerminal(name string) string {
	return strings.TrimSpace(untrusted.Clean(name, 100, nil, nil))
}

func (s *Session) holder() turn.Holder {
	return turn.Holder{Program: s.o.Program, Profile: s.o.Profile, PID: os.Getpid(), Since: time.Now().Truncate(time.Second)}
}

// takeTurn waits until no other program logs in to this profile.
func (s *Session) takeTurn(ctx context.Context) (leave func(), err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, s.o.Loopback.Timeout, errWaited)
	defer cancel()
	return turn.New(s.profile.path, "login.lock").Take(ctx, s.holder(), s.sayWaiting)
}

var errWaited = fmt.Errorf("%w, for another program, which went on", loopback.ErrTimeout)

func (s *Session) sayWaiting(h turn.Holder) {
	say(s.o.Loopback.Out, "Waiting for %v, which is logging in.", h)
}

// askBrowser logs the user in at the first redirect URI that is free. One at which another program
// of ours logs in will be free again, and is waited for.
func (s *Session) askBrowser(ctx context.Context, auth *csoauth.AuthOptions) (*csoauth.Token, error) {
	o := *s.o.Loopback
	o.AuthOptions = auth
	if o.Manual {
		return loopback.Login(ctx, s.config, &o)
	}
	folder, err := turn.Folder()
	if err != nil {
		folder = s.profile.path
	}
	waiting, cancel := context.WithTimeoutCause(ctx, o.Timeout, errWaited)
	defer cancel()
	var told *turn.Holder
	for taken := map[string]error{}; ; {
		for _, uri := range s.o.Loopback.RedirectURIs {
			if taken[uri] != nil {
				continue
			}
			lock := turn.New(folder, lockOf(uri))
			before := lock.Holder()
			leave, ok, err := lock.Try(s.holder())
			if err != nil {
				return nil, fmt.Errorf("the lock of the redirect URI: %w", err)
			}
			if !ok {
				if h := lock.Holder(); told == nil || *told != h {
					told = &h
					s.sayWaiting(h)
				}
				continue
			}
			o.RedirectURIs = []string{uri}
			token, err := loopback.Login(ctx, s.config, &o)
			if before != (turn.Holder{}) { // it has died, and the system may still close what it had open
				for end := time.Now().Add(lastBreath); errors.Is(err, loopback.ErrPortInUse) && time.Now().Before(end); {
					time.Sleep(poll)
					token, err = loopback.Login(ctx, s.config, &o)
				}
			}
			leave()
			if !errors.Is(err, loopback.ErrPortInUse) {
				return token, err
			}
			taken[uri] = err
		}
		if len(taken) == len(s.o.Loopback.RedirectURIs) {
			return nil, joined(taken, s.o.Loopback.RedirectURIs)
		}
		select {
		case <-waiting.Done():
			return nil, context.Cause(waiting)
		case <-time.After(poll):
		}
	}
}

const (
	poll = 100 * time.Millisecond
	// lastBreath is how long a port may be in use after its holder has died.
	lastBreath = 2 * time.Second
)

// lockOf names the lock of a redirect URI. What is scarce is its port.
func lockOf(uri string) string {
	u, err := url.Parse(uri)
	if err != nil {
		return "port-none" // package loopback says what is wrong with it
	}
	return "port-" + cmp.Or(u.Port(), "80")
}

func joined(errs map[string]error, order []string) error {
	var all []error
	for _, uri := range order {
		all = append(all, errs[uri])
	}
	return errors.Join(all...)
}

func capital(text string) string { return strings.ToUpper(text[:1]) + text[1:] }
