package main

import (
	"context"
	"net/http"
	"os"
	"os/signal"
	"reflect"
	"sync"
	"syscall"
	"time"
)

// interrupted is why the context ends at Ctrl-C and SIGTERM.
type interrupted struct{ by os.Signal }

func (i interrupted) Error() string { return i.by.String() }

func (i interrupted) exitCode() int {
	if number := reflect.ValueOf(i.by); number.CanInt() { // a syscall.Signal, which Plan 9 does not have
		return exitInterrupted + int(number.Int())
	}
	return exitInterrupted + 2
}

// patienceAtEnd is how long a command may go on after a signal: to save a token that is on its way,
// and not for output that nobody takes.
const patienceAtEnd = 40 * time.Second

// exitLate ends the program if it does not end by itself.
func exitLate(i interrupted) { time.AfterFunc(patienceAtEnd, func() { os.Exit(i.exitCode()) }) }

type watchKey struct{}

// withSignals returns a context that ends at Ctrl-C and SIGTERM once watch was called. Until then a
// signal ends the program, which nothing suffers from: a command that finds a good token in its
// directory ends before it needs a thread for signals.
//
// exitLate is called when one has come.
func withSignals(ctx context.Context, exitLate func(interrupted)) (_ context.Context, watch func()) {
	ctx, interrupt := context.WithCancelCause(ctx)
	watch = sync.OnceFunc(func() {
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
		go func() {
			caught := <-signals
			signal.Stop(signals) // the next one ends the program at once
			exitLate(interrupted{caught})
			interrupt(interrupted{caught})
		}()
	})
	return context.WithValue(ctx, watchKey{}, watch), watch
}

// watchSignals has the context of a command end at signals from now on.
func watchSignals(ctx context.Context) {
	if watch, ok := ctx.Value(watchKey{}).(func()); ok {
		watch()
	}
}

// A watchingTransport watches signals from its first request on: a token may be on its way then,
// which has to be saved.
type watchingTransport struct {
	command context.Context // the command's
	next    http.RoundTripper
}

func (t *watchingTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	watchSignals(t.command)
	return t.next.RoundTrip(req)
}
