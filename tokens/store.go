package tokens

import (
	"context"
	"errors"
	"fmt"
)

// A Store keeps one value per key. The values are the [Manager]'s; a Store does not look into them.
// Package storetest checks every sentence here, but for those that it lists.
//
// Keys are 1 to 512 bytes, any bytes, and each has a value of its own. A Store must refuse an empty
// key and a longer one, in all methods and at once, with an error that is neither ErrNotFound nor
// ErrConflict: what it cuts off or passes on could be another user's key. It escapes or hashes keys
// and never uses one as a path. A Store that finds its values by a hash keeps the key beside the
// value and checks it in Load.
//
// Values are any bytes. A value may be empty, which is not the same as absent. Values of 64 KiB
// must fit; a Store may refuse larger ones. A Manager's are under 4 KiB, unless Contentstack's
// tokens become longer. The caller may change the slices that it passed or got, and the Store does
// not change those that it was passed, nor the room behind them.
//
// All methods may be called at the same time, from any process. They end when ctx ends. A context
// that has ended before the call changes nothing, and the error wraps that of the context and
// neither ErrNotFound nor ErrConflict.
type Store interface {
	// Load returns the value, which is not nil even if it is empty. It sees every swap that
	// returned before Load was called, in any process, so it must not read from a replica or a
	// cache. If the key has no value, the error wraps ErrNotFound and not ErrConflict. No other
	// error wraps ErrNotFound. A value that is there and cannot be read, such as one that was
	// sealed with a lost key, is an error that wraps ErrUnreadable. Its bytes may be returned
	// beside it, and CompareAndSwap then takes them as old. Beside any other error the value is
	// nil.
	Load(ctx context.Context, key string) ([]byte, error)

	// CompareAndSwap replaces old by new if, and only if, old is the value. A nil old stands for no
	// value; a nil new deletes. It returns nil only when the change would survive a crash. Of
	// several callers who replace the same value at the same time by different ones, exactly one
	// succeeds.
	//
	// If the value is neither old nor new, nothing changes and the error wraps ErrConflict and not
	// ErrNotFound. If it is new already, that is success, whatever old says: a caller asks twice if
	// the first response was lost. This cannot tell two callers with the same new value apart; a
	// Manager's values hold random numbers.
	//
	// After any other error the value may or may not have been replaced, and may still be later.
	// The text says which, if the Store knows. The caller loads, compares and asks again.
	CompareAndSwap(ctx context.Context, key string, old, new []byte) error
}

// A Locker is a [Store] with a lock per key. The lock is optional: with it, other processes need
// not wait for one that has died.
type Locker interface {
	// Lock waits until the caller alone holds the lock of key, or until ctx ends; then the error
	// wraps that of the context. A context that has ended before the call gets no lock. The end of
	// ctx does not free a lock that is held. Only unlock and the death of the process free it, and
	// no time-out. So a process that gets the lock knows that no other works under it any more.
	//
	// unlock returns at once, may be called more than once and from several goroutines, and frees
	// no lock but its own. Everyone who waits gets the lock in the end, in any order; who has given
	// up is in nobody's way.
	//
	// The keys are those of the Store, with a value or without, and Lock makes none. Load and
	// CompareAndSwap work without the lock, also while another holds it, and do not free it. Two
	// keys may share a lock, so hold only one at a time.
	Lock(ctx context.Context, key string) (unlock func(), err error)
}

var (
	// ErrNotFound: there is no value for the key.
	ErrNotFound = errors.New("not found")
	// ErrUnreadable: there is a value, and it cannot be read. Put and Delete replace it.
	ErrUnreadable = errors.New("the value cannot be read")
	// ErrConflict: the value is not the one that was to be replaced. Load it, and decide again.
	ErrConflict = errors.New("another process changed it")
)

// maxKey is how long a key may be, in bytes.
const maxKey = 512

// checkKey returns what is wrong with a key that every Store must refuse.
func checkKey(key string) error {
	switch {
	case key == "":
		return errors.New("the key is empty")
	case len(key) > maxKey:
		return fmt.Errorf("the key has %d bytes, and may have %d", len(key), maxKey)
	}
	return nil
}
