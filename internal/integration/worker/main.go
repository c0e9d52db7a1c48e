// Worker works at Contentstack for each of many users, round after round, until Ctrl-C. It is examples/worker for more than one
// machine: any number of workers may share a store and its users, and each login is refreshed by one of them at a time.
//
//	go run ./worker --store redis:localhost:6379 --login   let a user log in, and print the user's key
//	go run ./worker --store redis:localhost:6379 KEY...    work for the users with these keys
//
// Package stores says which stores there are, and settings.go what the environment must hold.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/contentstack/csoauth"
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

// run is main without the process. Its error has that of the Manager's Close in it, which names the users whose new tokens are lost.
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
	w := &worker{config: s.config, tokens: tokens.New(s.config, sealed, &tokens.Options{Logger: slog.Default()})}
	defer func() { err = errors.Join(err, w.tokens.Close()) }()
	if s.login {
		return w.login(ctx)
	}
	w.run(ctx, s.users, s.pause)
	return nil
}

// A worker works for users whose tokens a Manager keeps.
type worker struct {
	config *csoauth.Config
	tokens *tokens.Manager
}

// login lets the user at this terminal log in. In a web application, httplogin's OnToken does the same.
func (w *worker) login(ctx context.Context) error {
	token, err := loopback.Login(ctx, w.config, nil)
	if err != nil {
		return err
	}
	key := token.UserUID + "/" + token.OrganizationUID // one login of one user is for one organization
	if err := w.tokens.Put(ctx, key, token); err != nil {
		return err
	}
	fmt.Println(key)
	return nil
}

// atATime is how many users are worked for at the same time.
const atATime = 8

// run works for every user, a few at a time, and again after a pause, until ctx ends.
func (w *worker) run(ctx context.Context, users []string, pause time.Duration) {
	for {
		var round sync.WaitGroup
		places := make(chan struct{}, atATime)
		for _, key := range users {
			places <- struct{}{}
			round.Go(func() {
				w.workFor(ctx, key)
				<-places
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

// workFor does the work of one user. What goes wrong is the user's to mend, by a log-in, or the next round's.
func (w *worker) workFor(ctx context.Context, key string) {
	stacks, err := w.listStacks(ctx, key)
	switch {
	case err == nil:
		slog.Info("worked", "user", key, "stacks", stacks)
	case ctx.Err() != nil: // Ctrl-C
	case errors.Is(err, csoauth.ErrLoginRequired):
		slog.Warn("please log in again", "user", key)
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
	resp, err := w.tokens.Client(key).Do(req) // adds the token, another one if the API answers 401
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
