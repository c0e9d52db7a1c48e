package redisstore

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/contentstack/csoauth/tokens"
)

// Options configure a Store. A nil *Options means all defaults.
type Options struct {
	// Prefix begins the name of each login's hash. A prefix with {braces} puts all logins into one
	// slot of a cluster. Empty: "csoauth:".
	Prefix string
	// TTL is the time after its last write when Redis deletes a login. It must be at least a
	// millisecond. Each refresh writes a login, so a login in use is written about once an hour.
	// Choose a TTL of weeks. Zero: Redis keeps logins forever.
	TTL time.Duration
}

// A Store is a [tokens.Store] in Redis. It is safe for concurrent use, and needs no Close.
type Store struct {
	do     func(ctx context.Context, args ...any) (any, error)
	prefix string
	ttl    time.Duration
}

// New returns a Store that sends its commands with the Do method of a client of
// github.com/redis/go-redis/v9. That client is a *redis.Client, with or without sentinels, or a
// *redis.ClusterClient. A *redis.Ring does not work: it asks another server when one is down, and
// finds no logins there. A pipeline does not work either, because it sends its commands later. The
// error is that of [NewFunc].
//
// Set ContextTimeoutEnabled in the client's options. Without it, go-redis ignores a context that
// ends during a command.
func New[R interface{ Result() (any, error) }](do func(ctx context.Context, args ...any) R, o *Options) (*Store, error) {
	if do == nil {
		return NewFunc(nil, o)
	}
	return NewFunc(func(ctx context.Context, args ...any) (any, error) { return do(ctx, args...).Result() }, o)
}

// NewFunc returns a Store that sends its commands with do. That function sends one command to the
// master and returns its reply: int64 for an integer, string or []byte for a string, and []any for
// an array. For an error of Redis it returns an error whose text contains Redis's text. All args
// are strings. The fourth is the only Redis key, for clients that find the server of a slot
// themselves.
//
// NewFunc returns an error if an option is not valid. It does not connect to Redis.
func NewFunc(do func(ctx context.Context, args ...any) (any, error), o *Options) (*Store, error) {
	if o == nil {
		o = &Options{}
	}
	switch {
	case do == nil:
		return nil, errors.New("redisstore: do is nil: pass a function that sends a command, such as the Do of a *redis.Client")
	case o.TTL != 0 && o.TTL < time.Millisecond:
		return nil, fmt.Errorf("redisstore: Options.TTL: %v is less than a millisecond", o.TTL)
	}
	return &Store{do: do, prefix: cmp.Or(o.Prefix, "csoauth:"), ttl: o.TTL}, nil
}

// Load returns the value of key. See [tokens.Store].
func (s *Store) Load(ctx context.Context, key string) ([]byte, error) {
	reply, err := s.run(ctx, load, key)
	if err != nil {
		return nil, fmt.Errorf("redisstore: load: %w", err)
	}
	fields, ok := reply.([]any)
	switch {
	case ok && len(fields) == 0:
		return nil, fmt.Errorf("redisstore: load: %w", tokens.ErrNotFound)
	case !ok || len(fields) != 2:
		return nil, fmt.Errorf("redisstore: load: the reply is %T, want an array of two strings", reply)
	}
	keptFor, keyOK := text(fields[0])
	value, valueOK := text(fields[1])
	if !keyOK || !valueOK {
		return nil, fmt.Errorf("redisstore: load: the reply has %T and %T, want two strings", fields[0], fields[1])
	}
	if keptFor != key {
		return nil, errors.New("redisstore: load: the value belongs to another key: was it copied?")
	}
	return []byte(value), nil
}

// CompareAndSwap replaces old by new. See [tokens.Store].
func (s *Store) CompareAndSwap(ctx context.Context, key string, old, new []byte) error {
	reply, err := s.run(ctx, swap, key, present(old), string(old), present(new), string(new), strconv.FormatInt(s.ttl.Milliseconds(), 10))
	if err != nil {
		return fmt.Errorf("redisstore: swap: %w", err)
	}
	switch reply {
	case int64(1):
		return nil
	case int64(0):
		return fmt.Errorf("redisstore: swap: %w", tokens.ErrConflict)
	}
	return fmt.Errorf("redisstore: swap: the reply is %T, want an integer", reply)
}

// present tells a script whether there is a value: an empty one is not the same as none.
func present(value []byte) string {
	if value == nil {
		return "0"
	}
	return "1"
}

// text reads a string of a reply.
func text(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case []byte:
		return string(v), true
	}
	return "", false
}

// maxKey is how long a key may be, in bytes.
const maxKey = 512

// run runs a script for a key. Redis has the scripts in memory only, so the first run after its
// start sends the text.
func (s *Store) run(ctx context.Context, script script, key string, args ...any) (any, error) {
	switch {
	case key == "" || len(key) > maxKey:
		return nil, fmt.Errorf("the key has %d bytes: want 1 to %d", len(key), maxKey)
	case ctx.Err() != nil:
		return nil, ctx.Err()
	}
	args = append([]any{"EVALSHA", script.sum, "1", s.name(key), key}, args...)
	reply, err := s.do(ctx, args...)
	if err != nil && strings.Contains(err.Error(), "NOSCRIPT") {
		reply, err = s.do(ctx, append([]any{"EVAL", script.text}, args[2:]...)...) // a client may still have the first
	}
	if err != nil {
		err = s.explained(err, script)
	}
	return reply, err
}

// name is that of a login's hash. A cluster takes the slot from what is in the first braces.
func (s *Store) name(key string) string {
	sum := sha256.Sum256([]byte(key))
	return s.prefix + "{" + hex.EncodeToString(sum[:]) + "}"
}
