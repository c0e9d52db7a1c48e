//go:build !unix

package main

import "context"

// untilHangUp returns a context that ends when it is told to: here no terminal goes away.
func untilHangUp(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithCancel(ctx)
}
