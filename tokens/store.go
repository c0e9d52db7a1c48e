package tokens

import (
	"context"
	"errors"
	"fmt"
)

// A Store keeps one value per key. The values belong to the Manager, and a Store does not interpret
// them. Package storetest checks every sentence of this contract, except those that it lists.
//
// A key has 1 to 512 bytes of any values, and each key has its own value. A Store must refuse an
// empty key and a longer key, in all methods and at once. The error must be neither ErrNotFound nor
// ErrConflict. A key that the Store cuts off or passes on could be another user's key. A Store must
// escape or hash keys, and never use a key as a path. A Store that finds its values by a hash must
// store the key with the value, and check it in Load.
//
// Values are any bytes. An empty value is not the same as no value. A Store must accept values of
// up to 64 KiB, and may refuse larger ones. A Manager's values are under 4 KiB, unless
// Contentstack's tokens become longer. The caller may change the slices that it passed or received.
// The Store must not change the slices that it was passed, nor their spare capacity.
//
// All methods may be called at the same time, from any process. They return when ctx ends. If ctx
// has ended before the call, nothing changes. The error then wraps the context's error, and neither
// ErrNotFound nor ErrConflict.
type Store interface {
	// Load returns the value, which is not nil even if it is empty. It sees every swap that
	// returned before Load was called, in any process. So it must not read from a replica or a
	// cache.
	//
	// If the key has no value, the error wraps ErrNotFound and not ErrConflict. No other error
	// wraps ErrNotFound. If there is a value that cannot be read, such as one sealed with a lost
	// key, the error wraps ErrUnreadable. Load may return its bytes with that error, and
	// CompareAndSwap then accepts them as old. With any other error the value is nil.
	Load(ctx context.Context, key string) ([]byte, error)

	// CompareAndSwap replaces old with new if, and only if, old is the current value. A nil old
	// means no value. A nil new deletes the value. It returns nil only when the change would
	// survive a crash. If several callers replace the same value with different ones at the same
	// time, exactly one succeeds.
	//
	// If the current value is neither old nor new, nothing changes, and the error wraps ErrConflict
	// and not ErrNotFound. If the current value is already new, CompareAndSwap succeeds, whatever
	// old is: a caller repeats the call if the first response was lost. Two callers with the same
	// new value would therefore both succeed. A Manager's values contain random numbers, so they
	// differ.
	//
	// After any other error, the value may have been replaced, may not have been, or may still be
	// replaced later. The text says which, if the Store knows. The caller loads, compares and tries
	// again.
	CompareAndSwap(ctx context.Context, key string, old, new []byte) error
}

// A Locker is a [Store] with a lock per key. A Store need not be a Locker. With the lock, other
// processes need not wait for the lease of a process that has died.
type Locker interface {
	// Lock waits until only the caller holds the lock of key, or until ctx ends. If ctx ends, the
	// error wraps the context's error. If ctx has ended before the call, Lock takes no lock. The
	// end of ctx does not free a lock that is held. Only unlock and the death of the process free
	// it, and a time-out never does. So a process that gets the lock knows that no other process
	// still works under it.
	//
	// unlock returns at once, and frees only its own lock. It may be called more than once, and
	// from several goroutines. Every waiter gets the lock in the end, in any order. A waiter that
	// has given up does not block the others.
	//
	// Lock takes the same keys as the Store, with or without a value, and creates no value. Load
	// and CompareAndSwap work without the lock, even while another process holds it, and do not
	// free it. Two keys may share a lock, so hold only one lock at a time.
	Lock(ctx context.Context, key string) (unlock func(), err error)
}

var (
	// ErrNotFound: there is no value for the key.
	ErrNotFound = errors.New("not found")
	// ErrUnreadable: there is a value, but it cannot be read. Put and Delete replace it.
	ErrUnreadable = errors.New("the value cannot be read")
	// ErrConflict: the value has changed since the caller loaded it. Load it again, and decide
	// again.
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
		return fmt.Errorf("the key has %d bytes, but at most %d are allowed", len(key), maxKey)
	}
	return nil
}
