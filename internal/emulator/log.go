package emulator

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// maxLog is how many requests a log keeps; the oldest go.
const maxLog = 10_000

// A Request is what a client sent, what was decided about it, and the response. Its secrets are
// masked: each stands as *** and eight digits that are the same wherever the same secret occurs in
// this log, and tell nothing else.
type Request struct {
	Time     time.Time         `json:"time"`
	Method   string            `json:"method"`
	Path     string            `json:"path"`
	Client   string            `json:"client"` // client ID of the app that the request is about; empty: of none
	User     string            `json:"user"`   // name of the user who is logged in, or for whom the token is; empty: of none
	Params   map[string]string `json:"params"` // of the query and the form
	Status   int               `json:"status"` // 0: no response
	Decision string            `json:"decision"`
	Answer   map[string]string `json:"answer"`   // the members of the token, or the parameters of the callback
	Findings []string          `json:"findings"` // IDs of the Rules that the request breaks
}

// shown are the parameters whose values are not secret. All others are masked, so that one nobody
// thought of is too.
var shown = []string{
	"grant_type", "client_id", "redirect_uri", "response_type", "scope", "code_challenge_method",
	"decision", "user", "organization", "error", "error_description", "location", "region",
	"token_type", "expires_in", "organization_uid", "user_uid", "authorization_type",
}

type requestLog struct {
	o   Options
	key []byte // of the masks

	mu       sync.Mutex
	entries  []*entry
	dropped  int // how many went before the first of entries
	findings map[findingKey]*Finding
}

// An entry is a Request that is still being decided.
type entry struct {
	log     *requestLog
	request Request
}

func newRequestLog(o Options) *requestLog {
	key := make([]byte, 32)
	rand.Read(key)
	if o.Observe == nil {
		o.Observe = func(Request) {}
	}
	return &requestLog{o: o, key: key, findings: map[findingKey]*Finding{}}
}

func (l *requestLog) begin(r *http.Request) *entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := &entry{l, Request{Time: l.o.Now(), Method: r.Method, Path: r.URL.Path, Params: map[string]string{}, Findings: []string{}}}
	l.entries = append(l.entries, e)
	if len(l.entries) > maxLog {
		l.entries = slices.Clone(l.entries[maxLog/10:])
		l.dropped += maxLog / 10
	}
	return e
}

// about records whose request it is.
func (e *entry) about(app App, user User) {
	e.log.mu.Lock()
	defer e.log.mu.Unlock()
	e.request.Client = app.ClientID
	if user.UID != "" {
		e.request.User = user.Name()
	}
}

// see records parameters of the request.
func (e *entry) see(params url.Values) {
	e.log.mu.Lock()
	defer e.log.mu.Unlock()
	for name := range params {
		e.request.Params[name] = e.log.show(name, params)
	}
}

// answer records the parameters of the response.
func (e *entry) answer(params url.Values) {
	e.log.mu.Lock()
	defer e.log.mu.Unlock()
	e.request.Answer = map[string]string{}
	for name := range params {
		e.request.Answer[name] = e.log.show(name, params)
	}
}

func (e *entry) end(status int, decision string) {
	e.log.mu.Lock()
	e.request.Status, e.request.Decision = status, decision
	decided := e.request.clone()
	e.log.mu.Unlock()
	e.log.o.Observe(decided)
}

// unanswered records that what was decided never got out.
func (e *entry) unanswered() {
	e.log.mu.Lock()
	defer e.log.mu.Unlock()
	e.request.Status, e.request.Answer = 0, nil
	e.request.Decision += " (fault: connection cut before the response)"
}

// show returns a parameter's value if it is no secret. A challenge is one unless it is a hash.
func (l *requestLog) show(name string, params url.Values) string {
	value := params.Get(name)
	if name == "redirect_uri" {
		bare := bareURI(value)
		if bare == value {
			return value
		}
		return bare + l.mask(value)
	}
	if value == "" || slices.Contains(shown, name) || name == "code_challenge" && params.Get("code_challenge_method") == "S256" {
		return value
	}
	return l.mask(value)
}

func (l *requestLog) mask(value string) string {
	mac := hmac.New(sha256.New, l.key)
	mac.Write([]byte(value))
	return "***" + hex.EncodeToString(mac.Sum(nil)[:4])
}

// bareURI returns a URI without what may be secret in it. A client may send the whole callback,
// code and all, as its redirect_uri.
func bareURI(uri string) string {
	bare, _, _ := strings.Cut(uri, "#")
	bare, _, _ = strings.Cut(bare, "?")
	if i := strings.LastIndex(bare, "@"); i >= 0 {
		return ""
	}
	return uri[:len(bare)+min(1, len(uri)-len(bare))] // with the ? or #
}

// Requests returns what clients sent since the start, oldest first, and at most the latest 10,000.
func (e *Emulator) Requests() []Request {
	requests, _ := e.log.since(0)
	return requests
}

// since returns the requests from number n on, as far as they are kept, and the number of the next
// one.
func (l *requestLog) since(n int) (requests []Request, next int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	next = l.dropped + len(l.entries)
	requests = []Request{}
	for _, entry := range l.entries[max(0, min(n, next)-l.dropped):] {
		requests = append(requests, entry.request.clone())
	}
	return requests, next
}

func (r Request) clone() Request {
	r.Params, r.Answer, r.Findings = maps.Clone(r.Params), maps.Clone(r.Answer), slices.Clone(r.Findings)
	return r
}
