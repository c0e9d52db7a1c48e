package emulator

import (
	"cmp"
	"slices"
	"time"
)

// A Finding is a Rule that a client broke, once or more often.
type Finding struct {
	ID      string    `json:"id"`     // of the Rule
	Client  string    `json:"client"` // client ID; empty if the request named no registered app
	Fault   string    `json:"fault"`  // what the client does wrong
	Source  string    `json:"source"` // who says so
	Refused bool      `json:"refused"`
	Count   int       `json:"count"` // of the requests
	First   time.Time `json:"first"`
	Last    time.Time `json:"last"`
	Request string    `json:"request"` // method and path of the last one
}

// Findings returns the rules that clients broke since the start: a Finding for each rule and
// client, the first found first.
func (e *Emulator) Findings() []Finding {
	return e.log.allFindings()
}

type findingKey struct{ id, client string }

func (l *requestLog) allFindings() []Finding {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := []Finding{}
	for _, f := range l.findings {
		all = append(all, *f)
	}
	slices.SortFunc(all, func(a, b Finding) int {
		return cmp.Or(a.First.Compare(b.First), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Client, b.Client))
	})
	return all
}

// breaks records that the request breaks a rule. It reports whether the request is to be refused
// for it.
func (e *entry) breaks(rule *Rule) bool {
	refused := rule.RefusedBy(e.log.o)
	e.log.mu.Lock()
	defer e.log.mu.Unlock()
	if slices.Contains(e.request.Findings, rule.ID) {
		return refused
	}
	e.request.Findings = append(e.request.Findings, rule.ID)
	key := findingKey{rule.ID, e.request.Client}
	f := e.log.findings[key]
	if f == nil {
		f = &Finding{ID: rule.ID, Client: key.client, Fault: rule.Fault, Source: rule.Source, Refused: refused, First: e.request.Time}
		e.log.findings[key] = f
	}
	f.Count++
	f.Last, f.Request = e.request.Time, e.request.Method+" "+e.request.Path
	return refused
}
