package storetest

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/contentstack/csoauth/tokens"
)

// The other process of testDeath is told by its environment which test is to hold the lock, and of
// which dir. It says on a line of its own when it has it.
const (
	holderTest = "CSOAUTH_STORETEST_HOLDER_TEST"
	holderDir  = "CSOAUTH_STORETEST_HOLDER_DIR"
	holderLine = "storetest: this process holds the lock"
)

// holdIfChild never returns in the process that testDeath starts.
func holdIfChild(t *testing.T, open func(t testing.TB, dir string) tokens.Store) {
	if os.Getenv(holderTest) != t.Name() {
		return
	}
	unlock, err := open(t, os.Getenv(holderDir)).(tokens.Locker).Lock(t.Context(), key)
	if err != nil {
		t.Fatalf("Lock in another process: %v", err)
	}
	fmt.Printf("\n%s\n", holderLine)
	_, _ = io.Copy(io.Discard, os.Stdin) // ends only if the parent does
	runtime.KeepAlive(unlock)
	os.Exit(1)
}

// testDeath: the lock holds against other processes, and is free when the process that has it is
// killed.
func testDeath(t *testing.T, s suite) {
	dir := t.TempDir()
	h := s.handle(t, dir)
	kill := startHolder(t, s.test, dir)
	waiter := h.claim(t.Context(), key)
	waiter.waits(aMoment)
	kill()
	waiter.got()()
	s.handle(t, dir).lock(key)()
}

// startHolder returns when another process has the lock.
func startHolder(t *testing.T, test, dir string) (kill func()) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, "-test.run="+anchored(test), "-test.timeout=1m")
	cmd.Env = append(os.Environ(), holderTest+"="+test, holderDir+"="+dir)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe() // stays open as long as this process lives
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	killed := false
	kill = func() {
		if killed {
			return
		}
		killed = true
		_ = cmd.Process.Kill() // fails if it has ended, which is as good
		_ = cmd.Wait()         // says that it was killed
		_ = stdin.Close()
	}
	t.Cleanup(kill)

	said := make(chan string, 1)
	go func() {
		var all strings.Builder
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			fmt.Fprintln(&all, lines.Text())
			if lines.Text() == holderLine {
				break
			}
		}
		said <- all.String()
	}()
	select {
	case text := <-said:
		if !strings.Contains(text, holderLine) {
			t.Fatalf("another process did not get the lock, although nobody has it; it printed:\n%s", text)
		}
	case <-time.After(patience):
		t.Fatalf("another process did not get the lock in %v, although nobody has it", patience)
	}
	return kill
}

// anchored returns the pattern for -test.run that matches one test and no other.
func anchored(test string) string {
	levels := strings.Split(test, "/")
	for i, level := range levels {
		levels[i] = "^" + regexp.QuoteMeta(level) + "$"
	}
	return strings.Join(levels, "/")
}
