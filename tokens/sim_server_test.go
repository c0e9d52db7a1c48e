package tokens_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// What a region's token endpoint may do for a time instead of its work.
const (
	serverHangs    = "hangs"          // takes the request and never responds
	serverUnknown  = "unknown"        // its name is not found, so nothing is sent
	serverBusy     = "busy"           // 403, 429 or 503, not processed
	serverFails    = "fails"          // 500, not processed
	serverGateway  = "gateway"        // 502 or 504, processed or not
	serverPage     = "page"           // 200 with a page, processed or not
	serverCuts     = "cuts"           // the connection breaks, before it is processed
	serverLoses    = "loses"          // the connection breaks, after it is processed
	serverBreaks   = "breaks"         // the response breaks off, after the new refresh token
	serverErrs     = "errs"           // refuses a refresh token that is good
	apiRejectsGood = "api says 401"   // the API does not take good tokens
	regionNA       = "app"            // by the first part of the host
	regionEU       = "eu-app"         //
	simGrace       = 20 * time.Second // how long a server with grace takes a refresh token again
)

// A region that hangs is what holds others up, so it comes more often.
var serverFaults = []string{serverHangs, serverHangs, serverHangs, serverUnknown, serverBusy, serverFails, serverGateway, serverPage, serverCuts, serverLoses, serverBreaks, serverErrs}

// A simServer is Contentstack: the token endpoints of both regions, and the API.
type simServer struct {
	s       *sim
	grace   bool
	windows simWindows // a fault of a region, by its name

	mu       sync.Mutex
	logins   []*simLogin
	refresh  map[string]simRef
	access   map[string]simRef
	rejected map[simRejection]bool // what the API has said 401 to
}

// A simLogin is what the server knows of a user's login.
type simLogin struct {
	n      int // counts logins: a later one is newer
	key    string
	region string
	pairs  []*simPair // the last is current
	dead   string     // why it has ended; empty: it lives

	wronged time.Duration // when it was refused by mistake

	spoiled bool // a Put has done what it must not (R5): what follows from that counts no more
}

// A simPair is an access token and the refresh token that buys the next pair.
type simPair struct {
	issued time.Duration
	sends  []*simSend // of its refresh token, in the order in which they arrived

	broken   bool // its response broke off, so nobody has its access token
	revoked  bool // the API does not take its access token any more
	rejected bool // the API has said 401 to its access token
}

// A simSend is a refresh token on its way.
type simSend struct {
	at        time.Duration
	by        *simProcess
	lease     *simProcess // whose lease the record had; nil: nobody's
	ended     bool        // it is not under way any more
	known     bool        // the sender knows what became of it
	processed bool        // it bought the next pair
	refused   bool
	delivered time.Duration // when its whole response was; 0: never
}

// A simRef says which pair of which login a token is of.
type simRef struct {
	login *simLogin
	pair  int
}

func (r simRef) current() bool { return r.pair == len(r.login.pairs)-1 }

type simRejection struct {
	by  *simProcess
	ref simRef
}

func newSimServer(s *sim) *simServer {
	return &simServer{s: s, refresh: map[string]simRef{}, access: map[string]simRef{}, rejected: map[simRejection]bool{}}
}

// logIn begins a login, and returns it.
func (v *simServer) logIn(u *simUser) *simLogin {
	v.mu.Lock()
	defer v.mu.Unlock()
	l := &simLogin{n: len(v.logins) + 1, key: u.key, region: u.region}
	v.logins = append(v.logins, l)
	v.issueLocked(l)
	return l
}

// issueLocked gives l its next pair.
func (v *simServer) issueLocked(l *simLogin) {
	l.pairs = append(l.pairs, &simPair{issued: v.s.now()})
	ref := simRef{l, len(l.pairs) - 1}
	v.refresh[ref.refreshToken()], v.access[ref.accessToken()] = ref, ref
}

func (r simRef) refreshToken() string { return fmt.Sprintf("refresh-%d-%d", r.login.n, r.pair) }
func (r simRef) accessToken() string  { return fmt.Sprintf("access-%d-%d", r.login.n, r.pair) }

// revoke ends a login, as an administrator may.
func (v *simServer) revoke(key string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, l := range v.logins {
		if l.key == key && l.dead == "" {
			l.dead = "revoked"
			v.s.trace.add(v.s.now(), "login %d of %s is revoked", l.n, key)
		}
	}
}

