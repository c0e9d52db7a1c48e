package clilogin

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

// A profile is the directory of one login. It is a tokens.Dir with these values:
//
//	login              a state, in the clear: which slot has the login, and where its key is
//	attempt            an attempt, in the clear: the latest login that was begun
//	doubt              if it is there, an API and the token endpoint say that the login is over
//	forced             the access token that came in place of a rejected one, by its hash
//	token a, token b   the slots: what a Manager keeps, sealed
//	key a, key b       the slots' keys in hexadecimal, if they are not in the keyring
//
// A new login goes into the slot that is not in use. Then the state is swapped, which makes it the
// login, and the other slot is emptied. So a program that dies at any moment leaves one whole
// login.
type profile struct {
	path           string
	dir            tokens.Dir
	config         *csoauth.Config
	uris           []string // redirect URIs that the login may have
	service        string   // the program's name in the keyring
	name           string
	requireKeyring bool
	organization   string // that the Options ask for; empty: any
	out            io.Writer

	mu  sync.Mutex
	key map[string][]byte // the keys that this process has had, by their fingerprints

	noKeyring error // why the latest new key is not in the keyring; used by one login at a time
}

const (
	stateName   = "login"
	attemptName = "attempt"
	doubtName   = "doubt"
	forcedName  = "forced"
	tokenName   = "token "
	keyName     = "key "
)

// A state says which login counts.
type state struct {
	Version int      `json:"version"`
	Slot    string   `json:"slot"` // "a" or "b"
	Key     keyPlace `json:"key"`

	// What was asked for.
	Server      string   `json:"server"` // the base of the token endpoint
	Region      string   `json:"region"` // of the Config
	AppUID      string   `json:"app_uid"`
	ClientID    string   `json:"client_id"`
	RedirectURI string   `json:"redirect_uri"`
	Scopes      []string `json:"scopes"` // null: those of the app

	// What came of it.
	User         identity  `json:"user"`
	Organization identity  `json:"organization"`
	Location     string    `json:"location,omitempty"` // the token's
	Made         time.Time `json:"made"`
	Host         string    `json:"host"`

	text []byte // as it was stored
}

const stateVersion = 1

// An identity is a user or an organization.
type identity struct {
	UID   string `json:"uid"`
	Name  string `json:"name,omitempty"`
	Email string `json:"email,omitempty"`
}

func (i identity) String() string {
	switch {
	case i.Name != "" && i.Email != "":
		return i.Name + " (" + i.Email + ")"
	case i.Name != "" || i.Email != "":
		return i.Name + i.Email
	case i.UID == "":
		return "unknown"
	}
	return i.UID
}

// A misfit is a login that is there and cannot be used.
type misfit struct {
	why   string
	is    error // tokens.ErrNotFound or tokens.ErrUnreadable
	works bool  // with this Config it can be revoked, at least
}

func (e *misfit) Error() string { return e.why }
func (e *misfit) Unwrap() error { return e.is }

// state returns the state, and an ErrNotFound if there is no login. If it is a misfit, the state
// may be there beside the error.
func (p *profile) state(ctx context.Context) (*state, error) {
	s, err := readState(ctx, p.dir)
	if err != nil {
		return s, err
	}
	if why, works := p.misfits(s); why != "" {
		return s, &misfit{why, tokens.ErrNotFound, works}
	}
	return s, nil
}

// readState is state for a login of any app.
func readState(ctx context.Context, dir tokens.Dir) (*state, error) {
	text, err := dir.Load(ctx, stateName)
	switch {
	case errors.Is(err, tokens.ErrUnreadable):
		return nil, &misfit{fmt.Sprintf("the login in %s cannot be read (%v)", dir, err), tokens.ErrUnreadable, false}
	case err != nil:
		return nil, err
	}
	s := &state{text: text}
	if err := json.Unmarshal(text, s); err != nil || s.Version < 1 || s.Slot != "a" && s.Slot != "b" {
		return nil, &misfit{fmt.Sprintf("the login in %s is damaged", dir), tokens.ErrUnreadable, false}
	}
	for _, i := range []*identity{&s.User, &s.Organization} {
		*i = identity{forTerminal(i.UID), forTerminal(i.Name), forTerminal(i.Email)}
	}
	s.Host, s.Server = forTerminal(s.Host), forTerminal(s.Server)
	if s.Version > stateVersion {
		return s, &misfit{fmt.Sprintf("the login in %s is of a newer version of the program", dir), tokens.ErrUnreadable, false}
	}
	return s, nil
}

// serverOf returns the base URL of the endpoint that refreshes tokens of a location. It identifies
// the server of a login, whatever the Config calls the region.
func serverOf(c *csoauth.Config, location string) string {
	endpoint, err := c.TokenURLFor(&csoauth.Token{Location: location})
	if err != nil {
		return ""
	}
	u, err := url.Parse(endpoint)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Scheme+"://"+u.Host) + strings.TrimSuffix(u.EscapedPath(), "/apps-api/apps/token")
}

