// Worker works at Contentstack for each of many users, round after round, until Ctrl-C. It is
// examples/worker for several machines: any number of workers may share a store and its users, and
// only one of them at a time refreshes a login.
//
//	go run ./worker --store redis:localhost:6379 --login   log a user in, and print the user's key
//	go run ./worker --store redis:localhost:6379 KEY...    work for the users with these keys
//
// Package stores lists the stores, and settings.go lists the environment variables.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csapi"
	"github.com/contentstack/csoauth/internal/integration/worker/stores"
	"github.com/contentstack/csoauth/loopback"
	"github.com/contentstack/csoauth/tokens"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(1)
	}
}

// run does what main says. Its error includes the error of the Manager's Close, which names the
// users whose new tokens could not be stored, each by the hash that the log has too.
func run(ctx context.Context, args []string) (err error) {
	s, err := readSettings(args, os.Getenv)
	if err != nil {
		return err
	}
	store, closeStore, err := stores.Open(ctx, s.store)
	if err != nil {
		return fmt.Errorf("--store: %w", err)
	}
	defer func() { err = errors.Join(err, closeStore()) }()
	sealed, err := tokens.Sealed(store, s.sealKeys...)
	if err != nil {
		return err
	}
	manager, err := tokens.New(s.config, sealed, &tokens.Options{Logger: slog.Default()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, manager.Close()) }()
	w := &worker{config: s.config, tokens: manager, apis: csapi.New(s.config, nil, nil)}
	if s.login {
		return w.login(ctx)
	}
	w.run(ctx, s.users, s.pause)
	return nil
}

// A worker works for many users. A Manager keeps their tokens.
type worker struct {
	config *csoauth.Config
	tokens *tokens.Manager
	apis   *csapi.Client // of all users
}

// login logs in the user at this terminal, and stores the token. In a web application, do this in
// httplogin's OnToken.
func (w *worker) login(ctx context.Context) error {
	token, err := loopback.Login(ctx, w.config, nil)
	if err != nil {
		return err
	}
	key := token.UserUID + "/" + token.OrganizationUID // each login is for one user in one organization
	if err := w.tokens.Put(ctx, key, token); err != nil {
		return err
	}
	slog.Info("logged in", "user", key, "key", tokens.KeyHash(key)) // the Manager logs this hash instead of the key
	fmt.Println(key)
	return nil
}

// concurrency is the number of users that the worker works for at the same time.
const concurrency = 8

// run works for all users, then pauses, and starts again, until ctx ends.
func (w *worker) run(ctx context.Context, users []string, pause time.Duration) {
	for {
		var round sync.WaitGroup
		slots := make(chan struct{}, concurrency)
		for _, key := range users {
			slots <- struct{}{}
			round.Go(func() {
				w.workFor(ctx, key)
				<-slots
			})
		}
		round.Wait()
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// workFor does the work for one user. After an error it asks the user to log in again, or leaves
// the work to the next round.
func (w *worker) workFor(ctx context.Context, key string) {
	stacks, err := w.listStacks(ctx, key)
	switch {
	case err == nil:
		slog.Info("worked", "user", key, "stacks", stacks)
	case ctx.Err() != nil: // Ctrl-C
	case errors.Is(err, csoauth.ErrLoginRequired):
		slog.Warn("please log in again", "user", key)
	default:
		slog.Warn("failed, will try again in the next round", "user", key, "err", err)
	}
}

// listStacks is the work. It uses the Content Management API of the user's own region.
func (w *worker) listStacks(ctx context.Context, key string) (names []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for stack, err := range w.apis.For(w.tokens.For(key)).Stacks(ctx) {
		if err != nil {
			return nil, err
		}
		names = append(names, stack.Name)
	}
	return names, nil
}
