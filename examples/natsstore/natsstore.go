// Package natsstore is a [tokens.Store] in a bucket of NATS JetStream. It is an example: it shows
// what a store of your own needs. The guide docs/guides/many-users.md explains it step by step.
package natsstore

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/contentstack/csoauth/tokens"
)

// A Store is a [tokens.Store] in a bucket of JetStream. It has no locks, because a lock of NATS
// would end by a time-out. It is safe for concurrent use. Close its connection yourself.
type Store struct {
	bucket jetstream.KeyValue
}

// Open returns the store in a bucket. If the bucket does not exist, Open creates it with so many
// replicas. An existing bucket with settings that could lose a login is an error.
func Open(ctx context.Context, js jetstream.JetStream, bucket string, replicas int) (*Store, error) {
	want := jetstream.StreamConfig{
		Name:              "KV_" + bucket, // a bucket is a stream with this name and these subjects
		Subjects:          []string{"$KV." + bucket + ".>"},
		Replicas:          replicas,
		Storage:           jetstream.FileStorage,
		Discard:           jetstream.DiscardNew, // a full bucket refuses new values and keeps the old ones
		MaxMsgsPerSubject: 1,
		AllowRollup:       true,  // for Purge
		AllowMsgTTL:       true,  // for PurgeTTL
		AllowDirect:       false, // true, as CreateKeyValue sets it, lets a follower serve an old value
	}
	_, err := js.CreateStream(ctx, want)
	if err != nil && !errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		return nil, fmt.Errorf("natsstore: create the bucket: %w", err)
	}
	kv, err := js.KeyValue(ctx, bucket)
	if err != nil {
		return nil, fmt.Errorf("natsstore: %w", err)
	}
	stream, err := js.Stream(ctx, want.Name)
	if err != nil {
		return nil, fmt.Errorf("natsstore: %w", err)
	}
	if err := check(stream.CachedInfo().Config); err != nil {
		return nil, fmt.Errorf("natsstore: the stream %s %w", want.Name, err)
	}
	return &Store{kv}, nil
}

// check returns what is wrong with the settings of a bucket that someone else created.
func check(c jetstream.StreamConfig) error {
	switch {
	case c.AllowDirect:
		return errors.New("has allow_direct on: a follower could serve an old value")
	case c.Mirror != nil || len(c.Sources) > 0:
		return errors.New("is a copy of another stream, which may be behind")
	case c.MaxAge != 0 || c.Discard != jetstream.DiscardNew:
		return errors.New("deletes old values: set max_age to 0, and discard to new")
	case c.Storage != jetstream.FileStorage || c.PersistMode == jetstream.AsyncPersistMode:
		return errors.New("loses values in a crash: set storage to file, and persist_mode to default")
	case !c.AllowRollup || !c.AllowMsgTTL:
		return errors.New("cannot delete a value: set allow_rollup_hdrs and allow_msg_ttl")
	}
	return nil
}

// Load returns the value of key. See [tokens.Store].
func (s *Store) Load(ctx context.Context, key string) ([]byte, error) {
	name, err := nameOf(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("natsstore: load: %w", err)
	}
	value, _, err := s.get(ctx, name)
	if err == nil && value == nil {
		err = tokens.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("natsstore: load: %w", err)
	}
	return value, nil
}

// CompareAndSwap replaces old by new. See [tokens.Store].
func (s *Store) CompareAndSwap(ctx context.Context, key string, old, new []byte) error {
	name, err := nameOf(ctx, key)
	if err != nil {
		return fmt.Errorf("natsstore: swap: %w", err)
	}
	for { // each further turn means that another process has changed the value meanwhile
		value, revision, err := s.get(ctx, name)
		switch {
		case err != nil:
			return fmt.Errorf("natsstore: swap: %w; nothing was changed", err)
		case same(value, new):
			return nil
		case !same(value, old):
			return fmt.Errorf("natsstore: swap: %w", tokens.ErrConflict)
		case value == nil:
			_, err = s.bucket.Create(ctx, name, new)
		case new == nil:
			err = s.bucket.Purge(ctx, name, jetstream.LastRevision(revision), jetstream.PurgeTTL(markerTTL))
		default:
			_, err = s.bucket.Update(ctx, name, new, revision)
		}
		if err == nil {
			return nil
		}
		if !isOtherRevision(err) {
			return fmt.Errorf("natsstore: swap: %w; the value may have been replaced", err)
		}
	}
}

// markerTTL is how long the server keeps the note that a value was deleted.
const markerTTL = time.Hour

// get returns the value and its revision. A nil value is none.
func (s *Store) get(ctx context.Context, name string) (value []byte, revision uint64, err error) {
	entry, err := s.bucket.Get(ctx, name)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	return append([]byte{}, entry.Value()...), entry.Revision(), nil // not nil, even if it is empty
}

// isOtherRevision reports whether the server has refused a write because the value is not the one
// that was read. A bucket with replicas has a code of its own for it.
func isOtherRevision(err error) bool {
	var refused *jetstream.APIError
	return errors.As(err, &refused) && (refused.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence ||
		refused.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant)
}

// maxKey is the longest key of a store, in bytes.
const maxKey = 512

// nameOf returns the name of key in the bucket. A bucket takes only a few characters in a name. In
// hexadecimal each key has a name of its own.
func nameOf(ctx context.Context, key string) (string, error) {
	if key == "" || len(key) > maxKey {
		return "", fmt.Errorf("the key has %d bytes, and may have 1 to %d", len(key), maxKey)
	}
	return hex.EncodeToString([]byte(key)), ctx.Err()
}

// same tells no value from an empty one.
func same(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }
