package archtest_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pureFiles decide, and do nothing else: no lock, no clock, no store, no goroutine.
var pureFiles = []string{"tokens/policy.go", "tokens/reconcile.go"}

// pureImports are what they may import. net/http is there for the names of status codes.
var pureImports = []string{"cmp", "errors", "fmt", "net/http", "slices", "time", module}

// impureTypes are those of package tokens whose methods lock, wait or ask.
var impureTypes = []string{"Manager", "settings", "keyState", "flight", "work", "cache", "places", "Store", "Locker"}

func TestPolicyOnlyDecides(t *testing.T) {
	for _, name := range pureFiles {
		file, err := parser.ParseFile(token.NewFileSet(), path.Join(root, name), nil, 0)
		require.NoError(t, err)
		assert.Empty(t, impurities(file), name)
	}
}

func TestImpuritiesAreFound(t *testing.T) {
	const text = `package tokens

import (
	"sync"
	"time"
)

var mu sync.Mutex

func (m *Manager) valid(s snapshot) bool { return true }
func due(k *keyState) bool               { return now().IsZero() }
func wait(c chan int)                    { go due(nil); <-c; c <- 1; time.Sleep(1) }
func change(s *snapshot)                 { s.left = 0 }
func pure(s snapshot) (t snapshot)       { t = s; t.left = 1; return t }
`
	file, err := parser.ParseFile(token.NewFileSet(), "policy.go", text, 0)
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{
		"imports sync",
		"valid has a Manager", "due has a keyState", "due calls now", "wait starts a goroutine", "wait receives from a channel",
		"wait sends to a channel", "wait calls Sleep", "change changes what s points to",
	}, impurities(file))
}

// impurities returns what a file does besides deciding.
func impurities(file *ast.File) (found []string) {
	for _, spec := range file.Imports {
		if name, _ := strconv.Unquote(spec.Path.Value); !slices.Contains(pureImports, name) {
			found = append(found, "imports "+name)
		}
	}
	for _, decl := range file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok {
			continue
		}
		find := func(format string, args ...any) {
			found = append(found, f.Name.Name+" "+fmt.Sprintf(format, args...))
		}
		pointers := map[string]bool{}
		params := slices.Clone(f.Type.Params.List)
		if f.Recv != nil {
			params = append(params, f.Recv.List...)
		}
		for _, param := range params {
			pointer, isPointer := param.Type.(*ast.StarExpr)
			of := param.Type
			if isPointer {
				of = pointer.X
			}
			if name, ok := of.(*ast.Ident); ok && slices.Contains(impureTypes, name.Name) {
				find("has a %s", name.Name)
			}
			for _, name := range param.Names {
				pointers[name.Name] = isPointer
			}
		}
		ast.Inspect(f.Body, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				find("starts a goroutine")
			case *ast.SendStmt:
				find("sends to a channel")
			case *ast.UnaryExpr:
				if n.Op == token.ARROW {
					find("receives from a channel")
				}
			case *ast.CallExpr:
				switch called := n.Fun.(type) {
				case *ast.Ident:
					if called.Name == "now" {
						find("calls now")
					}
				case *ast.SelectorExpr:
					if slices.Contains([]string{"Sleep", "After", "Lock", "Now"}, called.Sel.Name) {
						find("calls %s", called.Sel.Name)
					}
				}
			case *ast.AssignStmt:
				for _, to := range n.Lhs {
					if selector, ok := to.(*ast.SelectorExpr); ok {
						if x, ok := selector.X.(*ast.Ident); ok && pointers[x.Name] {
							find("changes what %s points to", x.Name)
						}
					}
				}
			}
			return true
		})
	}
	return found
}