// revokeAccess ends the current access token of a user, and not the login.
func (v *simServer) revokeAccess(key string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, l := range v.logins {
		if l.key == key && l.dead == "" {
			l.pairs[len(l.pairs)-1].revoked = true
		}
	}
}

// RoundTrip sends a token request of the process.
func (p *simProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	v, ctx := p.s.server, req.Context()
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	if err := p.enter(ctx); err != nil {
		return nil, err
	}
	form, _ := url.ParseQuery(string(body))
	token := form.Get("refresh_token")
	region, _, _ := strings.Cut(req.URL.Host, ".")
	random := func(n time.Duration, what string) time.Duration { return p.s.random(n, what, p.name, token) }
	fault := v.windows.at(p.s.now(), region, p.replica.n)
	if fault == "" && p.s.profile.server && random(50, "lose one") == 0 {
		fault = []string{serverLoses, serverCuts, serverGateway, serverPage}[random(4, "which")]
		v.windows.add(simWindow{simSpan{p.s.now(), p.s.now()}, region, fault, p.replica.n})
	}
	if fault == serverUnknown { // not a refused connection: the Config would try again, after a random pause
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: req.URL.Host, IsNotFound: true}}
	}
	// From here on the request counts as sent.
	send, ref := v.arrive(p, token)
	defer v.leave(send)
	if ref.login.region != region {
		p.s.violate(elsewhere, p, ref.login.key, "%s goes to %s", token, region)
	}
	if err := p.sleep(ctx, time.Millisecond+random(200*time.Millisecond, "request")); err != nil {
		return nil, err
	}
	processes := fault == "" || fault == serverLoses || fault == serverBreaks ||
		(fault == serverGateway || fault == serverPage || fault == serverHangs) && random(2, "processes") == 0
	var resp *http.Response
	if processes {
		resp = v.process(send, ref)
		p.s.whenProcessed(p)
	}
	switch fault {
	case serverHangs:
		return nil, p.sleep(ctx, simForever)
	case serverCuts, serverLoses:
		return nil, io.ErrUnexpectedEOF
	case serverBusy:
		resp = httpAnswer([]int{403, 429, 503}[random(3, "status")], "text/plain", "busy")
	case serverFails:
		resp = httpAnswer(500, "text/plain", "oops")
	case serverErrs:
		resp = invalidGrant()
	case serverBreaks:
		v.noteBroken(send, ref)
		resp.Body = io.NopCloser(&breaksOff{text: resp.Body, after: "token_type"})
	case serverGateway:
		resp = httpAnswer([]int{502, 504}[random(2, "status")], "text/html", "<p>gateway")
	case serverPage:
		resp = httpAnswer(200, "text/html", "<p>welcome")
	}
	if err := p.sleep(ctx, time.Millisecond+random(200*time.Millisecond, "response")); err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	switch fault {
	case serverErrs:
		send.refused, ref.login.wronged = true, p.s.now()
		fallthrough
	case "", serverBusy, serverFails, serverBreaks:
		if fault == serverBreaks && send.refused {
			break // what is left of a refusal does not say so
		}
		send.known, send.delivered = true, p.s.now()
	}
	p.tell("is answered for %s", token)
	return resp, nil
}

// arrive notes that a refresh token was sent.
func (v *simServer) arrive(p *simProcess, token string) (*simSend, simRef) {
	ref := v.refOf(token)
	send := &simSend{at: v.s.now(), by: p, lease: v.s.store.get(ref.login.key).leaseOf}
	v.s.checkLease(send, ref)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.s.checkSend(send, ref)
	v.s.trace.add(v.s.now(), "%s sends %s", p.name, token)
	pair := ref.login.pairs[ref.pair]
	pair.sends = append(pair.sends, send)
	v.s.count(func(c *simCounts) { c.refreshes++ })
	return send, ref
}

// noteBroken notes that the response with the next pair breaks off.
func (v *simServer) noteBroken(send *simSend, ref simRef) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if send.processed {
		ref.login.pairs[ref.pair+1].broken = true
	}
}

// leave notes that a request with a refresh token has ended.
func (v *simServer) leave(send *simSend) {
	v.mu.Lock()
	defer v.mu.Unlock()
	send.ended = true
}

// breaksOff is a body that ends too early: before a member of the JSON in text.
type breaksOff struct {
	text  io.Reader
	after string
	left  *strings.Reader
}

