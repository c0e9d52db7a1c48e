package main

import (
	"context"
	"fmt"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// What a person clicks on the emulator's pages.
const (
	asAda  = `button[name=user][value=blt00000000000ada01]`
	asAlan = `button[name=user][value=blt0000000000alan02]`
	allow  = `button[name=decision][value=allow]`
	deny   = `button[name=decision][value=deny]`
)

// A tour goes from page to page as a person does, and takes screenshots. After an error it does
// nothing more.
type tour struct {
	s   *studio
	err error
}

// tour begins one in a browser where nobody is logged in.
func (s *studio) tour() *tour {
	t := &tour{s: s}
	t.do("log out", chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, network.ClearBrowserCookies, cdp.Empty{})
		return err
	}))
	return t
}

func (t *tour) do(what string, actions ...chromedp.Action[chromedp.Void]) {
	if t.err != nil {
		return
	}
	if err := t.s.do(t.s.page, append([]chromedp.Action[chromedp.Void]{toFront}, actions...)...); err != nil {
		t.err = fmt.Errorf("%s: %w", what, err)
	}
}

// open opens an address, and waits for the page of that name.
func (t *tour) open(address, name string) {
	t.do("open the page "+name, chromedp.Navigate(address), shows(name))
}

// click clicks, and waits for the page of that name.
func (t *tour) click(css, name string) {
	t.do(fmt.Sprintf("click on %s, to the page %s", css, name), chromedp.Click(css), shows(name))
}

func shows(name string) chromedp.Action[chromedp.Void] {
	return chromedp.Steps(chromedp.WaitVisible(fmt.Sprintf("body[data-page=%q]", name)), loaded)
}

// loaded waits until a page has its style, too.
var loaded = chromedp.Poll[chromedp.Void](`document.readyState === "complete"`)

// shoot takes the screenshots of the page.
func (t *tour) shoot(name, address string, size size) {
	if t.err == nil {
		t.err = t.s.shootPage(name, address, size)
	}
}
