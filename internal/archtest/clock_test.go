package archtest_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// clockReaders are the functions of package time that read a clock. Timers are not among them: they
// measure a length of time, whatever the clock says.
var clockReaders = []string{"Now", "Since", "Until"}

// TestTokensReadTheClockInOnePlace: the simulation gives each Manager a clock of its own, so
// nothing may read another one.
func TestTokensReadTheClockInOnePlace(t *testing.T) {
	names, err := filepath.Glob(root + "/tokens/*.go")
	require.NoError(t, err)
	var found []string
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, nil, 0)
		require.NoError(t, err)
		found = append(found, clockReads(set, file)...)
	}
	assert.Equal(t, []string{"clock.go: now reads time.Now"}, found)
}

func TestClockReadsAreFound(t *testing.T) {
	const text = `package tokens

import (
	clock "time"
)

var made = clock.Now()

func now() clock.Time { return clock.Now() }

func (m *Manager) age() clock.Duration {
	read := clock.Since
	wait := clock.After(clock.Second)
	return read(made)
}

func other(time interface{ Now() }) { time.Now() }
`
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "tokens/planted.go", text, 0)
	require.NoError(t, err)
	assert.Equal(t, []string{
		"planted.go: a declaration reads time.Now",
		"planted.go: now reads time.Now",
		"planted.go: age reads time.Since",
	}, clockReads(set, file))
}

// clockReads returns where file names a function that reads a clock.
func clockReads(set *token.FileSet, file *ast.File) (found []string) {
	imported := ""
	for _, spec := range file.Imports {
		if name, _ := strconv.Unquote(spec.Path.Value); name == "time" {
			imported = "time"
			if spec.Name != nil {
				imported = spec.Name.Name
			}
		}
	}
	if imported == "" {
		return nil
	}
	for _, decl := range file.Decls {
		where := "a declaration"
		if f, ok := decl.(*ast.FuncDecl); ok {
			where = f.Name.Name
		}
		ast.Inspect(decl, func(n ast.Node) bool {
			selector, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			pkg, ok := selector.X.(*ast.Ident)
			if ok && pkg.Name == imported && slices.Contains(clockReaders, selector.Sel.Name) {
				at := path.Base(filepath.ToSlash(set.Position(n.Pos()).Filename))
				found = append(found, fmt.Sprintf("%s: %s reads time.%s", at, where, selector.Sel.Name))
			}
			return true
		})
	}
	return found
}
