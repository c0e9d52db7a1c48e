package integration_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"testing"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

// A storeChild is another process that refreshes one login, and halts on the way.
type storeChild struct{ *child }

// A storePlan is what it is told.
type storePlan struct {
	App, API, AppUID, ClientID, RedirectURI string
	At                                      storeAt
	Key                                     string
	Step                                    string // where it halts: after one of a stepStore, or "before" it, "post" before the POST, "answer" when that was read; empty: nowhere
	Nth                                     int
	Late                                    bool // the POST goes out even if its deadline has passed
}

// A storeReport is what it says at the end.
type storeReport struct {
	Access   string
	Failures []string
	Err      string
	Logout   bool // Err is one
	Close    string
}

func (s *faultSite) plan(key, step string, nth int) storePlan {
	c := s.config
	hosts := c.Endpoints[csoauth.NA]
	return storePlan{
		App: hosts.App, API: hosts.ContentManagement, AppUID: c.AppUID, ClientID: c.ClientID, RedirectURI: c.RedirectURI,
		At: s.at, Key: key, Step: step, Nth: nth,
	}
}

// startStoreChild starts a process, which is dead when the test ends.
func startStoreChild(t *testing.T, plan storePlan) storeChild {
	t.Helper()
	p := storeChild{startChild(t, "store fault")}
	p.tell(plan)
	return p
}

// halted returns when the process has come to its step.
func (p storeChild) halted() {
	p.t.Helper()
	var step string
	p.hear(&step)
}

// childOfStoreFault is that process.
func childOfStoreFault() {
	in := bufio.NewReader(os.Stdin)
	told, err := in.ReadBytes('\n')
	var plan storePlan
	if err != nil || json.Unmarshal(told, &plan) != nil {
		os.Exit(1) // the test has ended before it said anything
	}
	say := func(v any) {
		if json.NewEncoder(os.Stdout).Encode(v) != nil {
			os.Exit(1) // nobody listens any more
		}
	}
	woken := make(chan struct{})
	at := func(step string, nth int) {
		if step != plan.Step || nth != plan.Nth {
			return
		}
		say(step)
		if _, err := in.ReadBytes('\n'); err != nil {
			os.Exit(1)
		}
		close(woken)
	}
	store, end, err := plan.At.open()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	c := &csoauth.Config{
		AppUID: plan.AppUID, ClientID: plan.ClientID, RedirectURI: plan.RedirectURI,
		Endpoints:  map[csoauth.Region]csoauth.Endpoints{csoauth.NA: {App: plan.App, ContentManagement: plan.API}},
		HTTPClient: &http.Client{Transport: stepTransport{at, plan.Late}},
	}
	steps := &stepStore{Store: store, before: func(step string, nth int) { at("before "+step, nth) }, after: at}
	m, err := tokens.New(c, steps, &tokens.Options{Lease: faultLease})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var report storeReport
	token, failures, err := askFor(context.Background(), m, plan.Key)
	report.Failures = failures
	if err != nil {
		report.Err, report.Logout = err.Error(), csoauthLogout(err)
	} else {
		report.Access = token.AccessToken
	}
	if plan.Step != "" {
		<-woken // a caller with a token left does not wait for the refresh
	}
	for _, err := range []error{m.Close(), end()} {
		if err != nil {
			report.Close += err.Error()
		}
	}
	say(report)
}

// A stepTransport reports the first request before it sends it, and when it has read the response.
type stepTransport struct {
	at   func(step string, nth int)
	late bool // it heeds no deadline, as if that had been looked at just before
}

func (s stepTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	s.at("post", 1)
	if s.late {
		r = r.WithContext(context.WithoutCancel(r.Context()))
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	s.at("answer", 1)
	return resp, nil
}
