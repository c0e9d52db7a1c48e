package measured

import (
	"regexp"
	"strings"
)

// Markdown returns the table for a page. Columns of numbers stand at the right.
func (t Table) Markdown() string {
	var b strings.Builder
	row := func(cells []string) {
		b.WriteString("|")
		for _, c := range cells {
			b.WriteString(" " + strings.NewReplacer("|", `\|`, "\n", " ").Replace(c) + " |")
		}
		b.WriteString("\n")
	}
	row(t.Header)
	aligned := make([]string, len(t.Header))
	for i := range t.Header {
		aligned[i] = "---"
		if isNumeric(t.Rows, i) {
			aligned[i] = "--:"
		}
	}
	row(aligned)
	for _, cells := range t.Rows {
		row(cells)
	}
	return b.String()
}

var startsAsNumber = regexp.MustCompile(`^[-+<>≤≥~]? ?[0-9.]`)

// isNumeric reports whether all cells of a column begin with a number, but for empty ones.
func isNumeric(rows [][]string, column int) bool {
	numbers := 0
	for _, cells := range rows {
		switch cell := strings.TrimSpace(cells[column]); {
		case cell == "" || cell == "-" || cell == "–":
		case startsAsNumber.MatchString(cell):
			numbers++
		default:
			return false
		}
	}
	return numbers > 0
}
