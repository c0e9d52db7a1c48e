// Windows runs the tests of packages as Windows programs, under Wine.
//
//	go run ./internal/windows [go test flags] PKG...
//
// It prints a line for each package, and the output of failed tests. It exits with 1 if a test
// failed or no test ran.
//
// Wine is not Windows, but it has Windows' paths, clocks, file locks and errors, where Go programs
// most often go wrong. Where Wine 8 lacks something that Go needs, this program adds it: see
// processprng.c and removeOldStyle.
package main

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const (
	compiler  = "x86_64-w64-mingw32-gcc"
	toGetThem = "apt-get install --no-install-recommends wine wine64 gcc-mingw-w64-x86-64"
)

// processPrng is the source of a DLL that Wine 8 lacks. The file says what for.
//
//go:embed processprng.c
var processPrng string

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "windows:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	if missing := missingPrograms(); len(missing) > 0 {
		return fmt.Errorf("not found: %s; on Debian: %s", strings.Join(missing, ", "), toGetThem)
	}
	prefix, err := makePrefix()
	if err != nil {
		return err
	}
	overlay, err := removeOldStyle(prefix)
	if err != nil {
		return err
	}
	stop, err := keepWine(prefix)
	if err != nil {
		return err
	}
	defer stop()
	test := exec.Command("go", append([]string{"test", "-json", "-count=1", "-exec", "wine", "-overlay", overlay}, args...)...)
	test.Env = append(wineEnv(prefix), "GOOS=windows", "GOARCH=amd64")
	test.Stderr = os.Stderr
	events, err := test.StdoutPipe()
	if err != nil {
		return err
	}
	if err := test.Start(); err != nil {
		return err
	}
	v := newVerdict(out)
	readErr := v.read(events)
	return errors.Join(readErr, v.end(test.Wait()))
}

func missingPrograms() (missing []string) {
	for _, name := range []string{"wine", compiler} {
		if _, err := exec.LookPath(name); err != nil {
			missing = append(missing, name)
		}
	}
	return missing
}

// makePrefix returns the folder that is Wine's C: drive and registry, ready for Go programs. Making
// it takes Wine up to a minute, so it stays for the next time.
func makePrefix() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	prefix := filepath.Join(cache, "csoauth-wine")
	dll := filepath.Join(prefix, "drive_c", "windows", "system32", "bcryptprimitives.dll")
	if exists(dll) {
		return prefix, nil
	}
	if err := os.MkdirAll(prefix, 0o700); err != nil {
		return "", err
	}
	if err := command(prefix, "", "wine", "wineboot", "--init"); err != nil {
		return "", err
	}
	// Wine writes the registry when its server ends. Until then the prefix is not complete.
	if err := command(prefix, "", "wineserver", "--wait"); err != nil {
		return "", err
	}
	if exists(dll) { // Wine 9 and later
		return prefix, nil
	}
	return prefix, command(prefix, processPrng, compiler, "-shared", "-o", dll, "-x", "c", "-", "-ladvapi32")
}

// keepWine starts a Windows program that waits until stop is called. Wine's own services start with
// the first program and keep its output open. If that were a test, the go command would wait for
// the end of its output, and fail.
func keepWine(prefix string) (stop func(), err error) {
	cmd := exec.Command("wine", "cmd", "/c", "pause")
	cmd.Env = wineEnv(prefix)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", cmd, err)
	}
	return func() {
		_ = stdin.Close() // which pause takes for a key
		_ = cmd.Wait()    // its exit code says nothing
	}, nil
}

// command runs a program in the prefix. Its error has what the program printed.
func command(prefix, stdin, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Env = wineEnv(prefix)
	cmd.Stdin = strings.NewReader(stdin)
	printed, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, printed)
	}
	return nil
}

// wineEnv keeps Wine quiet, and from asking for .NET and a browser engine, which no test needs.
// Tests that run go or git skip without them, but not in CI: Wine has neither, so its tests are not
// told that this is CI.
func wineEnv(prefix string) []string {
	return append(os.Environ(), "WINEPREFIX="+prefix, "WINEARCH=win64", "WINEDEBUG=-all", "WINEDLLOVERRIDES=mscoree,mshtml=", "CI=")
}

// removeOldStyle returns an overlay for the go command that lets programs remove files in the way
// of Windows before version 10. Wine 8 lacks the new way, and refuses it with an error that
// os.RemoveAll does not expect: each t.TempDir would fail.
func removeOldStyle(prefix string) (overlay string, err error) {
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOROOT: %w", err)
	}
	file := filepath.Join(strings.TrimSpace(string(goroot)), "src", "internal", "syscall", "windows", "at_windows.go")
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	const newStyle, oldStyle = "\nvar TestDeleteatFallback bool\n", "\nvar TestDeleteatFallback = true\n"
	if strings.Count(string(text), newStyle) != 1 {
		return "", fmt.Errorf("%s no longer has the line %q: look there how os.RemoveAll falls back", file, strings.TrimSpace(newStyle))
	}
	replaced := filepath.Join(prefix, "at_windows.go")
	list, err := json.Marshal(map[string]any{"Replace": map[string]string{file: replaced}})
	if err != nil {
		return "", err
	}
	overlay = filepath.Join(prefix, "overlay.json")
	return overlay, errors.Join(
		update(replaced, strings.Replace(string(text), newStyle, oldStyle, 1)),
		update(overlay, string(list)))
}

// update leaves alone a file that has the text already: another run may be reading it.
func update(file, text string) error {
	if old, err := os.ReadFile(file); err == nil && string(old) == text {
		return nil
	}
	return os.WriteFile(file, []byte(text), 0o600)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
