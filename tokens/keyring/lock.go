package keyring

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	"github.com/contentstack/csoauth/internal/turn"
)

// lock keeps other processes of this user from making the same key. Where there is no place for
// locks, it does not: then two processes that ask for the first time at once may get two keys, of
// which one stays.
func lock(ctx context.Context, service, user string) (unlock func(), err error) {
	folder, err := turn.Folder()
	if err != nil {
		return func() {}, nil
	}
	sum := sha256.Sum256([]byte(service + "\x00" + user))
	unlock, err = turn.New(folder, "key-"+hex.EncodeToString(sum[:8])).Take(ctx, turn.Holder{Program: service, Profile: user}, func(turn.Holder) {})
	switch {
	case err == nil:
		return unlock, nil
	case ctx.Err() != nil:
		return nil, ended(ctx)
	}
	return func() {}, nil
}
