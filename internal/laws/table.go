package main

import (
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A proof is a test that proves a law. The test says so itself, in the last line of its doc
// comment:
//
//	// Law: P4, P8
type proof struct{ law, pkg, test string }

// proofPrefix begins the line that names the laws.
const proofPrefix = "// Law: "

var testName = regexp.MustCompile(`^(Test|Fuzz|Example)`)

// readProofs reads the doc comments of all tests below dir. It reads the files and does not ask
// the go command, so it sees the tests of nested modules and of other operating systems.
func readProofs(dir string, laws []string) (proofs []proof, err error) {
	err = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := d.Name()
		switch {
		case d.IsDir() && name != dir && (strings.ContainsAny(base[:1], "._") || base == "testdata" || base == "node_modules"):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(base, "_test.go"):
			return nil
		}
		rel, err := filepath.Rel(dir, filepath.Dir(name))
		if err != nil {
			return err
		}
		pkg := "."
		if rel != "." {
			pkg = "./" + filepath.ToSlash(rel) // as the law files name it
		}
		found, err := proofsIn(name, pkg, laws)
		proofs = append(proofs, found...)
		return err
	})
	return proofs, err
}

// proofsIn reads one file. It fails if a line that names laws stands where nobody looks for it, or
// names a law that is not in the design.
func proofsIn(name, pkg string, laws []string) (proofs []proof, err error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	tests := map[*ast.CommentGroup]string{}
	for _, decl := range file.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok && f.Doc != nil && f.Recv == nil && testName.MatchString(f.Name.Name) {
			tests[f.Doc] = f.Name.Name
		}
	}
	for _, group := range file.Comments {
		for i, line := range group.List {
			list, ok := strings.CutPrefix(line.Text, proofPrefix)
			if !ok {
				continue
			}
			if tests[group] == "" || i < len(group.List)-1 {
				return nil, fmt.Errorf("%s: %q is not the last line of a test's comment", fset.Position(line.Pos()), line.Text)
			}
			for law := range strings.SplitSeq(list, ", ") {
				if !slices.Contains(laws, law) {
					return nil, fmt.Errorf("%s: law %q is not one of %s", fset.Position(line.Pos()), law, strings.Join(laws, " "))
				}
				proofs = append(proofs, proof{law, pkg, tests[group]})
			}
		}
	}
	return proofs, nil
}

// A gap is what a law lacks: a test that names it, or a file that breaks it.
type gap struct {
	law, what string
	err       error
}

// gaps checks that each law has both.
func gaps(laws []string, proofs []proof, breaches []breach) (found []gap) {
	for _, law := range laws {
		if !slices.ContainsFunc(breaches, func(b breach) bool { return b.law == law }) {
			found = append(found, gap{law, "has no file", errors.New("add one to testdata/laws")})
		}
		if !slices.ContainsFunc(proofs, func(p proof) bool { return p.law == law }) {
			found = append(found, gap{law, "has no test", fmt.Errorf("end the comment of a test with %q", proofPrefix+law)})
		}
	}
	return found
}

// printTable prints a line for each law and test: the tests that name the law, and those that the
// law files name, with the files. It returns the number of laws that lack something.
func printTable(dir string, laws []string, filter string, out io.Writer) (failed int, err error) {
	only, err := regexp.Compile(filter)
	if err != nil {
		return 0, err
	}
	breaches, err := readBreaches(dir, laws)
	if err != nil {
		return 0, err
	}
	proofs, err := readProofs(dir, laws)
	if err != nil {
		return 0, err
	}
	files := map[proof][]string{}
	for _, p := range proofs {
		files[p] = nil
	}
	for _, b := range breaches {
		p := proof{b.law, path.Clean(b.pkg), b.test}
		if p.pkg != "." {
			p.pkg = "./" + p.pkg
		}
		files[p] = append(files[p], b.name)
	}
	rows := slices.SortedFunc(maps.Keys(files), func(a, b proof) int {
		return cmp.Or(slices.Index(laws, a.law)-slices.Index(laws, b.law), cmp.Compare(a.pkg, b.pkg), cmp.Compare(a.test, b.test))
	})
	for _, p := range rows {
		line := fmt.Sprintf("%-3s  %-22s  %s", p.law, p.pkg, p.test)
		if files[p] != nil {
			line += "  broken by " + strings.Join(files[p], ", ")
		}
		if only.MatchString(line) {
			fmt.Fprintln(out, line)
		}
	}
	missing := gaps(laws, proofs, breaches)
	for _, g := range missing {
		fmt.Fprintf(out, "%-3s  %s  FAILED: %s\n", g.law, g.what, g.err)
	}
	return len(missing), nil
}
