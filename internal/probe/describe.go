package probe

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/contentstack/csoauth/internal/observed"
)

// Report returns what was seen until now.
func (p *Prober) Report() *observed.Report {
	p.judgeShapes()
	p.judgeLimits()
	r := &observed.Report{
		Version: observed.Version, Csoauth: p.o.Version, Date: p.o.Now().UTC().Format(time.DateOnly),
		Region: p.c.Region.String(), Published: p.o.Published, Secret: p.c.ClientSecret != "",
		Requests: p.wire.requests, Stopped: p.wire.stopped,
	}
	if p.o.Published {
		r.Hosts = map[string]string{}
		for _, named := range p.services() {
			r.Hosts[named.name] = named.base
		}
	}
	m := p.marks()
	for i, e := range p.wire.exchanges {
		r.Exchanges = append(r.Exchanges, observed.Exchange{
			Number: i + 1, After: e.at.Sub(p.wire.began).Round(100 * time.Millisecond).String(), Purpose: e.purpose,
			Request: m.askOf(e), Response: m.cameOf(e),
		})
	}
	for _, q := range observed.Questions() {
		result := *p.results[q.Name]
		result.Note = p.fill(m, result.Note)
		r.Results = append(r.Results, result)
	}
	return r
}

// marks returns marks that know all names which came back until now.
func (p *Prober) marks() *marks {
	m := newMarks()
	m.mark("uid", p.c.AppUID)
	m.mark("client_id", p.c.ClientID)
	m.mark("redirect_uri", p.c.RedirectURI)
	m.mark("secret", p.c.ClientSecret)
	if !p.o.Published {
		for _, named := range p.services() {
			if u, err := url.Parse(named.base); err == nil {
				m.mark("host", u.Host)
				m.mark("host", u.Hostname())
			}
		}
	}
	for _, e := range p.wire.exchanges {
		if e.resp != nil {
			m.learn(e.resp.body)
		}
	}
	return m
}

// A note that repeats what a service said has the number of the exchange in it until a report is
// written.
var (
	whatItSaid = regexp.MustCompile("\x00([0-9]+)\x00")
	itsMembers = regexp.MustCompile("\x01([0-9]+)\x01")
)

// quoted stands for what a response says.
func quoted(r *response) string { return fmt.Sprintf("\x00%d\x00", r.number) }

// said is quoted as a sentence.
func said(r *response) string { return "It said " + quoted(r) + "." }

// membersOf stands for the names of a response's members.
func membersOf(r *response) string { return fmt.Sprintf("\x01%d\x01", r.number) }

// fill puts into a note what stands for something in it.
func (p *Prober) fill(m *marks, note string) string {
	response := func(placeholder string) *response {
		n, _ := strconv.Atoi(placeholder[1 : len(placeholder)-1]) // the expression has seen that it is a number
		return p.wire.exchanges[n-1].resp
	}
	note = whatItSaid.ReplaceAllStringFunc(note, func(s string) string { return summary(m, response(s)) })
	return itsMembers.ReplaceAllStringFunc(note, func(s string) string {
		var names []string
		for name := range response(s).members {
			names = append(names, "`"+m.member(name)+"`")
		}
		slices.Sort(names)
		return strings.Join(names, ", ")
	})
}

func (m *marks) askOf(e *exchange) string {
	if e.ask != nil {
		return m.request(e.ask)
	}
	return "The browser opens the authorize URL with\n" + m.params(authorizeQuery(e.authorizeURL), true)
}

func (m *marks) cameOf(e *exchange) string {
	switch {
	case e.ask != nil:
		return m.response(e.ask, e.resp)
	case e.callback != nil:
		return "GET {redirect URI}\n" + m.params(e.callback, false)
	}
	return "(" + e.outcome + ")"
}

// request returns a request as a report shows it.
func (m *marks) request(r *request) string {
	lines := []string{r.method + " {" + r.service + "}" + m.path(r.path)}
	if len(r.query) > 0 {
		lines = append(lines, m.params(r.query, true))
	}
	if r.access != "" {
		lines = append(lines, "Authorization: Bearer "+m.mark("secret", r.access))
	}
	if r.organization != "" {
		lines = append(lines, "organization_uid: "+m.mark("uid", r.organization))
	}
	if r.crossOrigin {
		lines = append(lines, "Origin: (a page of another origin)")
		if r.method == http.MethodOptions {
			lines = append(lines, "Access-Control-Request-Method: POST")
		}
	}
	if r.basic != nil {
		lines = append(lines, "Authorization: Basic (the client ID, and the secret if there is one)")
	}
	if r.asJSON {
		lines = append(lines, "Content-Type: application/json, with these members:")
	}
	if r.form != nil {
		lines = append(lines, m.params(r.form, true))
	}
	return strings.Join(lines, "\n")
}

// response returns the response to a request as a report shows it.
func (m *marks) response(to *request, r *response) string {
	switch {
	case r == nil:
		return "(no response)"
	case r.err != nil:
		return "(no complete response) " + m.text(whyNone(r.err))
	}
	lines := []string{strings.TrimSpace(fmt.Sprintf("%d %s", r.status, http.StatusText(r.status)))}
	if shown := m.headers(r.header); shown != "" {
		lines = append(lines, shown)
	}
	if to.crossOrigin && r.header.Get("Access-Control-Allow-Origin") == "" {
		lines = append(lines, "(no header Access-Control-Allow-Origin)")
	}
	if to.method != http.MethodHead {
		lines = append(lines, m.body(r.media, r.body))
	}
	return strings.Join(lines, "\n")
}

// path returns a path with marks in place of the segments that have one.
func (m *marks) path(path string) string {
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		value, err := url.PathUnescape(segment)
		if err != nil || m.of[value] != "" || !isOfHarmlessWords(value) {
			segments[i] = m.mark("uid", value)
		}
	}
	return strings.Join(segments, "/")
}
