package emulator

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	h "github.com/contentstack/csoauth/internal/emulator/markup"
)

// activityPage is what pages/log.js asks for: the parts of the index that change.
func activityPage(a activity) page {
	return page{title: "Findings and log", body: h.Group{findingsSection(a), logSection(a)}}
}

func findingsSection(a activity) h.Node {
	count := ""
	if len(a.Findings) > 0 {
		count = strconv.Itoa(len(a.Findings))
	}
	if a.Refused > 0 {
		count += fmt.Sprintf(" (%d refused)", a.Refused)
	}
	return h.Section(h.Class("activity"), h.Aria("labelledby", "findings"),
		h.Div(h.Class("title"),
			h.H2(h.ID("findings"), h.Text("Findings")),
			h.P(h.ID("findings-count"), h.Class("quiet"), h.Text(count)),
		),
		scrollArea("findings-area", "All findings",
			h.Ul(h.ID("findings-list"), mapOr(a.Findings, findingRow, noFindings(a.Total))),
		),
	)
}

func findingRow(f shownFinding) h.Node {
	times := "once"
	if f.Count != 1 {
		times = fmt.Sprintf("%d times", f.Count)
	}
	return h.Li(h.Data("key", f.ID+" "+f.Client), h.If(f.Refused, h.Class("refused")),
		h.P(h.Class("head"),
			ruleID(f.ID, f.Refused), h.Text(" "),
			h.Strong(h.Text(choose(f.Refused, "refused", "not refused"))), h.Text(" "),
			h.Span(h.Text(appName(f.App)+", "+times)),
		),
		h.P(h.Class("fault"), h.Text(f.Fault+" "), h.Span(h.Class("quiet small"), h.Text(f.Source))),
		h.P(h.Class("last quiet"), h.Text("last at "), clock(f.Last), h.Text(": "), inCode(f.Request)),
	)
}

func noFindings(requests int) h.Node {
	if requests > 0 {
		return h.Li(h.Class("none"), h.Text("Nothing wrong so far, in "+countRequests(requests)+"."))
	}
	return h.Li(h.Class("none"),
		h.Text("No client has sent anything to the "), h.A(h.Href("#endpoints"), h.Text("endpoints")),
		h.Text(" yet. If a client does something wrong, it appears here."),
	)
}

func logSection(a activity) h.Node {
	count := countRequests(a.Total)
	if a.Total > a.Most {
		count += fmt.Sprintf(", the latest %d here", a.Most)
	}
	return h.Section(h.Class("activity"), h.Aria("labelledby", "requests"),
		h.Div(h.Class("title"),
			h.H2(h.ID("requests"), h.Text("Log")),
			h.P(h.ID("log-count"), h.Class("quiet"), h.Text(count)),
			h.A(h.Class("skip"), h.Href("#apps"), h.Text("Skip the log")),
		),
		scrollArea("log-area", "All requests, newest first",
			h.P(h.Class("columns"), h.Aria("hidden", "true"),
				h.Map([]string{"Time (UTC)", "Who", "What", "Decision", "Status"}, func(name string) h.Node { return h.Span(h.Text(name)) }),
			),
			h.Ul(h.ID("log"), dataNumber("next", a.Next), dataNumber("total", a.Total), dataNumber("most", a.Most), h.Map(a.Requests, logRow)),
			h.P(h.ID("log-none"), h.If(a.Total == 0, h.Text("Each request appears here, with what the emulator decided."))),
		),
	)
}

// logRow is a request in one line, and all about it behind that.
func logRow(r shownRequest) h.Node {
	decision := r.Decision
	if r.Open {
		decision = "not decided yet"
	}
	return h.Li(dataNumber("number", r.Number), h.Details(
		h.Summary(lines(
			clock(r.Time),
			h.Span(h.Class("who"),
				h.Span(h.Text(appName(r.App))),
				h.If(r.User != "", h.Span(h.Text(", "+r.User))),
			),
			h.Span(h.Class("what"), h.Text(r.What)),
			h.Span(h.Class("decision"),
				h.Span(h.Class("text"), h.Text(decision)),
				h.Map(r.Broken, func(rule brokenRule) h.Node { return h.Group{h.Text(" "), ruleID(rule.ID, rule.Refused)} }),
			),
			h.Span(h.Class("status"), h.If(!r.Open, statusMark(r.Status))),
		)),
		h.Dl(
			codeField("Request", r.Method+" "+r.Path),
			h.If(r.Client != "", codeField("Client ID", r.Client)),
			h.If(len(r.Broken) > 0, field(choose(len(r.Broken) == 1, "Finding", "Findings"), h.Map(r.Broken, brokenRuleInWords))),
			field("Sent", parameters(r.Params)),
			field("Response", parameters(r.Answer)),
		),
	))
}

// statusMark shows a status of an HTTP response. Zero means that there was none.
func statusMark(status int) h.Node {
	switch {
	case status == 0:
		return h.B(h.Class("bad"), h.Text("none"))
	case status >= 400:
		return h.B(h.Class("bad"), h.Text(strconv.Itoa(status)))
	}
	return h.B(h.Class("good"), h.Text(strconv.Itoa(status)))
}

func brokenRuleInWords(rule brokenRule) h.Node {
	return h.Dd(inCode(rule.ID), h.Text(" "+rule.Fault+" "), h.Span(h.Class("quiet"), h.Text(rule.Source)))
}

// parameters shows names and values in the order of the names.
func parameters(values map[string]string) h.Node {
	return mapOr(slices.Sorted(maps.Keys(values)), func(name string) h.Node {
		return h.Dd(h.Code(h.B(h.Text(name)), h.Text(" "+values[name])))
	}, h.Dd(h.Class("quiet"), h.Text("no parameters")))
}

func ruleID(id string, refused bool) h.Node {
	return h.Code(h.Class(choose(refused, "id bad", "id")), h.Text(id))
}

func clock(t time.Time) h.Node {
	return h.Time(h.DateTime(t.UTC().Format("2006-01-02T15:04:05.000Z")), h.Text(t.UTC().Format(time.TimeOnly)))
}

// countRequests returns a number of requests in words, and nothing for none.
func countRequests(n int) string {
	switch n {
	case 0:
		return ""
	case 1:
		return "one request"
	}
	return fmt.Sprintf("%d requests", n)
}

// scrollArea is an area that the keyboard can scroll.
func scrollArea(id, label string, content ...h.Node) h.Node {
	return h.Div(h.Class("scroll"), h.ID(id), h.Role("group"), h.Aria("label", label), h.TabIndex("0"), h.Group(content))
}

func dataNumber(name string, n int) h.Node { return h.Data(name, strconv.Itoa(n)) }
