package tokens

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"time"
)

// An Event reports the outcome of a refresh, a login or a token. It contains no secret. fmt and
// log/slog print it with the [KeyHash] in place of the key, because the key may be a user's name.
// The errors of a Store come from the Store, so their texts are up to it. To inform the user, use
// the error of [Manager.Token] or of a request.
type Event struct {
	Type EventType
	// Key is the key of the login.
	Key string
	// Err is the reason. It is nil if the Type is EventRefreshed.
	Err error
	// Took is how long the token endpoint took to respond. It is 0 if there was no request.
	Took time.Duration
}

// Format prints the Event under every verb, with the hash of the key.
func (e Event) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "key %s: %s", KeyHash(e.Key), e.Type)
	if e.Took > 0 {
		fmt.Fprintf(f, " in %v", e.Took)
	}
	if e.Err != nil {
		fmt.Fprintf(f, ": %v", e.Err)
	}
}

// LogValue logs the Event with the hash of the key.
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
	// EventRefreshed: a refresh succeeded, and the new pair is stored.
	EventRefreshed EventType = "refreshed"
	// EventRefreshFailed: a refresh failed. The old pair stays, and there will be another try.
	EventRefreshFailed EventType = "refresh failed"
	// EventSaveFailed: the store did not save a new pair, and this process uses it. If the process
	// ends before it saves the pair, the login is lost.
	EventSaveFailed EventType = "save failed"
	// EventLoginRequired: a login has ended. It may follow an EventRefreshFailed. It may come again
	// after the key was evicted from memory.
	EventLoginRequired EventType = "login required"
	// EventTokenWithheld: a request was sent without a token, because its host is not one that gets
	// tokens. This event comes once for each host. If the host should get tokens, add it to
	// Options.Hosts.
	EventTokenWithheld EventType = "token withheld"
)

// KeyHash returns a name for a key that does not reveal it: 16 hexadecimal digits of its SHA-256.
func KeyHash(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:8])
}

// level is that of the event's log line.
func (t EventType) level() slog.Level {
	switch t {
	case EventRefreshed:
		return slog.LevelDebug
	case EventLoginRequired:
		return slog.LevelInfo
	case EventSaveFailed:
		return slog.LevelError
	}
	return slog.LevelWarn
}

// report tells the application's hook and its log.
func (m *Manager) report(e Event) {
	ctx := context.Background()
	if level := e.Type.level(); m.log.Enabled(ctx, level) {
		m.log.LogAttrs(ctx, level, "tokens: "+string(e.Type), e.attrs()...)
	}
	if m.onEvent != nil {
		m.onEvent(e)
	}
}
