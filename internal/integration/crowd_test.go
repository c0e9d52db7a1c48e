package integration_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

// The crowd: so many processes use the same logins, until the access token of each was replaced so often.
const (
	crowdProcesses = 8
	crowdKeys      = 50
	crowdRotations = 4
	crowdLifetime  = 3 * time.Second
	crowdAnswer    = 200 * time.Millisecond // how long a refresh takes: others find it due meanwhile
	crowdPatience  = 90 * time.Second
)

// TestCrowdRefreshesEachLoginOnce: both servers end a login when a refresh token comes a second time. The processes share nothing but a
// directory.
func TestCrowdRefreshesEachLoginOnce(t *testing.T) {
	t.Parallel()
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			f := newFront(t, s.start(t, crowdLifetime))
			crowdOf(t, f, publicApp)
		})
	}
}

func crowdOf(t *testing.T, f *front, a app) {
	c := f.config(a)
	plan := crowdPlan{URL: f.URL, ClientID: a.clientID, RedirectURI: a.redirectURI, Dir: tokens.Dir(t.TempDir())}
	m := tokens.New(c, plan.Dir, nil)
	before := map[string]int64{}
	for i := range crowdKeys {
		key := fmt.Sprintf("user/%d", i)
		require.NoError(t, m.Put(t.Context(), key, f.logIn(t, c, nil)))
		plan.Keys = append(plan.Keys, key)
		before[key], _ = readRecord(t, plan.Dir, key)
	}
	require.NoError(t, m.Close())

	rotations := func() (all []int64) {
		for _, key := range plan.Keys {
			now, _ := readRecord(t, plan.Dir, key)
			all = append(all, now-before[key])
		}
		return all
	}
	f.slowDown(crowdAnswer)
	began := time.Now()
	stop := startCrowd(t, plan)
	for deadline := time.After(crowdPatience); slices.Min(rotations()) < crowdRotations; {
		select {
		case <-time.After(50 * time.Millisecond):
		case <-deadline:
			require.Fail(t, "not every login is refreshed", "%v times", rotations())
		}
	}
	got := stop()
	took := time.Since(began)

	sum, most := 0, int(took/(crowdLifetime/2))+1
	for i, n := range rotations() {
		sum += int(n)
		assert.LessOrEqual(t, int(n), most, "%s: no more than one refresh for each token that nears its end", plan.Keys[i])
	}
	assert.Equal(t, sum, f.assertNoTokenTwice(t), "as many POSTs as new tokens in the directory")
	t.Logf("%d processes, %d keys, %v: %d refreshes, %d tokens handed out", crowdProcesses, crowdKeys, took.Round(time.Millisecond), sum, got)
	f.slowDown(0)
	for _, key := range plan.Keys {
		_, last := readRecord(t, plan.Dir, key)
		refresh(t, c, &last)
	}
}

// assertNoTokenTwice checks that no refresh token was sent twice, and returns how many were sent.
func (f *front) assertNoTokenTwice(t *testing.T) (sent int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	seen := map[string]bool{}
	for _, form := range f.posts {
		if form.Get("grant_type") == "refresh_token" {
			assert.False(t, seen[form.Get("refresh_token")], "a refresh token was sent twice")
			seen[form.Get("refresh_token")] = true
			sent++
		}
	}
	return sent
}

// readRecord reads what the Manager keeps for key: a number that grows by 1 with each refresh, and the token.
func readRecord(t *testing.T, dir tokens.Dir, key string) (seq int64, token csoauth.Token) {
	t.Helper()
	raw, err := dir.Load(t.Context(), key)
	require.NoError(t, err)
	var record struct {
		Seq   int64           `json:"seq"`
		Token json.RawMessage `json:"token"`
	}
	require.NoError(t, json.Unmarshal(raw, &record))
	require.NoError(t, token.UnmarshalBinary(record.Token))
	return record.Seq, token
}

// A crowdPlan is what a process of the crowd is told on its stdin. It ends when that closes.
type crowdPlan struct {
	URL, ClientID, RedirectURI string
	Dir                        tokens.Dir
	Keys                       []string
}

// A crowdReport is what it has seen, and each failure how often.
type crowdReport struct {
	Tokens   int
	Failures map[string]int
}

// startCrowd starts the processes. stop ends them and returns how many tokens they got; without it, they are killed when the test ends.
func startCrowd(t *testing.T, plan crowdPlan) (stop func() (tokens int)) {
	exe, err := os.Executable()
	require.NoError(t, err)
	told, err := json.Marshal(plan)
	require.NoError(t, err)
	var ends []io.Closer
	var reports []func() crowdReport
	for range crowdProcesses {
		cmd := exec.Command(exe)
		// The race detector would let a process sleep for a second before it ends.
		cmd.Env = append(os.Environ(), childEnv+"=crowd", "GORACE=atexit_sleep_ms=0")
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		stdin, err := cmd.StdinPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		t.Cleanup(func() {
			_ = cmd.Process.Kill() // fails if it has ended, which is as good
			_ = cmd.Wait()
		})
		_, err = stdin.Write(told)
		require.NoError(t, err)
		ends = append(ends, stdin)
		reports = append(reports, func() (report crowdReport) {
			require.NoError(t, cmd.Wait(), "%s", &stderr)
			require.NoError(t, json.Unmarshal(stdout.Bytes(), &report))
			return report
		})
	}
	return func() (tokens int) {
		for _, end := range ends {
			_ = end.Close()
		}
		for _, wait := range reports {
			report := wait()
			assert.Empty(t, report.Failures)
			tokens += report.Tokens
		}
		return tokens
	}
}

// childOfCrowd asks for tokens of random keys without a pause.
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
	c := &csoauth.Config{
		AppUID: "app-uid", ClientID: plan.ClientID, RedirectURI: plan.RedirectURI,
		Endpoints: map[csoauth.Region]csoauth.Endpoints{csoauth.NA: {App: plan.URL}},
	}
	m := tokens.New(c, plan.Dir, nil)
	report := crowdReport{Failures: map[string]int{}}
	for ; ctx.Err() == nil; report.Tokens++ {
		key := plan.Keys[rand.N(len(plan.Keys))]
		asked := time.Now()
		switch token, err := m.Token(context.Background(), key); {
		case err != nil:
			report.Failures[key+": "+err.Error()]++
		case !asked.Before(token.Expiry):
			report.Failures[key+": the token had expired"]++
		}
	}
	if err := m.Close(); err != nil {
		report.Failures[err.Error()]++
	}
	if err := json.NewEncoder(os.Stdout).Encode(report); err != nil {
		os.Exit(1) // nobody listens any more
	}
}
