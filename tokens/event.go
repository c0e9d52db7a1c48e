package tokens

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"time"
)

// An Event tells what became of a refresh, a login or a token. It has no secret. It prints, and
// goes into a slog log, with the [KeyHash] in place of the key, which may be a user's name; what
// the errors of a Store say is up to the Store. To tell the user, use the error of [Manager.Token]
// or of a request.
type Event struct {
	Type EventType
	// Key is the key of the login.
	Key string
	// Err is why, unless the Type is EventRefreshed.
	Err error
	// Took is how long the token endpoint needed to respond; 0 if it was not asked.
	Took time.Duration
}

// Format names the key by its hash, under every verb.
func (e Event) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "key %s: %s", KeyHash(e.Key), e.Type)
	if e.Took > 0 {
		fmt.Fprintf(f, " in %v", e.Took)
	}
	if e.Err != nil {
		fmt.Fprintf(f, ": %v", e.Err)
	}
}

// LogValue names the key by its hash.
func (e Event) LogValue() slog.Value {
	return slog.GroupValue(append([]slog.Attr{slog.String("type", string(e.Type))}, e.attrs()...)...)
}

// attrs are what a log line says besides the type.
func (e Event) attrs() []slog.Attr {
	attrs := []slog.Attr{slog.String("key", KeyHash(e.Key))}
	if e.Took > 0 {
		attrs = append(attrs, slog.Duration("took", e.Took))
	}
	if e.Err != nil {
		attrs = append(attrs, slog.String("err", e.Err.Error()))
	}
	return attrs
}

// An EventType says what happened.
type EventType string

const (
	// EventRefreshed: a new pair came and is stored.
	EventRefreshed EventType = "refreshed"
	// EventRefreshFailed: the old pair stays, and there will be another try.
	EventRefreshFailed EventType = "refresh failed"
	// EventSaveFailed: a new pair is used, and the store did not take it. If this process ends
	// before it is saved, the login is lost.
	EventSaveFailed EventType = "save failed"
	// EventLoginRequired: a login has ended. It may follow an EventRefreshFailed, and come again
	// after the key was evicted from memory.
	EventLoginRequired EventType = "login required"
	// EventTokenWithheld: a request went out without a token, because its host takes none. Reported
	// once for each host. If it should take them, name it in Options.Hosts.
	EventTokenWithheld EventType = "token withheld"
)

// KeyHash names a key without telling it: 16 hexadecimal digits of its SHA-256.
func KeyHash(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:8])
}

// report tells the application's hook and its log.
func (m *Manager) report(e Event) {
	level := map[EventType]slog.Level{
		EventRefreshed:     slog.LevelDebug,
		EventRefreshFailed: slog.LevelWarn,
		EventSaveFailed:    slog.LevelError,
		EventLoginRequired: slog.LevelInfo,
		EventTokenWithheld: slog.LevelWarn,
	}[e.Type]
	m.log.LogAttrs(context.Background(), level, "tokens: "+string(e.Type), e.attrs()...)
	if m.onEvent != nil {
		m.onEvent(e)
	}
}
