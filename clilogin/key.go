package clilogin

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/contentstack/csoauth/internal/turn"
	"github.com/contentstack/csoauth/tokens"
	"github.com/contentstack/csoauth/tokens/keyring"
)

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

// A keyError is an ErrKeyUnreachable.
type keyError struct{ err error }

func (e *keyError) Error() string   { return fmt.Sprintf("%v (%v)", ErrKeyUnreachable, e.err) }
func (e *keyError) Unwrap() []error { return []error{ErrKeyUnreachable, e.err} }

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
		return &misfit{fmt.Sprintf(format, args...), tokens.ErrUnreadable, false}
	}
	var err error
	switch s.Key.Place {
	case inKeyring:
		key, err = p.askKeyring(ctx, false, func(ctx context.Context) ([]byte, error) { return keyring.Find(ctx, s.Key.Service, s.Key.User) })
		switch {
		case errors.Is(err, keyring.ErrNotFound):
			return nil, lost("the keyring here does not have the key of the login in %s, which was made at %s on %.64q", p.path, s.Made.Local().Format(time.DateTime), s.Host)
		case errors.Is(err, keyring.ErrBroken):
			return nil, lost("%v", err)
		case err != nil && ctx.Err() != nil:
			return nil, err
		case err != nil:
			return nil, &keyError{err}
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

// askKeyring runs ask with the patience that the place allows. asked: a person waits for it.
func (p *profile) askKeyring(ctx context.Context, asked bool, ask func(context.Context) ([]byte, error)) ([]byte, error) {
	patience := keyringAlone
	if asked || isForeground(p.out) {
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

// newKey says where the key of the next login is, which keyOf then has: it is that of the login
// that is there, if it can be had, or of one that came to nothing, or else a new one.
func (p *profile) newKey(ctx context.Context, asked bool) (keyPlace, error) {
	p.noKeyring = nil
	candidates := []*state{{Key: p.attempt(ctx).Key}}
	if s, err := p.state(ctx); s != nil && (err == nil || errors.Is(err, tokens.ErrNotFound)) {
		candidates = []*state{s, candidates[0]}
	}
	for _, s := range candidates {
		if !p.owns(s.Key) && (s.Key.Place != inFile || p.requireKeyring) {
			continue
		}
		p.mu.Lock()
		delete(p.key, s.Key.Fingerprint) // it may not be there any more
		p.mu.Unlock()
		if _, err := p.keyOf(ctx, s); err == nil {
			return s.Key, nil
		}
	}
	place := keyPlace{Place: inKeyring, Service: p.service, User: p.owner() + strings.ToLower(rand.Text()[:12])}
	key, err := p.askKeyring(ctx, asked, func(ctx context.Context) ([]byte, error) { return keyring.Key(ctx, place.Service, place.User) })
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return place, context.Cause(ctx)
	case p.requireKeyring:
		return place, fmt.Errorf("a login needs the keyring: %w", err)
	default:
		p.noKeyring = err
		place, key = keyPlace{Place: inFile}, make([]byte, keyring.KeySize)
		rand.Read(key)
	}
	place.Fingerprint = fingerprint(key)
	p.remember(key)
	return place, nil
}

// owner begins the names of this directory's entries in the keyring.
func (p *profile) owner() string {
	sum := sha256.Sum256([]byte(p.path))
	return p.name + " " + hex.EncodeToString(sum[:3]) + "-"
}

// owns reports whether a key is in the keyring and belongs to this directory. In a copy of a
// directory, the key belongs to the original.
func (p *profile) owns(k keyPlace) bool {
	return k.Place == inKeyring && strings.HasPrefix(k.User, p.owner())
}

// dropKey removes a key of this directory from the keyring, unless it is still in use.
func (p *profile) dropKey(ctx context.Context, old, inUse keyPlace) {
	if !p.owns(old) || old == inUse {
		return
	}
	// If it cannot be removed now, a key without anything to open stays.
	_, _ = p.askKeyring(ctx, false, func(ctx context.Context) ([]byte, error) { return nil, keyring.Delete(ctx, old.Service, old.User) })
}