// misfits returns why a login does not fit the Config and the Options, if so, and whether it works
// all the same.
func (p *profile) misfits(s *state) (why string, works bool) {
	c := p.config
	switch {
	case s.ClientID != c.ClientID || s.AppUID != c.AppUID:
		return "the login here is of another app", false
	case s.Region != c.Region.String():
		return fmt.Sprintf("the login here is in the region %.20q, and not in %v", s.Region, c.Region), false
	case s.Server != serverOf(c, s.Location):
		return fmt.Sprintf("the login here is of the server %.100q, and not of %s", s.Server, serverOf(c, s.Location)), false
	case !slices.Contains(p.uris, s.RedirectURI):
		return "the login here was made with another redirect URI", true
	case p.lacks(s.Scopes) != "":
		return "the login here was made with fewer scopes: " + p.lacks(s.Scopes), true
	case p.requireKeyring && s.Key.Place != inKeyring:
		return "the key of the login here is in a file, and the program wants it in the keyring", true
	case p.organization != "" && s.Organization.UID != p.organization:
		return fmt.Sprintf("the login here is for the organization %.60q, and not for %.60q", s.Organization.UID, p.organization), true
	}
	return "", true
}

// lacks says what the Config asks for that is not among scopes. Nil and empty scopes are all that
// the app has.
func (p *profile) lacks(scopes []string) string {
	switch {
	case len(scopes) == 0:
		return ""
	case len(p.config.Scopes) == 0:
		return "the Config asks for all that the app has"
	}
	for _, scope := range p.config.Scopes {
		if !slices.Contains(scopes, scope) {
			return fmt.Sprintf("the Config asks for %.100q", scope)
		}
	}
	return ""
}

// put makes a token the profile's login. If it fails, the login is as it was.
func (p *profile) put(ctx context.Context, s *state, token *csoauth.Token) error {
	key, err := p.keyOf(ctx, s) // newKey has it
	if err != nil {
		return err
	}
	before, err := p.dir.Load(ctx, stateName)
	if err != nil && !errors.Is(err, tokens.ErrNotFound) && !errors.Is(err, tokens.ErrUnreadable) {
		return err
	}
	s.Version, s.Slot = stateVersion, "a"
	old, _ := p.state(ctx)
	if old != nil && old.Slot == "a" {
		s.Slot = "b"
	}
	if err := p.empty(ctx, s.Slot); err != nil {
		return err
	}
	if s.Key.Place == inFile {
		if err := p.dir.CompareAndSwap(ctx, keyName+s.Slot, nil, []byte(hex.EncodeToString(key))); err != nil {
			return err
		}
	}
	sealed, err := tokens.Sealed(p.dir, key)
	if err != nil {
		return err
	}
	manager, err := tokens.New(p.config, sealed, nil)
	if err != nil {
		return err
	}
	err = manager.Put(ctx, tokenName+s.Slot, token)
	if err := errors.Join(err, manager.Close()); err != nil {
		return err
	}
	text, err := json.MarshalIndent(s, "", "\t")
	if err != nil {
		return err
	}
	if err := p.dir.CompareAndSwap(ctx, stateName, before, text); err != nil {
		return err
	}
	s.text = text
	// It is done. What is left behind does not matter, and goes with the next login.
	if old != nil {
		_ = p.empty(ctx, old.Slot)
		p.dropKey(ctx, old.Key, s.Key)
	}
	return nil
}

// setNames stores the names that s has got since it was put, unless there is another login now.
func (p *profile) setNames(ctx context.Context, s *state) error {
	text, err := json.MarshalIndent(s, "", "\t")
	if err != nil {
		return err
	}
	return p.dir.CompareAndSwap(ctx, stateName, s.text, text)
}

// empty removes what is in a slot.
func (p *profile) empty(ctx context.Context, slot string) error {
	for _, name := range []string{tokenName + slot, keyName + slot} {
		if err := p.remove(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// remove removes a value, whatever it is.
func (p *profile) remove(ctx context.Context, name string) (err error) {
	for range 10 { // another process may be at work with it
		var value []byte
		value, err = p.dir.Load(ctx, name)
		switch {
		case errors.Is(err, tokens.ErrNotFound):
			return nil
		case err != nil && !errors.Is(err, tokens.ErrUnreadable):
			return err
		}
		if err = p.dir.CompareAndSwap(ctx, name, value, nil); !errors.Is(err, tokens.ErrConflict) {
			return err
		}
	}
	return err
}

// forgetInTurn forgets when no other program logs in.
func (p *profile) forgetInTurn(ctx context.Context, o *Options) error {
	leave, err := p.takeTurn(ctx, o)
	if err != nil {
		return err
	}
	defer leave()
	return p.forget(ctx)
}

// forget removes everything but the locks.
func (p *profile) forget(ctx context.Context) error {
	s, _ := readState(ctx, p.dir)
	a := p.attempt(ctx)
	for _, name := range []string{stateName, tokenName + "a", tokenName + "b", keyName + "a", keyName + "b", attemptName, doubtName, forcedName} {
		if err := p.remove(ctx, name); err != nil {
			return err
		}
	}
	if s != nil {
		p.dropKey(ctx, s.Key, keyPlace{})
		if a.Key == s.Key {
			return nil
		}
	}
	p.dropKey(ctx, a.Key, keyPlace{})
	return nil
}
