package tokens

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/contentstack/csoauth"
)

// Put stores the token of a user who has just logged in, in place of any other token of key. It
// wins over a refresh that began before. Put does not check whether the Refresher can refresh the
// token. If the login of key began with the same refresh token and was refreshed since, Put changes
// nothing, because the store has the newer token. This happens if a callback comes twice. After an
// error that is not about the arguments, the token may or may not be stored: call Put again.
func (m *Manager) Put(ctx context.Context, key string, t *csoauth.Token) error {
	if err := checkKey(key); err != nil {
		return fmt.Errorf("tokens: put: %w", err)
	}
	if t == nil || t.AccessToken == "" && t.RefreshToken == "" {
		return errors.New("tokens: put: the token has neither an access token nor a refresh token")
	}
	if !m.enlist() {
		return errClosed
	}
	defer m.flights.Done()
	done, err := m.turns.take(ctx, key)
	if err != nil {
		return fmt.Errorf("tokens: put: %w", err)
	}
	defer done()
	token := *t
	token.Scopes = slices.Clone(t.Scopes)
	for range maxConflicts {
		stored, err := m.load(ctx, key)
		if err != nil && !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrUnreadable) {
			return err
		}
		raw := stored.plain
		if err != nil {
			raw = nil // there is nothing, or what is there cannot be read
		}
		shown, newest := m.newest(key, raw)
		if shown.beganWith(token.RefreshToken) && !newest.has(token.RefreshToken) {
			return nil
		}
		next := newLogin(&token, newest, m.now().time())
		if shown.has(token.RefreshToken) {
			next.lease = shown.lease // of a process that may have sent that refresh token
		}
		if err := next.encode(); err != nil {
			return err
		} else if len(next.raw) > maxPut {
			return fmt.Errorf("tokens: put: the token's record has %d bytes, but at most %d are allowed", len(next.raw), maxPut)
		}
		if err := m.swapRecord(ctx, key, stored, &next); err == nil {
			m.install(key, &next)
			return nil
		} else if !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return &storeError{"swap", ErrConflict}
}

// newest returns the record raw that the store has shown, and what a new login over it replaces:
// the newer of what the store and memory have. A record that cannot be read is replaced too, for
// the user is there with a new login.
func (m *Manager) newest(key string, raw []byte) (shown, newest record) {
	shown, err := decode(raw)
	if err != nil {
		shown = record{}
	}
	newest = shown
	if k := m.cache.find(key); k != nil {
		if ours, ok := k.record(); ok && ours.seq > shown.seq {
			newest = ours
		}
	}
	return shown, newest
}

// install sets a record that was just stored.
func (m *Manager) install(key string, r *record) {
	f, err := m.cache.add(key).put(r)
	for errors.Is(err, errEvicted) {
		f, err = m.cache.add(key).put(r)
	}
	if f != nil {
		f.tellNews()
	}
}

// Delete deletes the login of key, here and in the store. It wins over a refresh that began before.
// Other processes notice within their Recheck time. Delete returns nil if there is no such login.
// Contentstack still accepts the tokens. To end them there, for all of the user's machines, call
// Revoke of package csapi first.
func (m *Manager) Delete(ctx context.Context, key string) error {
	if err := checkKey(key); err != nil {
		return fmt.Errorf("tokens: delete: %w", err)
	}
	if !m.enlist() {
		return errClosed
	}
	defer m.flights.Done()
	done, err := m.turns.take(ctx, key)
	if err != nil {
		return fmt.Errorf("tokens: delete: %w", err)
	}
	defer done()
	for range maxConflicts {
		stored, err := m.load(ctx, key)
		if err == nil || errors.Is(err, ErrUnreadable) {
			err = m.swap(ctx, key, stored, &value{})
		}
		switch {
		case err == nil || errors.Is(err, ErrNotFound):
			if k := m.cache.find(key); k != nil && k.delete() {
				m.cache.remove(k)
			}
			return nil
		case !errors.Is(err, ErrConflict):
			return err
		}
	}
	return &storeError{"swap", ErrConflict}
}

// turns makes Puts and Deletes of one key wait for each other, so that they reach store and memory
// in the same order.
type turns struct {
	mu sync.Mutex
	of map[string]*turn // of the keys of which there is a Put or Delete
}

type turn struct {
	users int           // who have it or wait for it
	taken chan struct{} // has a value while it is taken
}

// take waits for the turn of key. done ends it.
func (t *turns) take(ctx context.Context, key string) (done func(), err error) {
	t.mu.Lock()
	mine := t.of[key]
	if mine == nil {
		mine = &turn{taken: make(chan struct{}, 1)}
		t.of[key] = mine
	}
	mine.users++
	t.mu.Unlock()
	select {
	case mine.taken <- struct{}{}:
		return func() { <-mine.taken; t.leave(key, mine) }, nil
	case <-ctx.Done():
		t.leave(key, mine)
		return nil, context.Cause(ctx)
	}
}

func (t *turns) leave(key string, mine *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if mine.users--; mine.users == 0 {
		delete(t.of, key)
	}
}
