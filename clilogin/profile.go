package clilogin

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/internal/turn"
	"github.com/contentstack/csoauth/tokens"
	"github.com/contentstack/csoauth/tokens/keyring"
)

// A profile is the directory of one login. It is a tokens.Dir with these values:
//
//	login              a state, in the clear: which slot has the login, and where its key is
//	attempt            an attempt, in the clear: the latest login that was begun
//	doubt              if it is there, an API and the token endpoint have said that the login is over
//	token a, token b   the slots: what a Manager keeps, sealed
//	key a, key b       the slots' keys in hexadecimal, if they are not in the keyring
//
// A new login goes into the slot that is not in use. Then the state is swapped, which makes it the
// login, and the other slot is emptied. So a program that dies at any moment leaves one whole login.
type profile struct {
	path           string
	dir            tokens.Dir
	config         *csoauth.Config
	uris           []string // redirect URIs that the login may have
	service        string   // the program's name in the keyring
	name           string
	requireKeyring bool
	out            io.Writer

	mu  sync.Mutex
	key map[string][]byte // the keys that this process has had, by their fingerprints
}

const (
	stateName   = "login"
	attemptName = "attempt"
	doubtName   = "doubt"
	tokenName   = "token "
	keyName     = "key "
)

// A state says which login counts.
type state struct {
	Version int      `json:"version"`
	Slot    string   `json:"slot"` // "a" or "b"
	Key     keyPlace `json:"key"`

	// What was asked for.
	Region      string   `json:"region"`
	AppUID      string   `json:"app_uid"`
	ClientID    string   `json:"client_id"`
	RedirectURI string   `json:"redirect_uri"`
	Scopes      []string `json:"scopes"` // null: those of the app

	// What came of it.
	User         identity  `json:"user"`
	Organization identity  `json:"organization"`
	Made         time.Time `json:"made"`
	Host         string    `json:"host"`
}

const stateVersion = 1

// A keyPlace says where the key of a slot is.
type keyPlace struct {
	Place       string `json:"place"` // inKeyring or inFile
	Service     string `json:"service,omitempty"`
	User        string `json:"user,omitempty"`
	Fingerprint string `json:"fingerprint"` // of the key
}

const (
	inKeyring = "keyring"
	inFile    = "file"
)

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
	why string
	is  error // tokens.ErrNotFound or tokens.ErrUnreadable
}

func (e *misfit) Error() string { return e.why }
func (e *misfit) Unwrap() error { return e.is }

// state returns the state, and an ErrNotFound if there is no login. If it is a misfit, the state may
// be there beside the error.
func (p *profile) state(ctx context.Context) (*state, error) {
	text, err := p.dir.Load(ctx, stateName)
	switch {
	case errors.Is(err, tokens.ErrUnreadable):
		return nil, &misfit{fmt.Sprintf("the login in %s cannot be read (%v)", p.path, err), tokens.ErrUnreadable}
	case err != nil:
		return nil, err
	}
	var s state
	if err := json.Unmarshal(text, &s); err != nil || s.Version < 1 || s.Slot != "a" && s.Slot != "b" {
		return nil, &misfit{fmt.Sprintf("the login in %s is damaged", p.path), tokens.ErrUnreadable}
	}
	if s.Version > stateVersion {
		return &s, &misfit{fmt.Sprintf("the login in %s is of a newer version of the program", p.path), tokens.ErrUnreadable}
	}
	if why := p.misfits(&s); why != "" {
		return &s, &misfit{why, tokens.ErrNotFound}
	}
	return &s, nil
}

// misfits returns why a login does not fit the Config, if so.
func (p *profile) misfits(s *state) string {
	c := p.config
	switch {
	case s.ClientID != c.ClientID || s.AppUID != c.AppUID:
		return "the login here is of another app"
	case s.Region != c.Region.String():
		return fmt.Sprintf("the login here is in the region %.20q, and not in %v", s.Region, c.Region)
	case !slices.Contains(p.uris, s.RedirectURI):
		return "the login here was made with another redirect URI"
	case s.Scopes != nil && c.Scopes == nil:
		return "the login here was made with fewer scopes than all that the app has"
	case s.Scopes != nil && !containsAll(s.Scopes, c.Scopes):
		return "the login here was made with fewer scopes"
	case p.requireKeyring && s.Key.Place != inKeyring:
		return "the key of the login here is in a file, and the program wants it in the keyring"
	}
	return ""
}

