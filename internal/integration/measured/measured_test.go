package measured_test

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/contentstack/csoauth/internal/integration/measured"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWhatIsWrittenIsRead(t *testing.T) {
	report := &measured.Report{
		Machine: "2 cores",
		Tables:  []measured.Table{{Name: "a-1", Header: []string{"x"}, Rows: [][]string{{"1"}}}},
		Charts: []measured.Chart{
			{Name: "a-1", Title: "A", X: "x (s)", Y: "y (s)", LogX: true, Lines: []measured.Line{
				{Name: "one", Points: []measured.Point{{X: 1, Y: 0}}, Dashed: true},
			}},
			{Name: "b", Title: "B", X: "x (s)", Bars: &measured.Bars{
				Categories: []string{"c", "d"}, Reference: 1, ReferenceName: "limit",
				Groups: []measured.Group{{Name: "g", Values: []measured.Spread{{Low: 1, Median: 2, High: 3}, {}}}},
			}},
		},
	}
	file := filepath.Join(t.TempDir(), "a.json")
	require.NoError(t, report.Write(file))
	got, err := measured.Read(file)
	require.NoError(t, err)
	assert.Equal(t, report, got)
}

func TestAnUnknownMemberIsAnError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"machine":"2 cores","pictures":[]}`), 0o600))
	_, err := measured.Read(file)
	assert.ErrorContains(t, err, "pictures")
}

func TestWhatCannotBeShownIsAnError(t *testing.T) {
	line := func(x, y float64) measured.Chart {
		return measured.Chart{Name: "a", LogX: true, Lines: []measured.Line{{Points: []measured.Point{{X: x, Y: y}}}}}
	}
	bars := func(values ...measured.Spread) measured.Chart {
		return measured.Chart{Name: "a", Bars: &measured.Bars{
			Categories: []string{"c"}, Groups: []measured.Group{{Name: "g", Values: values}},
		}}
	}
	charts := func(charts ...measured.Chart) measured.Report { return measured.Report{Machine: "m", Charts: charts} }
	tables := func(tables ...measured.Table) measured.Report { return measured.Report{Machine: "m", Tables: tables} }
	table := measured.Table{Name: "a", Header: []string{"x"}}
	for name, test := range map[string]struct {
		report measured.Report
		want   string // empty: no error
	}{
		"line":                  {charts(line(1, 0)), ""},
		"bar":                   {charts(bars(measured.Spread{Low: 1, Median: 1, High: 1})), ""},
		"no bar":                {charts(bars(measured.Spread{})), ""},
		"table without rows":    {tables(table), ""},
		"no machine":            {measured.Report{}, "machine"},
		"neither":               {charts(measured.Chart{Name: "a"}), "either lines or bars"},
		"name of a folder":      {charts(measured.Chart{Name: "../a"}), "small letters"},
		"chart twice":           {charts(line(1, 0), line(1, 0)), "twice"},
		"table twice":           {tables(table, table), "twice"},
		"short row":             {tables(measured.Table{Name: "a", Header: []string{"x"}, Rows: [][]string{{}}}), "row 1"},
		"no header":             {tables(measured.Table{Name: "a"}), "no header"},
		"zero on a log axis":    {charts(line(0, 0)), "cannot be drawn"},
		"no number":             {charts(line(1, math.NaN())), "cannot be drawn"},
		"line without points":   {charts(measured.Chart{Name: "a", Lines: []measured.Line{{}}}), "no points"},
		"too few bars":          {charts(bars()), "0 values for 1 categories"},
		"quartiles in disorder": {charts(bars(measured.Spread{Low: 2, Median: 1, High: 3})), "in order"},
		"no categories":         {charts(measured.Chart{Name: "a", Bars: &measured.Bars{}}), "no bars"},
	} {
		t.Run(name, func(t *testing.T) {
			err := test.report.Write(filepath.Join(t.TempDir(), "a.json"))
			if test.want == "" {
				assert.NoError(t, err)
			} else {
				assert.ErrorContains(t, err, test.want)
			}
		})
	}
}
