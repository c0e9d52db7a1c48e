// Systems type-checks the root module with its tests for other systems than this one. It reads all
// packages from their sources and compiles none, so that it needs five seconds for a system where
// go vet needs a minute.
//
//	go run ./systems windows/amd64 darwin/arm64
package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/tools/go/packages"
)

func main() {
	systems := os.Args[1:]
	failed := len(systems) == 0
	if failed {
		fmt.Fprintln(os.Stderr, "systems: name at least one system, as in windows/amd64")
	}
	for _, system := range systems {
		if err := check("../..", system); err != nil {
			fmt.Fprintf(os.Stderr, "systems: %s: %v\n", system, err)
			failed = true
		}
	}
	if failed {
		os.Exit(1)
	}
}

// check type-checks the module in dir for a system such as linux/386. Its error has a line for each
// place.
func check(dir, system string) error {
	goos, goarch, ok := strings.Cut(system, "/")
	if !ok {
		return errors.New("not a system, as in windows/amd64")
	}
	all, err := packages.Load(&packages.Config{
		Mode:  packages.NeedName | packages.NeedImports | packages.NeedDeps | packages.NeedTypes | packages.NeedSyntax | packages.NeedTypesSizes,
		Dir:   dir,
		Env:   append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=0"),
		Tests: true,
	}, "./...")
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return errors.New("there is no package")
	}
	seen := map[string]bool{} // a package is there a second time, with its tests
	for p := range packages.Postorder(all) {
		for _, problem := range p.Errors {
			if text := problem.Error(); !seen[text] {
				seen[text] = true
				err = errors.Join(err, errors.New(text))
			}
		}
	}
	return err
}
