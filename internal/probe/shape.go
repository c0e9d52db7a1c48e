package probe

import (
	"bytes"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/contentstack/csoauth/internal/observed"
)

// shape returns in which form a response refuses.
func shape(r *response) string {
	if strings.Contains(r.media, "html") {
		return "html"
	}
	if _, ok := r.members["error_message"].(string); ok {
		return "cma"
	}
	switch r.members["message"].(type) {
	case []any:
		return "nestjs-array"
	case string:
		return "nestjs"
	}
	if _, ok := r.members["error"].(string); ok {
		return "oauth"
	}
	return "other"
}

// summary is what a response says, in short.
func summary(m *marks, r *response) string {
	if r.err != nil {
		return "no complete response: " + m.text(whyNone(r.err))
	}
	text := strconv.Itoa(r.status)
	for _, name := range texts {
		words := ""
		switch v := r.members[name].(type) {
		case string:
			words = v
		case []any:
			words = strings.Join(stringsOf(v[:min(len(v), maxElements)]), ", ")
		}
		if words = m.text(words); words != "" {
			return text + ", \"" + strings.ReplaceAll(words, `"`, "'") + "\""
		}
	}
	return strings.TrimSpace(text + " " + http.StatusText(r.status))
}

// saysTheSame reports whether two refusals are the same but for values that the probe has invented.
func saysTheSame(a, b *response) bool {
	return a.status == b.status && bytes.Equal(invention.ReplaceAll(a.body, nil), invention.ReplaceAll(b.body, nil))
}

// invention finds what invented returns.
var invention = regexp.MustCompile(`[0-9a-f]{32}`)

// usualShape returns the form in which the token endpoint has refused at least two of the requests
// of the first step, or "".
func (p *Prober) usualShape() string {
	count := map[string]int{}
	for _, question := range []string{"bad_code", "bad_client", "bad_refresh_token"} {
		if form := p.refused[question]; form != "" {
			if count[form]++; count[form] == 2 {
				return form
			}
		}
	}
	return ""
}

// lookAtRefusal records how the token endpoint responded to a request that it should refuse.
func (p *Prober) lookAtRefusal(question string, r *response) {
	switch p.howOf(r) {
	case grants:
		p.saw(question, "accepted", "", r)
	case refuses:
		p.refused[question] = shape(r)
		p.saw(question, shape(r), said(r), r)
	default:
		p.unclear(question, said(r), r)
	}
}

// judgeLimits concludes which services send headers about a rate limit, once the APIs were asked.
func (p *Prober) judgeLimits() {
	switch {
	case len(p.wire.limits) > 0:
		p.saw("rate_limit_headers", strings.Join(p.wire.limits, ", "), "")
	case p.results["list_skip"].Outcome != observed.NotAsked || p.results["bad_refresh_token"].Outcome != observed.NotAsked:
		p.saw("rate_limit_headers", "none", "")
	}
}

// judgeShapes concludes in which form the token endpoint refuses, from all that it has refused.
func (p *Prober) judgeShapes() {
	var all []string
	var seen []int
	for _, q := range observed.Questions() {
		form, ok := p.refused[q.Name]
		if !ok {
			continue
		}
		seen = append(seen, p.results[q.Name].Seen...)
		if !slices.Contains(all, form) {
			all = append(all, form)
		}
	}
	result := p.results["error_shape"]
	switch len(all) {
	case 0:
	case 1:
		*result = observed.Result{Question: "error_shape", Outcome: observed.Observed, Answer: all[0], Seen: seen}
	default:
		*result = observed.Result{Question: "error_shape", Outcome: observed.Unclear, Note: "It differs: " + strings.Join(all, ", ") + ".", Seen: seen}
	}
}
