package integration_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

// A crowdPlan is what a process of the crowd is told.
type crowdPlan struct {
	URL, AppUID, ClientID, RedirectURI string
	Store                              string // as stores.Open takes it
	Keys                               []string
}

// A crowdReport is what it has seen.
type crowdReport struct {
	Tokens  int
	Wrong   map[string]int // what must not happen on any machine, and how often it did
	Passing map[string]int // failures that a process may see which gets too little of the processor
}

// childOfCrowd asks for the tokens of all keys, again and again, until its stdin closes. Then it
// gets one of each at last.
func childOfCrowd() {
	var plan crowdPlan
	if err := json.NewDecoder(os.Stdin).Decode(&plan); err != nil {
		os.Exit(1) // the test has ended before it said anything
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	c := crowdMember{report: crowdReport{Wrong: map[string]int{}, Passing: map[string]int{}}}
	if err := c.work(ctx, &plan); err != nil {
		c.report.Wrong[err.Error()]++
	}
	if err := json.NewEncoder(os.Stdout).Encode(&c.report); err != nil {
		os.Exit(1) // nobody listens any more
	}
}

// A crowdMember is one process of the crowd.
type crowdMember struct {
	manager *tokens.Manager

	mu     sync.Mutex
	report crowdReport
}

func (c *crowdMember) work(ctx context.Context, plan *crowdPlan) (err error) {
	store, closeStore, err := openSealed(context.Background(), plan.Store, nil)
	if err != nil {
		return err
	}
	c.manager, err = tokens.New(&csoauth.Config{
		AppUID: plan.AppUID, ClientID: plan.ClientID, RedirectURI: plan.RedirectURI,
		Endpoints: map[csoauth.Region]csoauth.Endpoints{csoauth.NA: {App: plan.URL}},
	}, store, &tokens.Options{Recheck: time.Second})
	if err != nil {
		return errors.Join(err, closeStore())
	}
	defer func() { err = errors.Join(err, cmp.Or(c.manager.Close(), closeStore())) }()
	var callers sync.WaitGroup
	for range crowdCallers {
		callers.Go(func() {
			for ctx.Err() == nil {
				for _, i := range rand.Perm(len(plan.Keys)) {
					c.take(plan.Keys[i])
				}
				select {
				case <-ctx.Done():
				case <-time.After(rand.N(2 * crowdPause)):
				}
			}
		})
	}
	callers.Wait()
	for _, key := range plan.Keys {
		for end := time.Now().Add(crowdPatience); !c.take(key); time.Sleep(50 * time.Millisecond) {
			if time.Now().After(end) {
				return errors.New(key + ": no token any more")
			}
		}
	}
	return nil
}

// take asks for a token of key, and reports whether there was one. The login is alive, so a failure
// other than its end may be the machine's doing.
func (c *crowdMember) take(key string) bool {
	asked := time.Now()
	token, err := c.manager.Token(context.Background(), key)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err == nil && asked.Before(token.Expiry):
		c.report.Tokens++
	case err == nil:
		c.report.Wrong[key+": the token had expired"]++
	case csoauthLogout(err):
		c.report.Wrong[key+": "+err.Error()]++
	default:
		c.report.Passing[err.Error()]++
	}
	return err == nil
}
