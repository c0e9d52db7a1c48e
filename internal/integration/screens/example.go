package main

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/chromedp/chromedp"
)

// shootExample takes the pages of examples/web, with its own emulator.
func shootExample(ctx context.Context, s *studio) error {
	dir, err := os.MkdirTemp("", "csoauth-screens-web-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "web")
	if err := build(ctx, program, "github.com/contentstack/csoauth/examples/web"); err != nil {
		return err
	}
	web := exec.CommandContext(ctx, program, "-emulator", "-listen", "localhost:8184")
	web.Dir = dir
	if err := web.Start(); err != nil {
		return err
	}
	defer func() {
		_ = web.Process.Signal(os.Interrupt)
		_ = web.Wait() // killed if ctx ends
	}()
	if err := untilServed(ctx, appURL); err != nil {
		return err
	}
	t := s.tour()
	t.do("open the example", chromedp.Navigate(appURL), chromedp.WaitVisible(`a[href="/login"]`), loaded)
	t.shoot("example-home", appURL, card)
	t.do("log in", chromedp.Click(`a[href="/login"]`), shows("login"))
	t.do("log in", chromedp.Click(`button[name=user][value=ada]`), shows("consent"))
	t.do("allow", chromedp.Click(allow), chromedp.WaitVisible("dl"), loaded)
	t.shoot("example-user", appURL, card)
	return t.err
}

// build compiles a program of this repository.
func build(ctx context.Context, to, pkg string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-o", to, pkg)
	cmd.Stderr = os.Stderr
	return cmd.Run()
}

// untilServed waits until someone serves an address.
func untilServed(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			return resp.Body.Close()
		}
		if ctx.Err() != nil {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
}
