package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/contentstack/csoauth/internal/emulator"
)

// loginClient is a command of the scripts: it starts "csoauth emulate" with its arguments on a free
// port, logs in as a program in any language would, with nothing but HTTP, and stops the emulator
// as Ctrl-C does if STOP is INT, and as a service manager does otherwise. It prints what the
// emulator told after its table, and exits with 0 if all went well.
func loginClient() {
	if err := loginWithoutTheLibrary(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func loginWithoutTheLibrary(args []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "csoauth", append([]string{"emulate", "--addr", "127.0.0.1:0"}, args...)...)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	told := map[string]string{}
	lines := bufio.NewReader(stdout)
	for told["User API"] == "" {
		line, err := lines.ReadString('\n')
		if err != nil {
			return errors.Join(err, cmd.Wait())
		}
		name, value := parseRow(line)
		if told[name] == "" {
			told[name] = value
		}
	}
	if err := login(told); err != nil {
		return errors.Join(err, cmd.Process.Kill(), cmd.Wait())
	}
	if err := stopProcess(cmd.Process); err != nil {
		return err
	}
	io.Copy(os.Stdout, lines)
	if err := cmd.Wait(); runtime.GOOS != "windows" {
		return err
	}
	return nil // there it was killed
}

// parseRow reads a row of the table that "csoauth emulate" prints.
func parseRow(line string) (name, value string) {
	columns := regexp.MustCompile(`\s{2,}`).Split(strings.TrimSpace(line), 3)
	if len(columns) < 2 {
		return "", ""
	}
	return columns[0], columns[1]
}

// login sends what the table says; the challenge is plain, and its method left out.
func login(told map[string]string) error {
	verifier := strings.Repeat("0123456789", 5)
	query := url.Values{"response_type": {"code"}, "client_id": {told["Client ID"]}, "redirect_uri": {told["Redirect URIs"]}, "state": {"xyz"}, "code_challenge": {verifier}}
	browser := &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     hostHeader(os.Getenv("HOST")),
	}
	authorize := strings.Replace(strings.TrimSuffix(told["Authorize URL"], "…"), "/#!/", "/", 1)
	resp, err := browser.PostForm(authorize+query.Encode(), url.Values{"decision": {"allow"}})
	if err != nil {
		return err
	}
	resp.Body.Close()
	back, err := resp.Location()
	if err != nil || back.Query().Get("state") != "xyz" {
		return fmt.Errorf("consent page responded with %s and did not redirect with the state", resp.Status)
	}
	resp, err = browser.PostForm(told["Token URL"], url.Values{"grant_type": {"authorization_code"}, "client_id": {told["Client ID"]},
		"redirect_uri": {told["Redirect URIs"]}, "code": back.Query()["code"], "code_verifier": {verifier}})
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the token endpoint responded with %s", resp.Status)
	}
	return nil
}

// A hostHeader is a RoundTripper that sends another Host header, unless it is empty.
type hostHeader string

func (h hostHeader) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Host = cmp.Or(string(h), r.Host)
	return http.DefaultTransport.RoundTrip(r)
}

// stopProcess ends a process with a signal, or kills it where there are none.
func stopProcess(process *os.Process) error {
	if runtime.GOOS == "windows" {
		return process.Kill()
	}
	var signal os.Signal = syscall.SIGTERM
	if os.Getenv("STOP") == "INT" {
		signal = os.Interrupt
	}
	return process.Signal(signal)
}

// browserClient is a command of the scripts that stands for a browser and the person before it: it
// opens an authorize URL, denies what asks for an organization, allows everything else, and follows
// the redirect to the end.
func browserClient() {
	address := os.Args[len(os.Args)-1]
	base, _, _ := strings.Cut(address, "/#!/")
	browser := &http.Client{Transport: &emulator.Browser{Emulator: base, Visitor: emulator.Visitor{Deny: strings.Contains(address, "organization")}}}
	resp, err := browser.Get(address)
	if err != nil || resp.StatusCode != http.StatusOK {
		os.Exit(1)
	}
}
