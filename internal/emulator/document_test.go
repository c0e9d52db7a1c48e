package emulator_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/emulator"
)

// TestDocumentHasEachRuleAndQuestion: docs/emulator.md says what each preset does, and the presets
// do it.
func TestDocumentHasEachRuleAndQuestion(t *testing.T) {
	data, err := os.ReadFile("../../docs/emulator.md")
	require.NoError(t, err)
	document := string(data)
	refused := map[bool]string{true: "refused", false: "passes"}
	for _, rule := range emulator.Rules() {
		require.Contains(t, document, fmt.Sprintf("\n| `%s` | %s | %s | %s | %s |\n", rule.ID,
			refused[rule.RefusedBy(emulator.Strict())], refused[rule.RefusedBy(emulator.Realistic())], rule.Fault, rule.Source))
	}
	realistic := emulator.Realistic().Unknowns
	for _, q := range emulator.Questions() {
		answer := *q.Of(&realistic)
		if answer == "" {
			answer = q.Answers[0]
		}
		row := fmt.Sprintf(" | `--%s` | `%s` | `%s` | `%s` |\n", strings.ReplaceAll(q.Name, "_", "-"), strings.Join(q.Answers, "`, `"), q.Answers[0], answer)
		require.Contains(t, document, row)
	}
}
