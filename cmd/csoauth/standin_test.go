package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/contentstack/csoauth/internal/emulator"
)

// A standIn is the Contentstack of one script. The script's command "contentstack" does something
// to it:
//
//	contentstack start [MEMBER]  serves at $SERVER an app whose redirect URI is $REDIRECT_URI; its
//	                             tokens come without the member
//	contentstack stop            cannot be reached any more
//	contentstack back            can be reached again
//	contentstack revoke          ends all logins
//	contentstack expire          ends all access tokens
//	contentstack fail METHOD PATH STATUS [BODY]   how it responds to that the next time, or, if
//	                             PATH ends in a star, to all that begin like it from now on
//	contentstack clean           fails if the emulator found that the client does something wrong
//	contentstack requests FILE   writes what it was asked since the last time: method, URI as it
//	                             came, and a few headers
type standIn struct {
	emulator *emulator.Emulator
	server   *httptest.Server

	mu       sync.Mutex
	failures []failure
	asked    []string
}

type failure struct {
	method, path string
	status       string
	body         string
}

type standInKey struct{}

func newStandIn(env *testscript.Env) *standIn {
	s := &standIn{}
	env.Defer(func() {
		if s.server != nil {
			s.server.Close()
		}
	})
	return s
}

var scriptCommands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"contentstack": func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) == 0 {
			ts.Fatalf("usage: contentstack start|stop|back|revoke|expire|fail|requests")
		}
		s := ts.Value(standInKey{}).(*standIn)
		switch args[0] {
		case "start":
			ts.Check(s.start(ts, args[1:]))
		case "stop":
			s.server.CloseClientConnections()
			s.server.Listener.Close()
		case "back":
			ts.Check(s.serve(strings.TrimPrefix(ts.Getenv("SERVER"), "http://")))
		case "revoke":
			s.emulator.Revoke("")
		case "expire":
			s.emulator.Expire("")
		case "fail":
			s.mu.Lock()
			defer s.mu.Unlock()
			s.failures = append(s.failures, failure{args[1], args[2], args[3], strings.Join(args[4:], " ")})
		case "clean":
			for _, f := range s.emulator.Findings() {
				ts.Fatalf("the emulator has a finding: %s, %s", f.ID, f.Request)
			}
		case "requests":
			s.mu.Lock()
			defer s.mu.Unlock()
			ts.Check(writeFile(ts.MkAbs(args[1]), strings.Join(s.asked, "")))
			s.asked = nil
		default:
			ts.Fatalf("contentstack %s: there is no such command", args[0])
		}
	},
	"spoil": spoil, "write": write, "terminal": terminal,
}

func (s *standIn) start(ts *testscript.TestScript, omitted []string) error {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	redirectURI := "http://" + free.Addr().String() + "/callback"
	app := emulator.DefaultApp()
	app.RedirectURIs = []string{redirectURI}
	o, err := emulator.Preset("strict")
	if err != nil {
		return err
	}
	o.Apps, o.Unknowns.Omit = []emulator.App{app}, omitted
	if s.emulator, err = emulator.New(o); err != nil {
		return err
	}
	if err := free.Close(); err != nil {
		return err
	}
	if err := s.serve("127.0.0.1:0"); err != nil {
		return err
	}
	ts.Setenv("SERVER", "http://"+s.server.Listener.Addr().String())
	ts.Setenv("REDIRECT_URI", redirectURI)
	ts.Setenv("APP_UID", app.UID)
	ts.Setenv("CLIENT_ID", app.ClientID)
	ts.Setenv("CLIENT_SECRET", app.ClientSecret)
	return nil
}

func (s *standIn) serve(address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	s.server = httptest.NewUnstartedServer(http.HandlerFunc(s.handle))
	if err := s.server.Listener.Close(); err != nil {
		return err
	}
	s.server.Listener = listener
	s.server.Start()
	return nil
}

func (s *standIn) handle(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	line := fmt.Sprintf("%s %s", r.Method, r.RequestURI)
	for _, name := range []string{"Api_key", "Branch", "Organization_uid", "Content-Type", "X-Own"} {
		if value := r.Header.Get(name); value != "" {
			line += fmt.Sprintf(" %s=%s", strings.ToLower(name), value)
		}
	}
	s.asked = append(s.asked, line+"\n")
	answer, fails := s.failure(r)
	s.mu.Unlock()
	if !fails {
		s.emulator.ServeHTTP(w, r)
		return
	}
	n, _ := io.Copy(io.Discard, r.Body)
	if strings.HasPrefix(answer.body, "<") {
		w.Header().Set("Content-Type", "text/html")
	} else {
		w.Header().Set("Content-Type", "application/json")
	}
	status := 0
	fmt.Sscan(answer.status, &status)
	w.WriteHeader(status)
	io.WriteString(w, strings.ReplaceAll(answer.body, "BYTES", fmt.Sprint(n)))
}

// failure returns the response to a request that does not go to the emulator. One whose path ends
// in a star is for all that begin like it. Otherwise it counts once.
func (s *standIn) failure(r *http.Request) (failure, bool) {
	for i, f := range s.failures {
		prefix, isPrefix := strings.CutSuffix(f.path, "*")
		switch {
		case f.method != r.Method:
		case isPrefix && strings.HasPrefix(r.RequestURI, prefix):
			return f, true
		case f.path == r.RequestURI:
			s.failures = append(s.failures[:i:i], s.failures[i+1:]...)
			return f, true
		}
	}
	return failure{}, false
}

func writeFile(path, text string) error { return os.WriteFile(path, []byte(text), 0o600) }

// spoil replaces the login in a profile's directory with rubbish.
func spoil(ts *testscript.TestScript, _ bool, args []string) {
	files, err := filepath.Glob(filepath.Join(ts.MkAbs(args[0]), "428821350e9691491f616b754cd8315fb86d797ab35d843479e732ef90665324.token"))
	ts.Check(err)
	if len(files) != 1 {
		ts.Fatalf("no login in %s", args[0])
	}
	ts.Check(writeFile(files[0], "rubbish"))
}

// write writes its arguments into a file, one behind the other. They may have Go's escapes, and
// utf16: before a text that is to be in UTF-16.
func write(ts *testscript.TestScript, _ bool, args []string) {
	var content []byte
	for _, arg := range args[1:] {
		if text, ok := strings.CutPrefix(arg, "utf16:"); ok {
			for _, c := range []byte(text) {
				content = append(content, c, 0)
			}
			continue
		}
		text, err := strconv.Unquote(`"` + arg + `"`)
		ts.Check(err)
		content = append(content, text...)
	}
	ts.Check(writeFile(ts.MkAbs(args[0]), string(content)))
}
