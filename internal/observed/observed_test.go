package observed_test

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/contentstack/csoauth/internal/observed"
	_ "github.com/contentstack/csoauth/internal/offline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func report() *observed.Report {
	return &observed.Report{
		Version: observed.Version, Csoauth: "v1.2.3", Date: "2026-11-27", Region: "eu", Published: true, Hosts: map[string]string{"application": "https://eu-app.contentstack.com"}, Secret: true, Requests: 3, Stopped: "a reason",
		Results: []observed.Result{
			{Question: "reuse", Outcome: observed.Observed, Answer: "grace", Note: "It worked | 5s after its use.", Seen: []int{1, 2}},
			{Question: "reuse_grace", Outcome: observed.Observed, Answer: "5s"},
			{Question: "error_shape", Outcome: observed.Observed, Answer: "teapot"},
			{Question: "denial", Outcome: observed.Unclear, Note: "It says <word>."},
			{Question: "cors", Outcome: observed.NotAsked, Note: "No."},
		},
		Exchanges: []observed.Exchange{{Number: 1, After: "0s", Purpose: "A refresh", Request: "POST {token endpoint}", Response: "400 Bad Request"}},
	}
}

func TestReportIsReadAsItWasWritten(t *testing.T) {
	want := report()
	got, err := observed.Read(strings.NewReader(string(want.JSON())))
	require.NoError(t, err)
	assert.Equal(t, want, got)
	word, ok := got.Answer("reuse")
	assert.True(t, ok)
	assert.Equal(t, "grace", word)
	_, ok = got.Answer("denial")
	assert.False(t, ok)
	assert.Zero(t, got.Result("omit"))
}

func TestPageSaysEverything(t *testing.T) {
	page := string(report().Markdown())
	for _, want := range []string{
		"- Date: 2026-11-27, region `eu`, csoauth v1.2.3", "- Contentstack's published hosts were asked:", "| application | https://eu-app.contentstack.com |", "sends a client secret",
		"- Requests: 3, and visits of the browser. Questions: 3 observed, 1 unclear, 1 not asked.", "**The probe ended early:** a reason",
		"| What happens when a refresh token is used a second time? | It works again for a while. It worked \\| 5s after its use. | 1, 2 |",
		"| For how long does a refresh token work again, as far as it was tried? | It is `5s`. |  |", "It is `teapot`.",
		"## Unclear\n", "It says &lt;word>.", "## Not asked\n", "| No. |", "### 1. A refresh\n", "POST {token endpoint}\n\n400 Bad Request\n```",
	} {
		assert.Contains(t, page, want)
	}
	other := report()
	other.Published, other.Hosts, other.Secret, other.Stopped = false, nil, false, ""
	page = string(other.Markdown())
	assert.Contains(t, page, "**This was not Contentstack,** but another server")
	assert.Contains(t, page, "sends no client secret")
	assert.NotContains(t, page, "ended early")
}

// TestFileThatIsNoReport: the error says what is wrong and what to do.
func TestFileThatIsNoReport(t *testing.T) {
	changed := func(change func(*observed.Report)) string {
		r := report()
		change(r)
		return string(r.JSON())
	}
	for _, test := range []struct{ name, text, want string }{
		{"empty", "", "is not JSON: want the observed.json"},
		{"page", "# What csoauth probe observed", "is not JSON"},
		{"array", "[]", "is not JSON"},
		{"null", "null", `there is no member "version"`},
		{"without a version", "{}", `there is no member "version"`},
		{"newer", `{"version":2,"more":1}`, "version 2, and this csoauth reads version 1"},
		{"unknown member", `{"version":1,"colour":"blue"}`, `unknown field "colour"`},
		{"large", strings.Repeat(" ", 5<<20), "over 4194304 bytes"},
		{"date", changed(func(r *observed.Report) { r.Date = "27.11." }), `date "27.11."`},
		{"unknown question", changed(func(r *observed.Report) { r.Results[0].Question = "x" }), `no question "x"`},
		{"twice", changed(func(r *observed.Report) { r.Results[1] = r.Results[0] }), `"reuse" has two results`},
		{"outcome", changed(func(r *observed.Report) { r.Results[0].Outcome = "maybe" }), `outcome "maybe"`},
		{"observed without", changed(func(r *observed.Report) { r.Results[0].Answer = "" }), `"reuse" has an answer and was not observed, or`},
		{"unclear with", changed(func(r *observed.Report) { r.Results[3].Answer = "x" }), `"denial" has an answer and was not observed`},
		{"text", changed(func(r *observed.Report) { r.Results[0].Answer = "<b>" }), `"<b>", which is not valid`},
		{"long", changed(func(r *observed.Report) { r.Results[0].Answer = strings.Repeat("a", 201) }), "not valid"},
		{"no duration", changed(func(r *observed.Report) { r.Results[1].Answer = "soon" }), `"soon": want a duration`},
		{"negative duration", changed(func(r *observed.Report) { r.Results[1].Answer = "-5s" }), `want`},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, err := observed.Read(strings.NewReader(test.text))
			require.ErrorContains(t, err, test.want)
			assert.Nil(t, r)
		})
	}
	_, err := observed.Read(broken{})
	require.ErrorIs(t, err, errBroken)
}

var errBroken = errors.New("broken")

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errBroken }

func TestQuestionsAreWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, q := range observed.Questions() {
		assert.False(t, seen[q.Name], q.Name)
		seen[q.Name] = true
		assert.NotEmpty(t, q.Group)
		assert.True(t, strings.HasSuffix(q.Asks, "?"), q.Asks)
		for _, a := range q.Answers {
			assert.NotEmpty(t, a.Word)
			assert.True(t, strings.HasSuffix(a.Says, "."), a.Says)
			assert.Equal(t, a.Says, q.Says(a.Word))
		}
	}
	_, ok := observed.Find("colour")
	assert.False(t, ok)
}

// TestDocumentHasEveryQuestion: docs/probe.md lists them as they are.
func TestDocumentHasEveryQuestion(t *testing.T) {
	page, err := os.ReadFile("../../docs/probe.md")
	require.NoError(t, err)
	var rows []string
	for _, q := range observed.Questions() {
		rows = append(rows, "| `"+q.Name+"` | "+q.Asks+" |")
	}
	assert.Contains(t, string(page), "\n|---|---|\n"+strings.Join(rows, "\n")+"\n")
}

func FuzzRead(f *testing.F) {
	f.Add(report().JSON())
	f.Add([]byte(`{"version":1,"date":"2026-01-01","results":[{"question":"omit","outcome":"observed","answer":"none"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := observed.Read(strings.NewReader(string(text)))
		if err != nil {
			return
		}
		again, err := observed.Read(strings.NewReader(string(r.JSON())))
		require.NoError(t, err)
		assert.JSONEq(t, string(r.JSON()), string(again.JSON()))
		require.True(t, json.Valid(r.JSON()))
		assert.NotEmpty(t, r.Markdown())
	})
}