func containsAll(all, some []string) bool {
	return !slices.ContainsFunc(some, func(one string) bool { return !slices.Contains(all, one) })
}

// sealed returns the store of a state's slot.
func (p *profile) sealed(ctx context.Context, s *state) (tokens.Store, error) {
	key, err := p.keyOf(ctx, s)
	if err != nil {
		return nil, err
	}
	return tokens.Sealed(p.dir, key)
}

// keyOf returns the key of a state's slot. It asks nowhere but where the state says.
func (p *profile) keyOf(ctx context.Context, s *state) ([]byte, error) {
	p.mu.Lock()
	key := p.key[s.Key.Fingerprint]
	p.mu.Unlock()
	if key != nil {
		return key, nil
	}
	lost := func(format string, args ...any) error {
		return &misfit{fmt.Sprintf(format, args...), tokens.ErrUnreadable}
	}
	var err error
	switch s.Key.Place {
	case inKeyring:
		key, err = p.askKeyring(ctx, func(ctx context.Context) ([]byte, error) { return keyring.Find(ctx, s.Key.Service, s.Key.User) })
		switch {
		case errors.Is(err, keyring.ErrNotFound):
			return nil, lost("the keyring here does not have the key of the login in %s, which was made at %s on %.64q", p.path, s.Made.Local().Format(time.DateTime), s.Host)
		case errors.Is(err, keyring.ErrBroken):
			return nil, lost("%v", err)
		case err != nil && ctx.Err() != nil:
			return nil, err
		case err != nil:
			return nil, fmt.Errorf("%w (%w)", ErrKeyUnreachable, err)
		}
	case inFile:
		text, err := p.dir.Load(ctx, keyName+s.Slot)
		if errors.Is(err, tokens.ErrNotFound) || errors.Is(err, tokens.ErrUnreadable) {
			return nil, lost("the key file of the login in %s is lost (%v)", p.path, err)
		} else if err != nil {
			return nil, err
		}
		key, err = hex.DecodeString(strings.TrimSpace(string(text)))
		if err != nil || len(key) != keyring.KeySize {
			return nil, lost("the key file of the login in %s is damaged", p.path)
		}
	default:
		return nil, lost("the login in %s says that its key is in a place %.20q, which this program does not know", p.path, s.Key.Place)
	}
	if fingerprint(key) != s.Key.Fingerprint {
		return nil, lost("the key of the login in %s was replaced by another one", p.path)
	}
	p.remember(key)
	return key, nil
}

func (p *profile) remember(key []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.key == nil {
		p.key = map[string][]byte{}
	}
	p.key[fingerprint(key)] = key
}

// fingerprint tells keys apart, and nothing else about them.
func fingerprint(key []byte) string {
	sum := sha256.Sum256(append([]byte("csoauth clilogin key\x00"), key...))
	return hex.EncodeToString(sum[:8])
}

// How long a keyring may take: it may ask the user for a password, where there is one to see it.
const (
	keyringPatience = time.Minute
	keyringAlone    = 3 * time.Second
	keyringNotice   = time.Second // after which the user is told what is waited for
)

