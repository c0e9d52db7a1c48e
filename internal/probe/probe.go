// Package probe asks a service what no document says about Contentstack's OAuth, and writes down
// what it saw. It makes logins of its own and touches no stored one. Each step is agreed to before,
// because some end a login. It makes at most one request a second, under 60 in all, and none after
// a 429.
//
// What it writes down can be published: secrets, names, e-mail addresses and identifiers are
// replaced by marks that keep equal things equal.
package probe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/internal/observed"
)

// Options are what a probe needs. All are required.
type Options struct {
	Config    *csoauth.Config // the app and its hosts; it must be valid
	Transport http.RoundTripper
	Version   string // of csoauth, for the report
	Published bool   // whether the Config has Contentstack's published hosts
	// Organization is the uid of the organization that the logins must be for. Empty: any.
	Organization string

	// Visit sends the user to an authorize URL, and returns the query of the request to the
	// redirect URI that follows. It returns ErrNobody if the user does not come back.
	Visit func(ctx context.Context, v Visit) (url.Values, error)
	// Agree asks whether the probe may take a step.
	Agree func(ctx context.Context, s Step) (bool, error)
	// Tell tells what the probe does now.
	Tell func(format string, args ...any)

	Now   func() time.Time
	Sleep func(ctx context.Context, d time.Duration) error
}

// Format prints the Options under every verb, without the secrets of the Config.
func (o Options) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "probe.Options{Config:%v Version:%q Published:%t}", o.Config, o.Version, o.Published)
}

// What may come of a visit, besides a callback.
var (
	// ErrNobody: the user did not come back from the browser.
	ErrNobody = errors.New("the user did not return from the browser")
	// ErrNothing: the user has denied the request, and says that the browser did not come back.
	ErrNothing = errors.New("the browser did not come back from the denial")
)

// A Visit is one that the user makes to the authorize page.
type Visit struct {
	URL   string // the authorize URL
	State string // of a callback that belongs to this visit
	Deny  bool   // the user is to deny the request
}

// Format prints the Visit under every verb, without the state, which is also in the URL.
func (v Visit) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "probe.Visit{URL:REDACTED State:REDACTED Deny:%t}", v.Deny)
}

// MarshalText fails: the state is a secret.
func (v Visit) MarshalText() ([]byte, error) { return nil, errors.New("probe: a Visit is not stored") }

// A Step is a part of the probe that the user agrees to.
type Step struct {
	Number, Of int
	Title      string
	Text       string // what it does
	Ends       string // what may end by it; empty: nothing
}

// A Prober is one probe. It is not safe for concurrent use.
type Prober struct {
	o     Options
	c     *csoauth.Config
	hosts csoauth.Endpoints
	token string // the token endpoint
	wire  *wire

	results map[string]*observed.Result
	refused map[string]string // shape of each refusal of the token endpoint, by question

	names    regionNames
	me       string   // uid of the user; empty: not known
	org      string   // uid of the organization; empty: not known
	scopes   []string // of the app; nil: not known
	mine     int      // of the user's organizations; 0: not known
	lost     int      // codes whose exchange may have made a login that nobody has
	lacks403 *response
	logins   []*login
	ended    string // authorization that the probe has ended
}

// Format prints the Prober under every verb, without what it holds: tokens, and what they are for.
func (p *Prober) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "probe.Prober{Requests:%d Logins:%d}", p.wire.requests, len(p.logins))
}

// New returns a Prober, or an error if the Config has no hosts.
func New(o Options) (*Prober, error) {
	hosts, err := o.Config.EndpointsFor(&csoauth.Token{})
	if err != nil {
		return nil, err
	}
	token, err := o.Config.TokenURLFor(&csoauth.Token{})
	if err != nil {
		return nil, err
	}
	p := &Prober{o: o, c: o.Config, hosts: hosts, token: token, results: map[string]*observed.Result{}, refused: map[string]string{}}
	p.wire = &wire{o: &p.o, transport: o.Transport}
	for _, q := range observed.Questions() {
		p.results[q.Name] = &observed.Result{Question: q.Name, Outcome: observed.NotAsked, Note: "The probe did not get that far."}
	}
	for name, why := range unasked {
		p.results[name].Note = why
	}
	return p, nil
}

