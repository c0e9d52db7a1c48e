package turn_test

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/contentstack/csoauth/internal/turn"
)

// TestForegroundOfATerminal: a program has it, and one that was started with & has not.
func TestForegroundOfATerminal(t *testing.T) {
	const variable = "TURN_TEST_AT_A_TERMINAL"
	again := func(role string) *exec.Cmd {
		cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
		cmd.Env = append(os.Environ(), variable+"="+role)
		return cmd
	}
	switch os.Getenv(variable) {
	case "shell":
		fmt.Fprintln(os.Stderr, "foreground:", turn.IsForeground(os.Stdin))
		job := again("job")
		job.Stdin, job.Stderr = os.Stdin, os.Stderr
		job.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // as shells start a job with &
		require.NoError(t, job.Run())
		return
	case "job":
		fmt.Fprintln(os.Stderr, "background:", turn.IsForeground(os.Stdin))
		return
	}
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		require.FailNow(t, "this machine has no terminals", "%v", err)
	}
	defer keyboard.Close()
	require.NoError(t, unix.IoctlSetPointerInt(int(keyboard.Fd()), unix.TIOCSPTLCK, 0))
	number, err := unix.IoctlGetInt(int(keyboard.Fd()), unix.TIOCGPTN)
	require.NoError(t, err)
	terminal, err := os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|syscall.O_NOCTTY, 0)
	require.NoError(t, err)
	defer terminal.Close()
	shell := again("shell")
	shell.Stdin = terminal
	shell.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	said, err := shell.CombinedOutput()
	require.NoError(t, err, "%s", said)
	require.Contains(t, string(said), "foreground: true")
	require.Contains(t, string(said), "background: false")
	require.False(t, turn.IsForeground(terminal), "the terminal of others")
}

// TestReader reads from a terminal that is not this process's own, and ends with its deadline.
func TestReader(t *testing.T) {
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		require.FailNow(t, "this machine has no terminals", "%v", err)
	}
	require.NoError(t, unix.IoctlSetPointerInt(int(keyboard.Fd()), unix.TIOCSPTLCK, 0))
	number, err := unix.IoctlGetInt(int(keyboard.Fd()), unix.TIOCGPTN)
	require.NoError(t, err)
	terminal, err := os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|syscall.O_NOCTTY, 0)
	require.NoError(t, err)
	r := &turn.Reader{File: terminal}
	require.False(t, r.IsAway())
	_, err = keyboard.WriteString("typed\n")
	require.NoError(t, err)
	b := make([]byte, 100)
	n, err := r.Read(b)
	require.NoError(t, err)
	require.Equal(t, "typed\n", string(b[:n]))

	require.NoError(t, r.SetReadDeadline(time.Now().Add(10*time.Millisecond)))
	_, err = r.Read(b)
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	require.NoError(t, r.SetReadDeadline(time.Time{}))
	_, err = keyboard.Write([]byte{4}) // Ctrl-D
	require.NoError(t, err)
	_, err = r.Read(b)
	require.ErrorIs(t, err, io.EOF)
	require.NoError(t, keyboard.Close())
	_, err = r.Read(b)
	require.Error(t, err, "the terminal is gone")
	require.NoError(t, terminal.Close())
	_, err = r.Read(b)
	require.Error(t, err)
	require.False(t, r.IsAway())
}