// askKeyring runs ask with the patience that the place allows.
func (p *profile) askKeyring(ctx context.Context, ask func(context.Context) ([]byte, error)) ([]byte, error) {
	patience := keyringAlone
	if isForeground(p.out) {
		patience = keyringPatience
		notice := time.AfterFunc(keyringNotice, func() { say(p.out, "Waiting for the keyring, which may ask for your password in a window.") })
		defer notice.Stop()
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return ask(ctx)
}

// isForeground is turn.IsForeground for a writer. Tests replace it.
var isForeground = func(out io.Writer) bool {
	f, ok := out.(*os.File)
	return ok && turn.IsForeground(f)
}

// newKey returns a key for the next login: the one of the login that is there, if it can be had, or
// else a new one.
func (p *profile) newKey(ctx context.Context) (keyPlace, []byte, error) {
	if s, err := p.state(ctx); s != nil && (err == nil || errors.Is(err, tokens.ErrNotFound)) && (s.Key.Place == inKeyring || !p.requireKeyring) {
		if key, err := p.keyOf(ctx, s); err == nil {
			return s.Key, key, nil
		}
	}
	place := keyPlace{Place: inKeyring, Service: p.service, User: p.name + " " + strings.ToLower(rand.Text()[:12])}
	key, err := p.askKeyring(ctx, func(ctx context.Context) ([]byte, error) { return keyring.Key(ctx, place.Service, place.User) })
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return place, nil, context.Cause(ctx)
	case p.requireKeyring:
		return place, nil, fmt.Errorf("a login needs the keyring: %w", err)
	default:
		say(p.out, "The keyring cannot be used (%v).\nThe login's key will be in a file in %s, which only you can read.", err, p.path)
		place, key = keyPlace{Place: inFile}, make([]byte, keyring.KeySize)
		rand.Read(key)
	}
	place.Fingerprint = fingerprint(key)
	p.remember(key)
	return place, key, nil
}

// put makes a token the profile's login. If it fails, the login is as it was.
func (p *profile) put(ctx context.Context, s *state, key []byte, token *csoauth.Token) error {
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
	// It is done. What is left behind does not matter, and goes with the next login.
	if old != nil {
		_ = p.empty(ctx, old.Slot)
		p.dropKey(ctx, old.Key, s.Key)
	}
	return nil
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

// dropKey removes a key from the keyring, unless it is still in use.
func (p *profile) dropKey(ctx context.Context, old, inUse keyPlace) {
	if old.Place != inKeyring || old == inUse {
		return
	}
	// If it cannot be removed now, a key without anything to open stays.
	_, _ = p.askKeyring(ctx, func(ctx context.Context) ([]byte, error) { return nil, keyring.Delete(ctx, old.Service, old.User) })
}

// forget removes everything but the locks.
func (p *profile) forget(ctx context.Context) error {
	s, _ := p.state(ctx)
	for _, name := range []string{stateName, tokenName + "a", tokenName + "b", keyName + "a", keyName + "b", attemptName, doubtName} {
		if err := p.remove(ctx, name); err != nil {
			return err
		}
	}
	if s != nil {
		p.dropKey(ctx, s.Key, keyPlace{})
	}
	return nil
}

// setDoubt has the next Open ask Contentstack whether the login is over, although its access token
// has not expired. If it cannot be written, that Open does not know.
func (p *profile) setDoubt(ctx context.Context) {
	_ = p.dir.CompareAndSwap(ctx, doubtName, nil, []byte("?"))
}

func (p *profile) isInDoubt(ctx context.Context) bool {
	_, err := p.dir.Load(ctx, doubtName)
	return err == nil
}

// An attempt is a login that was begun.
type attempt struct {
	Began time.Time `json:"began"`
	Ended time.Time `json:"ended"` // zero: not yet
	// Why it failed, if beginning another one would only annoy the user.
	Why string `json:"why,omitempty"`
}

// setAttempt records an attempt. It also shows that the directory can be written to.
func (p *profile) setAttempt(ctx context.Context, a attempt) error {
	before, err := p.dir.Load(ctx, attemptName)
	if err != nil && !errors.Is(err, tokens.ErrNotFound) && !errors.Is(err, tokens.ErrUnreadable) {
		return err
	}
	text, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return p.dir.CompareAndSwap(ctx, attemptName, before, text)
}

// quiet is for how long a login that the user has not wanted is not begun again by itself.
const quiet = 10 * time.Minute

// unwanted returns why no login is to be begun now, if so.
func (p *profile) unwanted(ctx context.Context) string {
	var a attempt
	text, err := p.dir.Load(ctx, attemptName)
	if err != nil || json.Unmarshal(text, &a) != nil || a.Why == "" {
		return ""
	}
	if ago := time.Since(a.Ended); ago < 0 || ago >= quiet {
		return ""
	}
	return fmt.Sprintf("a login that began at %s ended without one: %s; it is not begun again by itself for %v",
		a.Began.Local().Format(time.TimeOnly), a.Why, quiet)
}