// unasked are the questions that no probe can ask, and why.
var unasked = map[string]string{
	"refresh_token_lifetime": "It would take weeks or months.",
	"redirect_matching":      "The authorize page shows such an error to the user, and the probe does not see it.",
	"machine_tokens":         "Machine tokens need an app of another kind, which Contentstack enables on request.",
	"install_pkce":           "It needs an app with an app token, and installs it.",
}

// saw records the answer to a question.
func (p *Prober) saw(question, answer, note string, seen ...*response) {
	p.put(question, observed.Observed, answer, note, seen)
}

// unclear records that what came back does not answer a question.
func (p *Prober) unclear(question, why string, seen ...*response) {
	p.put(question, observed.Unclear, "", why, seen)
}

// cannot records why a question is not asked.
func (p *Prober) cannot(why string, questions ...string) {
	for _, question := range questions {
		if r := p.results[question]; r.Outcome == observed.NotAsked {
			r.Note = why
		}
	}
}

func (p *Prober) put(question string, outcome observed.Outcome, answer, note string, seen []*response) {
	r := p.results[question]
	if r == nil {
		panic("probe: there is no question " + question)
	}
	r.Outcome, r.Answer, r.Note, r.Seen = outcome, answer, note, nil
	for _, s := range seen {
		if s != nil && s.number > 0 {
			r.Seen = append(r.Seen, s.number)
		}
	}
}

// A stage is a Step and what it does.
type stage struct {
	step      Step
	questions []string // that it asks
	run       func(ctx context.Context) error
	needs     func() (why string) // why it cannot be taken; nil, or "": it can
}

// Ask takes all steps that the user agrees to. It returns early if ctx ends, or if the probe must
// stop; [Prober.Report] has what was seen until then.
func (p *Prober) Ask(ctx context.Context) error {
	stages := p.stages()
	for i, s := range stages {
		if p.wire.stopped != "" {
			break
		}
		s.step.Number, s.step.Of = i+1, len(stages)
		if s.needs != nil && s.needs() != "" {
			p.cannot(s.needs(), s.questions...)
			continue
		}
		agreed, err := p.o.Agree(ctx, s.step)
		if err != nil {
			return err
		}
		if !agreed {
			p.cannot(fmt.Sprintf("The user did not agree to step %d, %q.", s.step.Number, s.step.Title), s.questions...)
			if i == 0 {
				return nil // nothing can be asked without a login
			}
			continue
		}
		if err := s.run(ctx); err != nil && !errors.Is(err, errStopped) {
			return err
		}
	}
	if p.wire.stopped != "" {
		return fmt.Errorf("the probe ended early: %s", p.wire.stopped)
	}
	return nil
}

// stages are the steps in their order. What ends a login comes late.
func (p *Prober) stages() []stage {
	return []stage{
		{Step{Title: "Log in and look", Text: "Your browser opens: log in and allow the app. Then come about 20 requests that change nothing."},
			slices.Concat(ofLogin, ofRefusals, ofAPIs), p.look, nil},
		{Step{Title: "Refresh", Text: "The login of step 1 is refreshed in all the ways that may go wrong. This may wait 2 minutes for a token to grow old.",
			Ends: "the login of step 1 and, if Contentstack ends more than that, your other logins to this app"}, ofRefresh, p.refresh, nil},
		{Step{Title: "Log in again, with a wrong verifier", Text: "Your browser opens once or twice. The code is sent with a wrong verifier, then with the right one, then again.",
			Ends: "that second login"}, ofCodes, p.codes, nil},
		{Step{Title: "End the authorization", Text: "The app's authorization is ended, as under Authorized Apps in Contentstack. If no login is left to do that with, your browser opens first.",
			Ends: "ALL your logins to this app in this organization, on all machines"}, ofRevoke, p.revoke, nil},
		{Step{Title: "Deny", Text: "Your browser opens: DENY the request this time."}, ofDenial, p.deny, nil},
		{Step{Title: "Log in and clean up", Text: "Your browser opens a last time: allow the app. Then that login is ended as well.",
			Ends: "what the probe has left"}, ofCleaning, p.cleanUp, func() string {
			if p.ended == "" {
				return "No authorization was ended."
			}
			return ""
		}},
	}
}

// Left returns how many logins of the probe may still be alive at the service.
func (p *Prober) Left() (n int) {
	n = p.lost
	for _, l := range p.logins {
		if !l.over {
			n++
		}
	}
	return n
}
