package emulator

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"
)

// activityPage is what pages/log.js asks for: the parts of the index that change.
func activityPage(a activity) g.Node {
	return page{title: "Findings and log", body: g.Group{findingsSection(a), logSection(a)}}
}

func findingsSection(a activity) g.Node {
	count := ""
	if len(a.Findings) > 0 {
		count = strconv.Itoa(len(a.Findings))
	}
	if a.Refused > 0 {
		count += fmt.Sprintf(", %d of them refused", a.Refused)
	}
	return h.Section(h.Class("activity"), h.Aria("labelledby", "findings"),
		h.Div(h.Class("title"),
			h.H2(h.ID("findings"), g.Text("Findings")),
			h.P(h.ID("findings-count"), h.Class("quiet"), g.Text(count)),
		),
		scrollArea("findings-area", "All findings",
			h.Ul(h.ID("findings-list"), mapOr(a.Findings, findingRow, noFindings(a.Total))),
		),
	)
}

func findingRow(f shownFinding) g.Node {
	times := "once"
	if f.Count != 1 {
		times = fmt.Sprintf("%d times", f.Count)
	}
	return h.Li(h.Data("key", f.ID+" "+f.Client), g.If(f.Refused, h.Class("refused")),
		h.P(h.Class("head"),
			ruleID(f.ID, f.Refused), g.Text(" "),
			h.Strong(g.Text(choose(f.Refused, "refused", "not refused"))), g.Text(" "),
			h.Span(g.Text(appName(f.App)+", "+times)),
		),
		h.P(h.Class("fault"), g.Text(f.Fault+" "), h.Span(h.Class("quiet small"), g.Text(f.Source))),
		h.P(h.Class("last quiet"), g.Text("last at "), clock(f.Last), g.Text(": "), inCode(f.Request)),
	)
}

func noFindings(requests int) g.Node {
	if requests > 0 {
		return h.Li(h.Class("none"), g.Text("Nothing wrong so far, in "+countRequests(requests)+"."))
	}
	return h.Li(h.Class("none"),
		g.Text("No client has sent anything to the "), h.A(h.Href("#endpoints"), g.Text("endpoints")),
		g.Text(" yet. If a client does something wrong, it appears here."),
	)
}

func logSection(a activity) g.Node {
	count := countRequests(a.Total)
	if a.Total > a.Most {
		count += fmt.Sprintf(", the latest %d here", a.Most)
	}
	return h.Section(h.Class("activity"), h.Aria("labelledby", "requests"),
		h.Div(h.Class("title"),
			h.H2(h.ID("requests"), g.Text("Log")),
			h.P(h.ID("log-count"), h.Class("quiet"), g.Text(count)),
			h.A(h.Class("skip"), h.Href("#apps"), g.Text("Skip the log")),
		),
		scrollArea("log-area", "All requests, newest first",
			h.P(h.Class("columns"), h.Aria("hidden", "true"),
				g.Map([]string{"Time (UTC)", "Who", "What", "Decision", "Status"}, func(name string) g.Node { return h.Span(g.Text(name)) }),
			),
			h.Ul(h.ID("log"), dataNumber("next", a.Next), dataNumber("total", a.Total), dataNumber("most", a.Most), g.Map(a.Requests, logRow)),
			h.P(h.ID("log-none"), g.If(a.Total == 0, g.Text("Each request appears here, with what the emulator decided."))),
		),
	)
}

// logRow is a request in one line, and all about it behind that.
func logRow(r shownRequest) g.Node {
	decision := r.Decision
	if r.Open {
		decision = "not decided yet"
	}
	return h.Li(dataNumber("number", r.Number), h.Details(
		h.Summary(lines(
			clock(r.Time),
			h.Span(h.Class("who"),
				h.Span(g.Text(appName(r.App))),
				g.If(r.User != "", h.Span(g.Text(", "+r.User))),
			),
			h.Span(h.Class("what"), g.Text(r.What)),
			h.Span(h.Class("decision"),
				h.Span(h.Class("text"), g.Text(decision)),
				g.Map(r.Broken, func(rule brokenRule) g.Node { return g.Group{g.Text(" "), ruleID(rule.ID, rule.Refused)} }),
			),
			h.Span(h.Class("status"), g.If(!r.Open, statusMark(r.Status))),
		)),
		h.Dl(
			codeField("Request", r.Method+" "+r.Path),
			g.If(r.Client != "", codeField("Client ID", r.Client)),
			g.If(len(r.Broken) > 0, field(choose(len(r.Broken) == 1, "Finding", "Findings"), g.Map(r.Broken, brokenRuleInWords))),
			field("Sent", parameters(r.Params)),
			field("Response", parameters(r.Answer)),
		),
	))
}

// statusMark shows a status of an HTTP response. Zero means that there was none.
func statusMark(status int) g.Node {
	switch {
	case status == 0:
		return h.B(h.Class("bad"), g.Text("none"))
	case status >= 400:
		return h.B(h.Class("bad"), g.Text(strconv.Itoa(status)))
	}
	return h.B(h.Class("good"), g.Text(strconv.Itoa(status)))
}

func brokenRuleInWords(rule brokenRule) g.Node {
	return h.Dd(inCode(rule.ID), g.Text(" "+rule.Fault+" "), h.Span(h.Class("quiet"), g.Text(rule.Source)))
}

// parameters shows names and values in the order of the names.
func parameters(values map[string]string) g.Node {
	return mapOr(slices.Sorted(maps.Keys(values)), func(name string) g.Node {
		return h.Dd(h.Code(h.B(g.Text(name)), g.Text(" "+values[name])))
	}, h.Dd(h.Class("quiet"), g.Text("no parameters")))
}

func ruleID(id string, refused bool) g.Node {
	return h.Code(h.Class(choose(refused, "id bad", "id")), g.Text(id))
}

func clock(t time.Time) g.Node {
	return h.Time(h.DateTime(t.UTC().Format("2006-01-02T15:04:05.000Z")), g.Text(t.UTC().Format(time.TimeOnly)))
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
func scrollArea(id, label string, content ...g.Node) g.Node {
	return h.Div(h.Class("scroll"), h.ID(id), h.Role("group"), h.Aria("label", label), h.TabIndex("0"), g.Group(content))
}

func dataNumber(name string, n int) g.Node { return h.Data(name, strconv.Itoa(n)) }
