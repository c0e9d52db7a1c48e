package archtest_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// keyFields are what memory knows about a key. view.go reads them, key.go changes them, and no
// other file of package tokens touches them. Its code calls a keyState k.
var keyFields = []string{"mu", "view", "work", "login", "over"}

func TestOnlyKeyChangesAKey(t *testing.T) {
	files, err := filepath.Glob(path.Join(root, "tokens", "*.go"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") || filepath.Base(name) == "key.go" {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		assert.Empty(t, touchesKey(file, filepath.Base(name) == "view.go"), name)
	}
}

func TestTouchesOfAKeyAreFound(t *testing.T) {
	const text = `package tokens

func f(k *keyState) {
	k.mu.Lock()
	k.work.lost = nil
	k.view.Store(nil)
	_ = k.key
	w := k.work
	w.failures++
}
`
	file, err := parser.ParseFile(token.NewFileSet(), "flight.go", text, 0)
	require.NoError(t, err)
	assert.Equal(t, []string{"f touches k.mu", "f touches k.work", "f touches k.view", "f touches k.work"}, touchesKey(file, false))
	assert.Equal(t, []string{"f changes lost", "f calls view.Store", "f changes failures"}, touchesKey(file, true))
}

// touchesKey returns where a file touches a key's fields or, if it may read them, changes them.
func touchesKey(file *ast.File, reads bool) (found []string) {
	for _, decl := range file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok {
			continue
		}
		isOf := func(e ast.Expr, names ...string) bool {
			x, ok := e.(*ast.Ident)
			return ok && slices.Contains(names, x.Name)
		}
		// changed is a field of k or of its work w, to which something is assigned.
		changed := func(to ast.Expr) {
			s, ok := to.(*ast.SelectorExpr)
			if !ok {
				return
			}
			of, nested := s.X.(*ast.SelectorExpr)
			if isOf(s.X, "k", "w") || nested && isOf(of.X, "k") {
				found = append(found, f.Name.Name+" changes "+s.Sel.Name)
			}
		}
		ast.Inspect(f.Body, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				if !reads && isOf(n.X, "k") && slices.Contains(keyFields, n.Sel.Name) {
					found = append(found, f.Name.Name+" touches k."+n.Sel.Name)
				}
				if of, ok := n.X.(*ast.SelectorExpr); reads && ok && isOf(of.X, "k") && of.Sel.Name == "view" && n.Sel.Name == "Store" {
					found = append(found, f.Name.Name+" calls view.Store")
				}
			case *ast.AssignStmt:
				for _, to := range n.Lhs {
					if reads {
						changed(to)
					}
				}
			case *ast.IncDecStmt:
				if reads {
					changed(n.X)
				}
			}
			return true
		})
	}
	return found
}