func (b *breaksOff) Read(p []byte) (int, error) {
	if b.left == nil {
		text, _ := io.ReadAll(b.text)
		head, _, _ := strings.Cut(string(text), b.after)
		b.left = strings.NewReader(head)
	}
	n, err := b.left.Read(p)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// refOf returns which pair a refresh token is of.
func (v *simServer) refOf(token string) simRef {
	v.mu.Lock()
	defer v.mu.Unlock()
	ref, ok := v.refresh[token]
	if !ok {
		panic("the refresh token was made up: " + token)
	}
	return ref
}

// process does what a refresh token asks for, and returns the response.
func (v *simServer) process(send *simSend, ref simRef) *http.Response {
	v.mu.Lock()
	defer v.mu.Unlock()
	l, now := ref.login, v.s.now()
	again := v.grace && !ref.current() && ref.pair == len(l.pairs)-2 && now-l.pairs[ref.pair+1].issued < simGrace
	switch {
	case l.dead == "" && ref.current():
		send.processed = true
		v.issueLocked(l)
	case l.dead == "" && again: // the newest pair once more
	default:
		if l.dead == "" {
			l.dead = "used again"
			v.s.trace.add(now, "login %d of %s ends: %s was used again", l.n, l.key, ref.refreshToken())
			v.s.checkLoss(ref, send)
		}
		send.refused = true
		return invalidGrant()
	}
	newest := simRef{l, len(l.pairs) - 1}
	return jsonAnswer(http.StatusOK, map[string]any{
		"access_token": newest.accessToken(), "refresh_token": newest.refreshToken(), "token_type": "Bearer",
		"expires_in": int((l.pairs[newest.pair].issued + v.s.profile.lives - now).Seconds()),
		"user_uid":   l.key, "organization_uid": "org", "location": location(l.region),
	})
}

func invalidGrant() *http.Response {
	return jsonAnswer(http.StatusBadRequest, map[string]any{"error": "invalid_grant", "error_description": "the refresh token is not good"})
}

func location(region string) string {
	if region == regionEU {
		return "EU"
	}
	return "NA"
}

// simAPI is the API, as a process reaches it.
type simAPI struct {
	p *simProcess
	u *simUser // whose requests they are
}

const (
	simAPIHost   = "api.contentstack.io"
	simElsewhere = "elsewhere.example"
)

func (a simAPI) RoundTrip(req *http.Request) (*http.Response, error) {
	p, v := a.p, a.p.s.server
	if req.Body != nil {
		defer req.Body.Close()
	}
	if err := p.enter(req.Context()); err != nil {
		return nil, err
	}
	token := strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer ")
	p.s.checkBearer(p, a.u, req.URL.Host, token)
	if req.URL.Host == simElsewhere {
		return httpAnswer(http.StatusOK, "text/plain", "hello"), nil
	}
	if err := p.sleep(req.Context(), time.Millisecond+p.s.random(100*time.Millisecond, "api", p.name, token)); err != nil {
		return nil, err
	}
	if v.takesAccess(p, token) {
		if req.URL.Path == "/away" {
			resp := httpAnswer(http.StatusFound, "text/plain", "")
			resp.Header.Set("Location", "https://"+simElsewhere+"/")
			return resp, nil
		}
		return httpAnswer(http.StatusOK, "application/json", "{}"), nil
	}
	return jsonAnswer(http.StatusUnauthorized, map[string]any{"error": "invalid_token", "error_code": 105, "error_message": "the access token is invalid, expired or revoked"}), nil
}

func (v *simServer) takesAccess(p *simProcess, token string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	ref, ok := v.access[token]
	if !ok {
		panic("the access token was made up: " + token)
	}
	over := v.s.now() >= ref.login.pairs[ref.pair].issued+v.s.profile.lives
	pair := ref.login.pairs[ref.pair]
	good := !over && !pair.revoked && ref.login.dead == "" && v.windows.at(v.s.now(), apiRejectsGood, p.replica.n) == ""
	if !good {
		v.rejected[simRejection{p, ref}] = true
		pair.rejected = true
		p.rejections[ref.login.key] = append(p.rejections[ref.login.key], v.s.now())
	}
	return good
}

// live reports whether a refresh token is the current one of a login that lives. wronged is when
// such a one was refused by mistake.
func (v *simServer) live(token string) (live bool, wronged time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	ref, ok := v.refresh[token]
	if !ok {
		return false, 0
	}
	return ref.login.dead == "" && ref.current(), ref.login.wronged
}
