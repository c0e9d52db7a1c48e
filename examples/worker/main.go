// Worker works at Contentstack for each of many users, round after round, until Ctrl-C. Its work is
// to list the stacks of the user's organization. Put your own work in place of listStacks.
//
//	go run ./examples/worker -emulator   try it without a Contentstack account
//	go run ./examples/worker -login      log a user in, and print the user's key
//	go run ./examples/worker KEY...      work for the users with these keys
//
// The last two need environment variables: settings.go lists them.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csapi"
	"github.com/contentstack/csoauth/tokens"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	log.SetFlags(log.Ltime)
	slog.SetLogLoggerLevel(slog.LevelDebug) // shows each refresh; your worker does not need it
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(1)
	}
}

// run does what main says. Its error includes the error of Close, which names the users whose new
// tokens could not be stored, each by the hash that the log has too.
func run(ctx context.Context, args []string) (err error) {
	s, err := readSettings(args, os.Getenv)
	if err != nil {
		return err
	}
	if s.emulator {
		return runEmulated(ctx, s)
	}
	w, err := newWorker(s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.tokens.Close()) }()
	if s.login {
		_, err := w.login(ctx, nil)
		return err
	}
	w.run(ctx, s, func() []string { return s.users })
	return nil
}

// A worker works for many users. A Manager keeps their tokens.
type worker struct {
	config *csoauth.Config
	tokens *tokens.Manager
	apis   *csapi.Client // of all users
	asked  sync.Map      // keys of the users who were asked to log in again
}

func newWorker(s *settings) (*worker, error) {
	store, err := tokens.Sealed(tokens.Dir(s.dir), s.sealKeys...)
	if err != nil {
		return nil, err
	}
	manager, err := tokens.New(s.config, store, &tokens.Options{Logger: slog.Default()})
	if err != nil {
		return nil, err
	}
	return &worker{config: s.config, tokens: manager, apis: csapi.New(s.config, nil, nil)}, nil
}

// concurrency is the number of users that the worker works for at the same time.
const concurrency = 8

// run works for all users, then pauses, and starts again, until ctx ends. users returns their keys:
// a Store cannot list them, so keep them in your table of users.
func (w *worker) run(ctx context.Context, s *settings, users func() []string) {
	for n := 1; ; n++ {
		var round sync.WaitGroup
		slots := make(chan struct{}, concurrency)
		for _, key := range users() {
			slots <- struct{}{}
			round.Go(func() {
				w.workFor(ctx, key)
				<-slots
			})
		}
		round.Wait()
		if n == s.rounds {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(s.pause):
		}
	}
}

// workFor does the work for one user. After an error it asks the user to log in again, or leaves
// the work to the next round.
func (w *worker) workFor(ctx context.Context, key string) {
	stacks, err := w.listStacks(ctx, key)
	switch {
	case err == nil:
		w.asked.Delete(key)
		slog.Info("worked", "user", key, "stacks", stacks)
	case ctx.Err() != nil: // Ctrl-C
	case errors.Is(err, csoauth.ErrLoginRequired):
		if _, asked := w.asked.LoadOrStore(key, true); !asked {
			slog.Info("please log in again", "user", key) // in your worker: an email, or a note at the next visit
		}
	default:
		slog.Warn("failed, will try again in the next round", "user", key, "err", err)
	}
}

// listStacks is the work. It asks the Content Management API of the user's own region.
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
