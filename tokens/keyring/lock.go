package keyring

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/contentstack/csoauth/internal/turn"
)

// lock keeps other processes of this user from making the same key.
func lock(ctx context.Context, service, user string) (unlock func(), err error) {
	folder, err := turn.Folder()
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(service + "\x00" + user))
	unlock, err = turn.New(folder, "key-"+hex.EncodeToString(sum[:8])).Take(ctx, turn.Holder{Program: service, Profile: user}, func(turn.Holder) {})
	if err != nil {
		return nil, fmt.Errorf("the lock for a new key: %w", err)
	}
	return unlock, nil
}
