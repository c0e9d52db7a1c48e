package tokens

import (
	"context"
	"errors"
	"fmt"
)

// A Store keeps one value per key. The values are the [Manager]'s; a Store does not look into them.
//
// Keys are 1 to 512 bytes, any bytes: a Store escapes or hashes them and never trusts one as a path. One that finds its
// values by a hash keeps the key beside the value and checks it in Load. A value may be empty, which is not the same as
// absent. 64 KiB must fit. The caller keeps its slices, and may change what it passed or got.
//
// All methods may be called at the same time, from any process. They heed ctx; one that has ended before the call
// changes nothing. Package storetest checks all of this.
type Store interface {
	// Load returns the value, not nil even if it is empty, and sees every swap that returned before Load was called, by
	// whichever process: never read from a replica or a cache. A key without a value is an error that wraps ErrNotFound;
	// nothing else is, least of all a value that cannot be read.
	Load(ctx context.Context, key string) ([]byte, error)

	// CompareAndSwap replaces old by new if, and only if, old is the value. A nil old stands for no value; a nil new
	// deletes. It returns nil only when the change would outlive a crash.
	//
	// If the value is neither old nor new, nothing changes and the error wraps ErrConflict. If it is new already, that is
	// success, whatever old says: a swap may be asked for twice, because the answer to the first was lost. Two callers who
	// ask for the same new value cannot be told apart by this; a Manager's values hold random numbers.
	//
	// After any other error nobody knows whether the value was replaced, and it may still be later. Its text says so where
	// the Store can tell. The caller loads, compares and asks again.
	CompareAndSwap(ctx context.Context, key string, old, new []byte) error
}

// A Locker is a [Store] with a lock per key. It is optional: it spares other processes the wait for a dead one.
type Locker interface {
	// Lock waits until the caller alone holds the lock of key, or until ctx ends, which ends no more than the wait. Nothing
	// but unlock, which may be called more than once, and the death of the process frees it: no timeout does. So whoever
	// gets the lock knows that nobody is at work under it any more. The lock keeps nobody from Load and CompareAndSwap. Two
	// keys may share a lock, so hold no more than one at a time.
	Lock(ctx context.Context, key string) (unlock func(), err error)
}

var (
	// ErrNotFound: there is no value for the key.
	ErrNotFound = errors.New("not found")
	// ErrConflict: the value is not the one that was to be replaced. Load it, and decide anew.
	ErrConflict = errors.New("changed by somebody else")
)

// maxKey is how long a key may be, in bytes.
const maxKey = 512

// checkKey returns what is wrong with key, which every Store may hold the caller to.
func checkKey(key string) error {
	switch {
	case key == "":
		return errors.New("the key is empty")
	case len(key) > maxKey:
		return fmt.Errorf("the key has %d bytes, and may have %d", len(key), maxKey)
	}
	return nil
}
