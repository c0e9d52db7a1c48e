package clilogin_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/zalando/go-keyring"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/clilogin"
	"github.com/contentstack/csoauth/internal/emulator"
	"github.com/contentstack/csoauth/loopback"
)

const childVariable = "CLILOGIN_TEST_CHILD"

// A child is a run of the program in a process of its own.
type child struct {
	AppUID, ClientID, RedirectURI, Contentstack, Referee, Dir, Profile string
	NoLogin                                                            bool
}

// runChild runs what TestMain finds in the environment.
func runChild(text string) {
	var c child
	err := json.Unmarshal([]byte(text), &c)
	if err == nil {
		var uid string
		uid, err = c.run()
		fmt.Println("user", uid)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(0)
}

// run does what the program does, and returns what it prints.
func (c child) run() (string, error) {
	keyring.MockInitWithError(errors.New("each process would have one of its own"))
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	config := &csoauth.Config{
		AppUID: c.AppUID, ClientID: c.ClientID, RedirectURI: c.RedirectURI, AuthorizeRoute: csoauth.RoutePath,
		Endpoints: map[csoauth.Region]csoauth.Endpoints{csoauth.NA: csoauth.OneHost(c.Contentstack)},
	}
	clilogin.SetForeground(true)
	s, err := clilogin.Open(ctx, config, &clilogin.Options{
		Program: "mytool", Dir: c.Dir, Profile: c.Profile, NoLogin: c.NoLogin,
		Loopback: &loopback.Options{OpenBrowser: c.open, Timeout: time.Minute},
	})
	if err != nil {
		return "", err
	}
	user, err := s.API().User(ctx)
	if err := errors.Join(err, s.Close()); err != nil {
		return "", err
	}
	return user.UID, nil
}

// open is a browser. It tells the referee that it opens, and that it goes back to the program,
// which until then cannot be done with its login.
func (c child) open(ctx context.Context, address string) error {
	c.tell("begin")
	go func() {
		time.Sleep(rand.N(50 * time.Millisecond))
		end := sync.OnceFunc(func() { c.tell("end") })
		browser := &http.Client{Transport: &emulator.Browser{Emulator: c.Contentstack}, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
			if strings.HasPrefix(r.URL.String(), c.RedirectURI) {
				end()
			}
			return nil
		}}
		if resp, err := browser.Get(address); err == nil {
			resp.Body.Close()
		}
	}()
	return nil
}

func (c child) tell(what string) {
	resp, err := http.Get(fmt.Sprint(c.Referee, "/", what, "?pid=", os.Getpid()))
	if err != nil {
		panic(err)
	}
	resp.Body.Close()
}

// A referee knows which processes have a login under way.
type referee struct {
	*httptest.Server
	mu       sync.Mutex
	underWay map[int]bool
	killed   map[int]bool
	dying    int // how many more of those that begin a login are killed at it
	begun    int
	ended    int
	fouls    []string
	kills    sync.WaitGroup
}

func newReferee(t *testing.T) *referee {
	r := &referee{underWay: map[int]bool{}, killed: map[int]bool{}}
	r.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		pid, _ := strconv.Atoi(req.URL.Query().Get("pid"))
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.killed[pid] {
			return // it sent this before it died
		}
		if req.URL.Path == "/end" {
			r.ended++
			delete(r.underWay, pid)
			return
		}
		r.begun++
		if len(r.underWay) > 0 {
			r.fouls = append(r.fouls, fmt.Sprintf("process %d begins while %v are at it", pid, r.underWay))
		}
		r.underWay[pid] = true
		if r.dying > 0 {
			r.dying--
			r.killSoon(pid, 60*time.Millisecond)
		}
	}))
	t.Cleanup(r.Close)
	return r
}

// killSoon ends a process within a time, whatever it is doing then.
func (r *referee) killSoon(pid int, within time.Duration) {
	r.kills.Go(func() {
		time.Sleep(rand.N(within))
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.underWay, pid)
		r.killed[pid] = true
		if p, err := os.FindProcess(pid); err == nil {
			_ = p.Kill() // it may have ended
		}
	})
}

// TestProcesses start together, some are killed at any moment: never are two logins under way, all
// the others have the login, and it is not lost.
//
// Law: R1, R3
func TestProcesses(t *testing.T) {
	m, r := newMachine(t, nil), newReferee(t)
	all := child{
		AppUID: m.config.AppUID, ClientID: m.config.ClientID, RedirectURI: m.config.RedirectURI,
		Contentstack: m.server.URL, Referee: r.URL, Dir: m.o.Dir,
	}
	start := func(c child) (*exec.Cmd, *lockedBuffer) {
		text, err := json.Marshal(c)
		require.NoError(t, err)
		cmd, out := exec.Command(os.Args[0]), new(lockedBuffer)
		cmd.Env = append(os.Environ(), childVariable+"="+string(text))
		cmd.Stdout, cmd.Stderr = out, out
		require.NoError(t, cmd.Start())
		return cmd, out
	}
	const processes, rounds = 20, 2
	for round := range rounds {
		r.mu.Lock()
		r.begun, r.ended, r.dying = 0, 0, 6
		r.mu.Unlock()
		var waits sync.WaitGroup
		for n := range processes {
			c := all
			c.Profile = []string{"one", "two"}[n%2]
			cmd, out := start(c)
			if n%10 == 9 {
				r.killSoon(cmd.Process.Pid, time.Second)
			}
			waits.Go(func() {
				err := cmd.Wait()
				r.mu.Lock()
				defer r.mu.Unlock()
				if !r.killed[cmd.Process.Pid] {
					assert.NoError(t, err, out.String())
					assert.Contains(t, out.String(), "user "+ada)
				}
			})
		}
		waits.Wait()
		r.kills.Wait()
		r.mu.Lock()
		t.Logf("round %d: %d logins begun and %d ended", round, r.begun, r.ended)
		require.Empty(t, r.fouls)
		// A login of each profile, and one more for each process that may have died with it: six
		// whose browser was open, and two at any moment.
		require.LessOrEqual(t, r.ended, 2+6+2)
		require.LessOrEqual(t, r.begun, 2+6+2)
		r.mu.Unlock()
		for _, profile := range []string{"one", "two"} {
			c := all
			c.Profile, c.NoLogin = profile, true
			cmd, out := start(c)
			require.NoError(t, cmd.Wait(), out.String())
			o := m.o
			o.Profile, o.NoLogin = profile, true
			s, err := clilogin.Open(t.Context(), m.config, &o)
			require.NoError(t, err)
			require.NoError(t, s.Forget(t.Context()))
			require.NoError(t, s.Close())
		}
	}
}
