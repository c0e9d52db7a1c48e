package clilogin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/contentstack/csoauth/tokens"
)

// setDoubt has the next Open ask Contentstack whether the login is over, although its access token
// has not expired.
func (p *profile) setDoubt(ctx context.Context) error {
	err := p.dir.CompareAndSwap(ctx, doubtName, nil, []byte("?"))
	if errors.Is(err, tokens.ErrConflict) && p.isInDoubt(ctx) {
		return nil
	}
	return err
}

func (p *profile) isInDoubt(ctx context.Context) bool {
	_, err := p.dir.Load(ctx, doubtName)
	return err == nil
}

// forcedFor is how long a token that came in place of a rejected one is not replaced for the same
// reason, as in a Manager, which knows only of its own process.
const forcedFor = time.Minute

// A forced token came in place of a rejected one.
type forced struct {
	Token string    `json:"token"` // a hash of it
	At    time.Time `json:"at"`
}

// forcedAgo returns how long ago a token came in place of a rejected one, if it did.
func (p *profile) forcedAgo(ctx context.Context, accessToken string) time.Duration {
	var f forced
	text, err := p.dir.Load(ctx, forcedName)
	if err == nil && json.Unmarshal(text, &f) == nil && f.Token == tokens.KeyHash(accessToken) {
		if ago := time.Since(f.At); ago >= 0 {
			return ago
		}
	}
	return math.MaxInt64
}

// setForced notes that. If it cannot be written, a token may be replaced once more than it should.
func (p *profile) setForced(ctx context.Context, accessToken string) {
	before, err := p.dir.Load(ctx, forcedName)
	if err != nil && !errors.Is(err, tokens.ErrNotFound) && !errors.Is(err, tokens.ErrUnreadable) {
		return
	}
	if text, err := json.Marshal(forced{tokens.KeyHash(accessToken), time.Now()}); err == nil {
		_ = p.dir.CompareAndSwap(ctx, forcedName, before, text)
	}
}

// An attempt is a login that was begun.
type attempt struct {
	Began time.Time `json:"began"`
	Ended time.Time `json:"ended"` // zero: not yet
	// Why it failed, if beginning another one would only annoy the user.
	Why string `json:"why,omitempty"`
	// Key is where the key is that was made for it, if that is the keyring: the next one takes it.
	Key keyPlace `json:"key,omitzero"`
}

// attempt returns the latest one that came to nothing, or else a zero attempt.
func (p *profile) attempt(ctx context.Context) (a attempt) {
	text, err := p.dir.Load(ctx, attemptName)
	if err != nil || json.Unmarshal(text, &a) != nil {
		return attempt{}
	}
	return a
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
	a := p.attempt(ctx)
	if a.Why == "" {
		return ""
	}
	if ago := time.Since(a.Ended); ago < 0 || ago >= quiet {
		return ""
	}
	return fmt.Sprintf("a login that began at %s ended without one: %s; it is not begun again by itself before %s",
		a.Began.Local().Format(time.TimeOnly), forTerminal(a.Why), a.Ended.Add(quiet).Local().Format(time.TimeOnly))
}
