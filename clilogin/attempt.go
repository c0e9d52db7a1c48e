package clilogin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/contentstack/csoauth/tokens"
)

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
