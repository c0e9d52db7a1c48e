package probe

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/contentstack/csoauth/internal/useragent"
)

const (
	// pace is the least time from one request to the next.
	pace = time.Second
	// maxRequests is how many requests a probe makes at most.
	maxRequests = 59
	// patience is how long one response may take.
	patience = 30 * time.Second
	// maxBody is how much of a response is read, in bytes.
	maxBody = 4 << 20
	// maxTrouble is how many requests in a row may get no response.
	maxTrouble = 3
)

// errStopped is why nothing more is asked.
var errStopped = errors.New("the probe has ended")

// A wire makes the probe's requests, one after the other: never more than one a second, never more
// than maxRequests, and none after a 429.
type wire struct {
	o         *Options
	transport http.RoundTripper

	began     time.Time // of the first exchange
	last      time.Time // when the latest request began
	requests  int
	trouble   int      // how many in a row got no response
	stopped   string   // why nothing more is sent; empty: it goes on
	limits    []string // services that sent headers about a rate limit
	exchanges []*exchange
}

// An exchange is a request and its response, or a visit of the browser and its callback. It is
// described when all is known that must not be shown.
type exchange struct {
	at      time.Time
	purpose string

	ask  *request
	resp *response

	authorizeURL string // of a visit
	callback     url.Values
	outcome      string // of a visit without a callback
}

// credentials are those of a client.
type credentials struct{ id, secret string }

// A request is one that the probe makes.
type request struct {
	purpose      string
	method       string
	service      string // what the page calls the host
	base, path   string
	query, form  url.Values
	access       string       // the access token; empty: none is sent
	organization string       // the header organization_uid; empty: none
	crossOrigin  bool         // with the headers of a page of another origin
	asJSON       bool         // the form is sent as JSON instead
	basic        *credentials // in an Authorization header; nil: there is none
}

// A response is what came back. It may be nothing.
type response struct {
	number  int // of its exchange
	sent    time.Time
	came    time.Time    // its header, or the error
	tries   atomic.Int32 // how often the Transport has sent the request
	again   int          // how often more than once
	err     error
	status  int
	header  http.Header
	media   string
	body    []byte
	members map[string]any // of a body that is a JSON object
}

func (r *response) ok() bool { return r.err == nil && r.status >= 200 && r.status < 300 }

// refuses reports whether the service may have understood the request and said no.
func (r *response) refuses() bool {
	switch r.status {
	case http.StatusNotFound, http.StatusRequestTimeout, http.StatusProxyAuthRequired, http.StatusMethodNotAllowed:
		return false
	}
	return r.err == nil && r.status >= 400 && r.status < 500
}

func (r *response) text(name string) string {
	text, _ := r.members[name].(string)
	return text
}

// send makes a request. The error of a response that did not come is in the response. An error of
// send means that the probe is over.
func (w *wire) send(ctx context.Context, r *request) (*response, error) {
	if w.stopped == "" && w.requests >= maxRequests {
		w.stopped = fmt.Sprintf("it has made %d requests, which is the most that it makes", maxRequests)
	}
	if w.stopped != "" {
		return nil, errStopped
	}
	if err := w.wait(ctx, w.last.Add(pace)); err != nil {
		return nil, err
	}
	w.last = w.o.Now()
	w.requests++
	again := w.requests
	number := w.record(&exchange{purpose: r.purpose, ask: r})
	if r.method != http.MethodHead { // a check tells of itself
		w.o.Tell("%d. %s", number, r.purpose)
	}
	resp := w.do(ctx, r)
	resp.number = number
	w.requests = max(w.requests, again+resp.again)
	w.exchanges[number-1].resp = resp
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	switch {
	case resp.status == http.StatusTooManyRequests: // also if its body broke off
		w.stopped = "the service said 429, too many requests: try again later"
		return nil, errStopped
	case resp.err != nil:
		if w.trouble++; w.trouble >= maxTrouble {
			w.stopped = fmt.Sprintf("%d requests in a row got no response", maxTrouble)
		}
	default:
		w.trouble = 0
	}
	if resp.header.Get("X-Ratelimit-Limit")+resp.header.Get("X-Ratelimit-Remaining") != "" && !slices.Contains(w.limits, r.service) {
		w.limits = append(w.limits, r.service)
	}
	return resp, nil
}

// wait waits until a time.
func (w *wire) wait(ctx context.Context, until time.Time) error {
	if d := until.Sub(w.o.Now()); d > 0 {
		return w.o.Sleep(ctx, d)
	}
	return ctx.Err()
}

// record begins an exchange and returns its number.
func (w *wire) record(e *exchange) int {
	if w.began.IsZero() {
		w.began = w.o.Now()
	}
	e.at = w.o.Now()
	w.exchanges = append(w.exchanges, e)
	return len(w.exchanges)
}

// do makes the request, without following a redirect.
func (w *wire) do(ctx context.Context, r *request) *response {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("no response within %v", patience))
	defer cancel()
	var body io.Reader
	media := "application/x-www-form-urlencoded"
	switch {
	case r.asJSON:
		media = "application/json"
		members := map[string]string{}
		for name := range r.form {
			members[name] = r.form.Get(name)
		}
		text, _ := json.Marshal(members) // strings always marshal
		body = bytes.NewReader(text)
	case r.form != nil:
		body = strings.NewReader(r.form.Encode())
	}
	address := strings.TrimSuffix(r.base, "/") + r.path
	if len(r.query) > 0 {
		address += "?" + r.query.Encode()
	}
	got := &response{sent: w.o.Now()}
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { got.tries.Add(1) }})
	req, err := http.NewRequestWithContext(ctx, r.method, address, body)
	if err != nil {
		got.err = errors.New("the address does not parse")
		return got
	}
	req.Close, req.GetBody = true, nil // a new connection for each request, so that the Transport repeats none by itself
	req.Header.Set("User-Agent", useragent.Own())
	req.Header.Set("Accept", "application/json")
	if r.form != nil {
		req.Header.Set("Content-Type", media)
	}
	if r.basic != nil {
		req.SetBasicAuth(url.QueryEscape(r.basic.id), url.QueryEscape(r.basic.secret))
	}
	if r.access != "" {
		req.Header.Set("Authorization", "Bearer "+r.access)
	}
	if r.organization != "" {
		req.Header.Set("organization_uid", r.organization)
	}
	if r.crossOrigin {
		req.Header.Set("Origin", origin)
		if r.method == http.MethodOptions {
			req.Header.Set("Access-Control-Request-Method", http.MethodPost)
		}
	}
	resp, err := w.transport.RoundTrip(req)
	got.came = w.o.Now()
	got.again = max(0, int(got.tries.Load())-1)
	if err != nil {
		got.err = err
		return got
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err == nil && len(content) > maxBody {
		err = fmt.Errorf("the response has over %d bytes", maxBody)
	}
	gotMedia, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	got.err, got.status, got.header, got.media, got.body = err, resp.StatusCode, resp.Header, strings.TrimSpace(gotMedia), content
	d := json.NewDecoder(bytes.NewReader(content))
	d.UseNumber()
	_ = d.Decode(&got.members) // another body has no members
	return got
}

// origin is that of a page which the service cannot know.
const origin = "https://app.example.com"
