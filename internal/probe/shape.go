package probe

import (
	"net/http"
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
		return "no whole response: " + m.text(whyNone(r.err))
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

// said is a summary as a sentence.
func said(m *marks, r *response) string { return "It said " + summary(m, r) + "." }

// lookAtRefusal records how the token endpoint responded to a request that it should refuse.
func (p *Prober) lookAtRefusal(question string, r *response) {
	switch howOf(r) {
	case grants:
		p.saw(question, "accepted", "", r)
	case refuses:
		p.refused[question] = shape(r)
		p.saw(question, shape(r), said(p.marks, r), r)
	default:
		p.unclear(question, said(p.marks, r), r)
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
