package tokens

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"time"
)

// An Event tells what became of a refresh. It has no secret of this module's and no key, so that it can go into logs and
// metrics as it is; what the errors of a Store say is the Store's. To tell the user, use the error of [Manager.Token] or of
// a request.
type Event struct {
	Type EventType
	// KeyHash is what [KeyHash] returns for the key.
	KeyHash string
	// Err is why, unless the Type is Refreshed.
	Err error
	// Took is how long the token endpoint needed to answer; 0 if it was not asked.
	Took time.Duration
}

// An EventType says what happened.
type EventType string

const (
	Refreshed     EventType = "refreshed"      // a new pair was got and stored
	RefreshFailed EventType = "refresh failed" // the old pair stays; there will be another try
	SaveFailed    EventType = "save failed"    // a new pair is used but not stored; if this process ends now, the login is lost
	LoginRequired EventType = "login required" // a user who was logged in no longer is; it may follow on a RefreshFailed
)

// KeyHash names a key without telling it: 16 hexadecimal digits of its SHA-256.
func KeyHash(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:8])
}

// report tells the application's hook and its log.
func (m *Manager) report(e Event) {
	level := map[EventType]slog.Level{
		Refreshed:     slog.LevelDebug,
		RefreshFailed: slog.LevelWarn,
		SaveFailed:    slog.LevelError,
		LoginRequired: slog.LevelInfo,
	}[e.Type]
	attrs := []slog.Attr{slog.String("key", e.KeyHash)}
	if e.Took > 0 {
		attrs = append(attrs, slog.Duration("took", e.Took))
	}
	if e.Err != nil {
		attrs = append(attrs, slog.String("err", e.Err.Error()))
	}
	m.log.LogAttrs(context.Background(), level, "tokens: "+string(e.Type), attrs...)
	if m.onEvent != nil {
		m.onEvent(e)
	}
}
