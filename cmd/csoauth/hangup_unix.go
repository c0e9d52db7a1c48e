//go:build unix

package main

import (
	"context"
	"os/signal"
	"syscall"
)

// untilHangUp returns a context that also ends when the terminal goes away.
func untilHangUp(ctx context.Context) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(ctx, syscall.SIGHUP)
}
