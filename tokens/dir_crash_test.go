package tokens_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/atomicfile"
	"github.com/contentstack/csoauth/tokens"
)

// The environment of the other processes.
const (
	childDir  = "CSOAUTH_TOKENS_DIR"
	childArg  = "CSOAUTH_TOKENS_ARG"
	processes = 8
	each      = 200 // increments of a process
)

func dirChild(t *testing.T, name string, dir tokens.Dir, arg string) *exec.Cmd {
	exe, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(exe)
	// The race detector would let a process sleep for a second before it ends.
	cmd.Env = append(os.Environ(), childEnv+"="+name, childDir+"="+string(dir), childArg+"="+arg, "GORACE=atexit_sleep_ms=0")
	cmd.Stderr = os.Stderr
	return cmd
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestDirCountsAcrossProcesses: no increment of a process is lost. The values name who wrote them,
// because two who ask for the same one both succeed.
func TestDirCountsAcrossProcesses(t *testing.T) {
	t.Parallel()
	dir, _ := dirOne(t, "0 by nobody")
	var wg sync.WaitGroup
	for i := range processes {
		wg.Go(func() { assert.NoError(t, dirChild(t, "dir-increment", dir, strconv.Itoa(i)).Run()) })
	}
	wg.Wait()
	value, err := dir.Load(t.Context(), dirKey)
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(string(value), fmt.Sprintf("%d by ", processes*each)), "%s", value)
}

func childIncrements() {
	dir, ctx := tokens.Dir(os.Getenv(childDir)), context.Background()
	for done := 0; done < each; {
		old := must(dir.Load(ctx, dirKey))
		digits, _, _ := strings.Cut(string(old), " ")
		err := dir.CompareAndSwap(ctx, dirKey, old, fmt.Appendf(nil, "%d by %s", must(strconv.Atoi(digits))+1, os.Getenv(childArg)))
		if err == nil {
			done++
		} else if !errors.Is(err, tokens.ErrConflict) {
			panic(err)
		}
	}
}

// TestDirKilledAtEveryStep of a swap: the value is the old or the new one, and nothing stands in
// the way of the next.
func TestDirKilledAtEveryStep(t *testing.T) {
	t.Parallel()
	for step, want := range map[string]string{"written": "old", "before rename": "old", "after rename": "new"} {
		t.Run(step, func(t *testing.T) {
			dir, file := dirOne(t, "old")
			require.Error(t, dirChild(t, "dir-die", dir, step).Run(), "it was not killed")
			assertDirHolds(t, dir, want)

			// The process that was killed runs again, and then goes on.
			require.NoError(t, dir.CompareAndSwap(t.Context(), dirKey, []byte("old"), []byte("new")))
			require.NoError(t, dir.CompareAndSwap(t.Context(), dirKey, []byte("new"), []byte("newer")))
			assertDirHolds(t, dir, "newer")
			assert.NoFileExists(t, file+".tmp")
		})
	}
}

// childDiesAtStep is killed while it swaps old for new, with the lock of the key in its hands.
func childDiesAtStep() {
	atomicfile.Step = func(name string) {
		if name != os.Getenv(childArg) {
			return
		}
		_ = must(os.FindProcess(os.Getpid())).Kill()
		select {} // until it has come
	}
	dir, ctx := tokens.Dir(os.Getenv(childDir)), context.Background()
	must(dir.Lock(ctx, dirKey))
	_ = dir.CompareAndSwap(ctx, dirKey, []byte("old"), []byte("new"))
}

// TestDirKilledAnywhere kills a process at no special moment of its swaps, again and again in the
// same directory.
func TestDirKilledAnywhere(t *testing.T) {
	t.Parallel()
	dir, _ := dirOne(t, bigValue(0))
	for round := range 10 {
		cmd := dirChild(t, "dir-swap", dir, "")
		stdout, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		lines, said := bufio.NewScanner(stdout), 0
		for range 3 + round {
			require.True(t, lines.Scan())
			said = must(strconv.Atoi(lines.Text()))
		}
		require.NoError(t, cmd.Process.Kill())
		for lines.Scan() {
			said = must(strconv.Atoi(lines.Text()))
		}
		_ = cmd.Wait() // says that it was killed

		value, err := dir.Load(t.Context(), dirKey)
		require.NoError(t, err)
		n := bigNumber(string(value))
		assert.Contains(t, []int{said, said + 1}, n, "what it said it had swapped, or one more")
	}
}

// childSwapsForever counts up, and says each number when it is stored.
func childSwapsForever() {
	dir, ctx := tokens.Dir(os.Getenv(childDir)), context.Background()
	old := must(dir.Load(ctx, dirKey))
	for n := bigNumber(string(old)); ; {
		n++
		next := []byte(bigValue(n))
		if err := dir.CompareAndSwap(ctx, dirKey, old, next); err != nil {
			panic(err)
		}
		fmt.Println(n)
		old = next
	}
}

// bigValue takes several writes to the disk.
func bigValue(n int) string { return strconv.Itoa(n) + strings.Repeat(" "+strconv.Itoa(n), 10_000) }

// bigNumber is the number of a bigValue, and panics for anything else.
func bigNumber(value string) int {
	digits, _, _ := strings.Cut(value, " ")
	n := must(strconv.Atoi(digits))
	if value != bigValue(n) {
		panic("a value that nobody wrote")
	}
	return n
}

// TestDirProcessesTakeTurns: a process whose goroutines want the lock all the time leaves it to
// others, too.
func TestDirProcessesTakeTurns(t *testing.T) {
	t.Parallel()
	dir, _ := dirOne(t, "value")
	cmd := dirChild(t, "dir-turns", dir, "")
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	require.True(t, bufio.NewScanner(stdout).Scan(), "it is at work")

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for turn := range 20 {
		unlock, err := dir.Lock(ctx, dirKey)
		require.NoError(t, err, "after %d turns", turn)
		unlock()
	}
}

func childTakesTurns() {
	dir, ctx := tokens.Dir(os.Getenv(childDir)), context.Background()
	var once sync.Once
	for range 4 {
		go func() {
			for {
				unlock := must(dir.Lock(ctx, dirKey))
				once.Do(func() { fmt.Println("at work") })
				time.Sleep(time.Millisecond)
				unlock()
			}
		}()
	}
	time.Sleep(time.Minute) // it is killed before
}
