package main

import (
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot/font"
)

// widest is how much wider than Liberation Sans a font may be for which all text still has room.
const widest = 1.16

func TestTextOfTimelinesHasRoom(t *testing.T) {
	for _, line := range []timeline{tokenHour(), leaseOfTwo()} {
		for _, s := range line.scenes {
			for _, note := range s.notes {
				assert.Less(t, widthOf(note, 13, false), float64(timelineWidth-2*timelineEdge), note)
			}
			d := drawing{left: timelineEdge}
			if s.lanes[0].name != "" {
				d.left += laneNames
			}
			for _, l := range s.lanes {
				assert.Less(t, widthOf(l.name, 14, true), float64(laneNames), l.name)
				for _, p := range l.spans {
					for i, text := range p.lines() {
						bold := i == 0 && p.name != ""
						assert.Less(t, widthOf(text, 14, bold), d.x(s, p.to)-d.x(s, p.from), text)
					}
				}
			}
		}
	}
}

// widthOf returns how wide a text is in a wide font.
func widthOf(text string, size font.Length, bold bool) float64 {
	f := font.Font{Typeface: "Liberation", Variant: "Sans"}
	if bold {
		f.Weight = xfont.WeightBold
	}
	face := font.DefaultCache.Lookup(f, size)
	return face.Width(text).Points() * widest
}

// TestTimesAreThoseOfPackageTokens compares the pictures with the code.
func TestTimesAreThoseOfPackageTokens(t *testing.T) {
	constants := durations(t, "../../../tokens")
	for name, want := range map[string]time.Duration{
		"defaultSoft":  softWindow,
		"hardWindow":   hardWindow,
		"maxMargin":    margin,
		"defaultLease": leaseLength,
		"minGrace":     minGrace,
	} {
		assert.Equal(t, want, constants[name], name)
	}
	assert.Equal(t, 5*time.Minute+15*time.Second, softLatest)
	assert.Equal(t, 3750*time.Millisecond, grace)
}

// durations returns the constants of a package that are a number of hours, minutes or seconds.
func durations(t *testing.T, dir string) map[string]time.Duration {
	units := map[string]time.Duration{"Hour": time.Hour, "Minute": time.Minute, "Second": time.Second}
	found := map[string]time.Duration{}
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	for _, name := range names {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		for node := range ast.Preorder(file) {
			spec, ok := node.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 {
				continue
			}
			factor := int64(1)
			value := spec.Values[0]
			if product, ok := value.(*ast.BinaryExpr); ok && product.Op == token.MUL {
				if number, ok := product.X.(*ast.BasicLit); ok {
					factor, _ = constant.Int64Val(constant.MakeFromLiteral(number.Value, number.Kind, 0))
				}
				value = product.Y
			}
			if unit, ok := value.(*ast.SelectorExpr); ok {
				found[spec.Names[0].Name] = time.Duration(factor) * units[unit.Sel.Name]
			}
		}
	}
	return found
}
