package observed

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Markdown returns the report as a page for people, to be attached to an issue.
func (r *Report) Markdown() []byte {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	secret := "sends no client secret, but where a request below has one"
	if r.Secret {
		secret = "sends a client secret"
	}
	line("# What csoauth probe observed\n")
	line("- Date: %s, region `%s`, csoauth %s", r.Date, r.Region, r.Csoauth)
	if !r.Published {
		line("- **This was not Contentstack,** but another server, such as an emulator or a gateway.")
	}
	line("- The app uses PKCE and %s.", secret)
	line("- Requests: %d, and visits of the browser. Questions: %d observed, %d unclear, %d not asked.", r.Requests, r.count(Observed), r.count(Unclear), r.count(NotAsked))
	if r.Stopped != "" {
		line("- **The probe ended early:** %s", r.Stopped)
	}
	if r.Published {
		line("- Contentstack's published hosts were asked:\n\n| host | base URL |\n|---|---|")
		for _, name := range slices.Sorted(maps.Keys(r.Hosts)) {
			line("| %s | %s |", name, r.Hosts[name])
		}
	}
	line("\nThe numbers under \"seen in\" are those of the requests and visits at the end. There, `uid#1` is the UID of the app, " +
		"`client_id#1` its client ID and `redirect_uri#1` its redirect URI. Secrets, names, addresses and identifiers are marks as well. " +
		"So is each word, member and value that csoauth does not know to be harmless (`word#`, `member#`, `text#`, `time#`). " +
		"Equal marks stand for equal values. Requests with lines of the form `name=value` below the headers are forms " +
		"(`application/x-www-form-urlencoded`). Only headers that matter here are shown.")
	for _, group := range groups() {
		if rows := r.rows(group, Observed); len(rows) > 0 {
			line("\n## %s\n\n| question | observed | seen in |\n|---|---|---|", group)
			for _, row := range rows {
				q, _ := Find(row.Question)
				line("| %s | %s | %s |", cell(q.Asks), cell(strings.TrimSpace(q.Says(row.Answer)+" "+row.Note)), numbers(row.Seen))
			}
		}
	}
	for _, outcome := range []Outcome{Unclear, NotAsked} {
		var rows []Result
		for _, group := range groups() {
			rows = append(rows, r.rows(group, outcome)...)
		}
		if len(rows) == 0 {
			continue
		}
		line("\n## %s\n\n| question | why | seen in |\n|---|---|---|", strings.ToUpper(string(outcome[:1]))+string(outcome[1:]))
		for _, row := range rows {
			q, _ := Find(row.Question)
			line("| %s | %s | %s |", cell(q.Asks), cell(row.Note), numbers(row.Seen))
		}
	}
	line("\n## Requests and responses")
	for _, e := range r.Exchanges {
		line("\n### %d. %s\n\n%s after the first:\n\n```text\n%s\n\n%s\n```", e.Number, e.Purpose, e.After, e.Request, e.Response)
	}
	return []byte(b.String())
}

// groups returns the groups of the questions, each once.
func groups() (names []string) {
	for _, q := range questions {
		if !slices.Contains(names, q.Group) {
			names = append(names, q.Group)
		}
	}
	return names
}

func (r *Report) count(o Outcome) (n int) {
	for _, result := range r.Results {
		if result.Outcome == o {
			n++
		}
	}
	return n
}

// rows returns the results of a group that have the outcome.
func (r *Report) rows(group string, o Outcome) (rows []Result) {
	for _, result := range r.Results {
		if q, ok := Find(result.Question); ok && q.Group == group && result.Outcome == o {
			rows = append(rows, result)
		}
	}
	return rows
}

// cell escapes a text for a table.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "<", "&lt;").Replace(text)
}

func numbers(seen []int) string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(seen), " ", ", "), "[]")
}
