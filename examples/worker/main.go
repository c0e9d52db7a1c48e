// Worker does some work at Contentstack for each of many users, round after round, until Ctrl-C. Its work is to list the
// stacks of the user's organization; yours goes into listStacks.
//
//	go run ./examples/worker -emulator   see it work, without a Contentstack account
//	go run ./examples/worker -login      let a user log in, and print the user's key
//	go run ./examples/worker KEY...      work for the users with these keys
//
// The environment configures all but the first: see settings.go.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	log.SetFlags(log.Ltime)
	slog.SetLogLoggerLevel(slog.LevelDebug) // shows each refresh; a real worker has no need to
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "worker:", err)
		os.Exit(1)
	}
}

// run is main without the process. Its error has that of Close in it, which names the users whose new tokens are lost.
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

// A worker works for users whose tokens a Manager keeps.
type worker struct {
	config *csoauth.Config
	tokens *tokens.Manager
	told   sync.Map // keys of the users who know that they have to log in
}

func newWorker(s *settings) (*worker, error) {
	store, err := tokens.Sealed(tokens.Dir(s.dir), s.sealKeys...)
	if err != nil {
		return nil, err
	}
	return &worker{
		config: s.config,
		tokens: tokens.New(s.config, store, &tokens.Options{Logger: slog.Default()}),
	}, nil
}

// atATime is how many users are worked for at the same time.
const atATime = 8

// run works for every user, a few at a time, and again after a pause, until ctx ends. users returns the keys: a Store does
// not list them, so they are a column of your table of users.
func (w *worker) run(ctx context.Context, s *settings, users func() []string) {
	for n := 1; ; n++ {
		var round sync.WaitGroup
		places := make(chan struct{}, atATime)
		for _, key := range users() {
			places <- struct{}{}
			round.Go(func() {
				w.workFor(ctx, key)
				<-places
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

// workFor does the work of one user, and sees to what goes wrong: the user has to log in, or the next round will do.
func (w *worker) workFor(ctx context.Context, key string) {
	stacks, err := w.listStacks(ctx, key)
	switch {
	case err == nil:
		w.told.Delete(key)
		slog.Info("worked", "user", key, "stacks", stacks)
	case ctx.Err() != nil: // Ctrl-C
	case errors.Is(err, csoauth.ErrLoginRequired):
		if _, told := w.told.LoadOrStore(key, true); !told {
			slog.Info("please log in again", "user", key) // by mail, or at the user's next visit
		}
	default:
		slog.Warn("not this time", "user", key, "err", err)
	}
}

// listStacks is the work: it asks the Content Management API of the user's own region.
func (w *worker) listStacks(ctx context.Context, key string) (names []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	token, err := w.tokens.Token(ctx, key)
	if err != nil {
		return nil, err
	}
	hosts, err := w.config.EndpointsFor(token)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, hosts.ContentManagement+"/v3/stacks", nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("organization_uid", token.OrganizationUID)
	resp, err := w.tokens.Client(key).Do(req) // adds the token, a new one if the API answers 401
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("list stacks: %s", resp.Status)
	}
	var answer struct{ Stacks []struct{ Name string } }
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return nil, fmt.Errorf("list stacks: %w", err)
	}
	for _, stack := range answer.Stacks {
		names = append(names, stack.Name)
	}
	return names, nil
}
