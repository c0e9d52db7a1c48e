package emulator

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
)

// shownRequests is how many requests the index shows at most.
const shownRequests = 300

// An activity is what clients have done, as the index shows it.
type activity struct {
	Findings []shownFinding // the refused ones first, and the newest first among them
	Refused  int            // how many of the Findings are refused
	Requests []shownRequest // the newest first
	Total    int            // number of requests since the start
	Next     int            // where the log goes on: at the oldest of the Requests that is open
	Most     int            // how many requests the index shows at most
}

type shownFinding struct {
	Finding
	App string // name of the client; empty: it is not registered
}

type shownRequest struct {
	Request
	Number int
	App    string // as in a shownFinding
	What   string // what the request is for
	Broken []brokenRule
	Open   bool // not decided yet
}

type brokenRule struct {
	*Rule
	Refused bool
}

// activity returns all findings, and the latest requests from number since on.
func (e *Emulator) activity(since int) activity {
	names := e.appNames()
	requests, next := e.log.since(since)
	a := activity{Total: next, Next: next, Most: shownRequests}
	latest := requests[max(0, len(requests)-shownRequests):]
	for i, r := range slices.Backward(latest) {
		row := shownRequest{Request: r, Number: next - len(latest) + i, App: names[r.Client], What: purpose(r)}
		for _, id := range r.Findings {
			rule, _ := ruleByID(id) // a finding has a rule
			row.Broken = append(row.Broken, brokenRule{rule, rule.RefusedBy(e.o)})
		}
		if row.Open = r.Status == 0 && r.Decision == ""; row.Open {
			a.Next = row.Number
		}
		a.Requests = append(a.Requests, row)
	}
	var others []shownFinding
	for _, f := range slices.Backward(e.Findings()) {
		if f.Refused {
			a.Findings = append(a.Findings, shownFinding{f, names[f.Client]})
		} else {
			others = append(others, shownFinding{f, names[f.Client]})
		}
	}
	a.Refused = len(a.Findings)
	a.Findings = append(a.Findings, others...)
	return a
}

// appNames returns what to call each app, by client ID. It is the app's name, or the client ID if
// the app has no name or shares it.
func (e *Emulator) appNames() map[string]string {
	apps, count := e.Apps(), map[string]int{}
	for _, app := range apps {
		count[app.Name]++
	}
	names := map[string]string{}
	for _, app := range apps {
		names[app.ClientID] = cmp.Or(app.Name, app.ClientID)
		if count[app.Name] > 1 {
			names[app.ClientID] = app.ClientID
		}
	}
	return names
}

// purpose returns what a request is for, in words. For a request to an API, it returns the method
// and the path.
func purpose(r Request) string {
	switch {
	case slices.Contains(TokenPaths(), r.Path):
		switch r.Params["grant_type"] {
		case "authorization_code":
			return "redeem code"
		case "refresh_token":
			return "refresh"
		}
		return "token request"
	case strings.HasSuffix(r.Path, "/introspect"):
		return "introspect token"
	case strings.HasPrefix(r.Path, "/apps/") && strings.HasSuffix(r.Path, "/authorize"):
		switch decision := r.Params["decision"]; {
		case r.Method != http.MethodPost:
			return "authorize"
		case decision == "allow" || decision == "deny":
			return "consent: " + decision
		}
		return "consent"
	}
	return r.Method + " " + shortPath(r.Path)
}

// A line of the log has at most so many characters of a part of a path, which is often a uid, and
// of the path.
const (
	maxPart = 16
	maxPath = 60
)

func shortPath(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if len(part) > maxPart {
			parts[i] = "…"
		}
	}
	short := []rune(strings.Join(parts, "/"))
	if len(short) > maxPath {
		return string(short[:maxPath]) + "…"
	}
	return string(short)
}
