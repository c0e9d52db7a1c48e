package integration_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

// sightings are when access tokens were handed out, by key and token.
type sightings map[string]map[string]sighting

type sighting struct {
	First time.Time // that somebody got it
	Last  time.Time // that somebody asked and then got it
}

func (all sightings) add(key, token string, first, last time.Time) {
	if all[key] == nil {
		all[key] = map[string]sighting{}
	}
	s, ok := all[key][token]
	if !ok || first.Before(s.First) {
		s.First = first
	}
	if last.After(s.Last) {
		s.Last = last
	}
	all[key][token] = s
}

// latest returns how long after somebody got a token somebody else asked and got the one before.
func (all sightings) latest() (late time.Duration) {
	for _, tokens := range all {
		inOrder := slices.SortedFunc(maps.Values(tokens), func(a, b sighting) int { return a.First.Compare(b.First) })
		for i := 1; i < len(inOrder); i++ {
			late = max(late, inOrder[i-1].Last.Sub(inOrder[i].First))
		}
	}
	return late
}

// A crowdPlan is what a process of the crowd is told.
type crowdPlan struct {
	URL, AppUID, ClientID, RedirectURI string
	Store                              string // as stores.Open takes it
	Keys                               []string
}

// A crowdReport is what it has seen, and each failure how often.
type crowdReport struct {
	Tokens   int
	Failures map[string]int
	Seen     sightings
}

// childOfCrowd asks for the tokens of all keys, again and again, until its stdin closes.
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
	report := crowdReport{Failures: map[string]int{}, Seen: sightings{}}
	if err := plan.work(ctx, &report); err != nil {
		report.Failures[err.Error()]++
	}
	if err := json.NewEncoder(os.Stdout).Encode(report); err != nil {
		os.Exit(1) // nobody listens any more
	}
}

func (plan *crowdPlan) work(ctx context.Context, report *crowdReport) (err error) {
	store, closeStore, err := openSealed(context.Background(), plan.Store, nil)
	if err != nil {
		return err
	}
	c := &csoauth.Config{
		AppUID: plan.AppUID, ClientID: plan.ClientID, RedirectURI: plan.RedirectURI,
		Endpoints: map[csoauth.Region]csoauth.Endpoints{csoauth.NA: {App: plan.URL}},
	}
	m := tokens.New(c, store, &tokens.Options{Recheck: crowdRecheck})
	defer func() { err = errors.Join(err, cmp.Or(m.Close(), closeStore())) }()
	var mu sync.Mutex
	ask := func(key string) {
		asked := time.Now()
		token, err := m.Token(context.Background(), key)
		mu.Lock()
		defer mu.Unlock()
		report.Tokens++
		switch {
		case err != nil:
			report.Failures[key+": "+err.Error()]++
			return
		case !asked.Before(token.Expiry):
			report.Failures[key+": the token had expired"]++
		}
		report.Seen.add(key, token.AccessToken, time.Now(), asked)
	}
	var callers sync.WaitGroup
	for range crowdCallers {
		callers.Go(func() {
			for ctx.Err() == nil {
				for _, i := range rand.Perm(len(plan.Keys)) {
					ask(plan.Keys[i])
				}
				select {
				case <-ctx.Done():
				case <-time.After(rand.N(2 * crowdPause)):
				}
			}
		})
	}
	callers.Wait()
	return nil
}
