package loopback

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"time"

	"github.com/contentstack/csoauth/internal/turn"
)

const (
	poll = 100 * time.Millisecond
	// lastBreath is how long a port may be in use after the login that had it has died.
	lastBreath = 2 * time.Second
)

// takePort listens at the first redirect URI whose port is free, and returns which one that is. If
// another login of this user has a port, and no other port is free, takePort waits for that login.
// leave gives the port to the next login.
func (l *login) takePort(ctx context.Context, t *terminal) (listeners []net.Listener, chosen int, leave func(), err error) {
	failed := make([]error, len(l.uris)) // for as long as this login goes on
	var waitsFor *turn.Holder
	for {
		var holder *turn.Holder // of a port that will be free again
		for i, u := range l.uris {
			if failed[i] != nil {
				continue
			}
			leave, has, died := l.lockPort(u)
			if has != nil {
				holder = has
				continue
			}
			listeners, failed[i] = l.listen(ctx, u)
			for end := time.Now().Add(lastBreath); died && errors.Is(failed[i], ErrPortInUse) && ctx.Err() == nil && time.Now().Before(end); {
				time.Sleep(poll) // the system still closes what it had open
				listeners, failed[i] = l.listen(ctx, u)
			}
			if failed[i] == nil {
				return listeners, i, leave, nil
			}
			leave()
			if ctx.Err() != nil {
				return nil, 0, nil, failed[i]
			}
		}
		switch {
		case holder == nil:
			return nil, 0, nil, together(failed)
		case ctx.Err() != nil && context.Cause(ctx) == ErrTimeout:
			return nil, 0, nil, fmt.Errorf("%w: %v is still logging in", ErrPortInUse, holder)
		case ctx.Err() != nil:
			return nil, 0, nil, ended(ctx)
		case waitsFor == nil || !waitsFor.Is(*holder):
			waitsFor = holder
			t.say("Waiting for %v, which is logging in.", holder)
		}
		select {
		case <-time.After(poll):
		case <-ctx.Done():
		}
	}
}

// lockPort takes the lock of a redirect URI, over all programs of the user. What is scarce is the
// port. holder is the login that has it, if it is not free; died says that the one before has left
// without a word. Where there is no place for locks, logins do not know of each other.
func (l *login) lockPort(u *url.URL) (leave func(), holder *turn.Holder, died bool) {
	folder, err := turn.Folder()
	if err != nil {
		return func() {}, nil, false
	}
	lock := turn.New(folder, "port-"+u.Port())
	before := lock.Holder()
	leave, free, err := lock.Try(turn.Holder{Program: l.o.Program, PID: os.Getpid(), Since: time.Now().Truncate(time.Second)})
	switch {
	case err != nil:
		return func() {}, nil, false
	case !free:
		now := lock.Holder()
		return nil, &now, false
	}
	return leave, nil, before != (turn.Holder{})
}

// listen listens at a redirect URI, or at Options.ListenAt in its place.
func (l *login) listen(ctx context.Context, u *url.URL) ([]net.Listener, error) {
	if l.o.ListenAt == "" {
		return listenAt(ctx, u, listenTCP)
	}
	listener, err := listenTCP(ctx, l.o.ListenAt)
	switch {
	case err == nil:
		return []net.Listener{listener}, nil
	case isInUse(err):
		return nil, inUse(l.o.ListenAt)
	case isRefused(err):
		return nil, refused(l.o.ListenAt, err)
	}
	return nil, err
}

func together(errs []error) (err error) {
	for _, one := range errs {
		if err == nil {
			err = one
		} else {
			err = fmt.Errorf("%w; %w", err, one)
		}
	}
	return err
}
