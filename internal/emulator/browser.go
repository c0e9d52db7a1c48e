package emulator

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
)

// A Visitor is who sits at a Browser and what they decide.
type Visitor struct {
	UserUID         string // empty: the first user
	OrganizationUID string // empty: the one of the consent before, or else the user's first
	Deny            bool
}

// A Browser is a RoundTripper that does what a browser and the person before it do at the emulator:
// it reads the route from behind the #, logs in as the Visitor, and answers the consent form. It
// does nothing anywhere else.
type Browser struct {
	Emulator  string // base URL
	Visitor   Visitor
	Transport http.RoundTripper // nil: http.DefaultTransport
}

// RoundTrip returns the redirect that follows consent in place of the consent form.
func (b *Browser) RoundTrip(req *http.Request) (*http.Response, error) {
	transport := b.Transport
	if transport == nil {
		transport = http.DefaultTransport
	}
	if !strings.HasPrefix(req.URL.String(), b.Emulator+"/") {
		return transport.RoundTrip(req)
	}
	page, err := followHashRoute(req)
	if err != nil {
		return nil, err
	}
	page = page.Clone(page.Context())
	page.AddCookie(&http.Cookie{Name: SessionCookie, Value: cmp.Or(b.Visitor.UserUID, FirstUser)})
	if b.Visitor.Deny || b.Visitor.OrganizationUID != "" {
		page.Header.Set(askHeader, "1") // consent that was given before may not be what this visitor wants
	}
	resp, err := transport.RoundTrip(page)
	if err != nil || resp.Header.Get(pageHeader) != consentPageName {
		return resp, err
	}
	io.Copy(io.Discard, resp.Body) // so that the connection serves again
	resp.Body.Close()

	form := url.Values{"decision": {"allow"}, "user": {b.Visitor.UserUID}, "organization": {b.Visitor.OrganizationUID}}
	if b.Visitor.Deny {
		form.Set("decision", "deny")
	}
	decision, err := http.NewRequestWithContext(req.Context(), http.MethodPost, page.URL.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return nil, fmt.Errorf("emulator: consent: %w", err)
	}
	decision.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return transport.RoundTrip(decision)
}

// hashRoute is the route that pages/route.js follows; no other one may lead a browser anywhere.
var hashRoute = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^!(/apps/[^/?]+/authorize)(\?.*)?$`) })

// followHashRoute does what pages/route.js does in a real browser.
func followHashRoute(req *http.Request) (*http.Request, error) {
	route := hashRoute().FindStringSubmatch(req.URL.EscapedFragment())
	if route == nil || req.URL.Path != "/" {
		return req, nil
	}
	path, query := route[1], route[2]
	if query == "" && req.URL.RawQuery != "" {
		query = "?" + req.URL.RawQuery
	}
	target, err := req.URL.Parse(path + query)
	if err != nil {
		return nil, fmt.Errorf("emulator: the route behind # does not parse")
	}
	page := req.Clone(req.Context())
	page.URL = target
	return page, nil
}

// SentBack opens start in browser, an http.Client with a Browser in it, and follows redirects until
// the emulator at base sends the user back to a redirect URI. It returns the parameters of that
// callback, which is not requested, or the page at which the user is stuck.
func SentBack(ctx context.Context, browser *http.Client, base, start string) (url.Values, *http.Response, error) {
	looker := *browser
	looker.CheckRedirect = func(next *http.Request, via []*http.Request) error {
		here := func(r *http.Request) bool { return strings.HasPrefix(r.URL.String(), base+"/") }
		if here(via[len(via)-1]) && !here(next) {
			return http.ErrUseLastResponse
		}
		return nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, start, nil)
	if err != nil {
		return nil, nil, errors.New("emulator: the address to open does not parse")
	}
	resp, err := looker.Do(req)
	if err != nil {
		return nil, nil, err
	}
	resp.Body.Close()
	back, err := resp.Location()
	if err != nil {
		return nil, resp, nil
	}
	return back.Query(), resp, nil
}
