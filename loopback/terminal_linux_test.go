package loopback_test

import (
	"io"
	"os"
	"strconv"
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/csoauthtest"
	"github.com/contentstack/csoauth/loopback"
)

// rawTerminal returns a terminal in raw mode, and what types into it.
func rawTerminal(t *testing.T) (keyboard, terminal *os.File) {
	t.Helper()
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		require.NotEqual(t, "true", os.Getenv("CI"), "CI has terminals: %v", err)
		t.Skip("this machine has no terminals: ", err)
	}
	t.Cleanup(func() { keyboard.Close() })
	ioctl := func(f *os.File, request uintptr, argument unsafe.Pointer) {
		conn, err := f.SyscallConn()
		require.NoError(t, err)
		require.NoError(t, conn.Control(func(fd uintptr) {
			_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, fd, request, uintptr(argument))
			require.Zero(t, errno)
		}))
	}
	var locked, number int32
	ioctl(keyboard, syscall.TIOCSPTLCK, unsafe.Pointer(&locked))
	ioctl(keyboard, syscall.TIOCGPTN, unsafe.Pointer(&number))
	terminal, err = os.OpenFile("/dev/pts/"+strconv.Itoa(int(number)), os.O_RDWR|syscall.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { terminal.Close() })
	var mode syscall.Termios
	ioctl(terminal, syscall.TCGETS, unsafe.Pointer(&mode))
	mode.Iflag &^= syscall.ICRNL
	mode.Lflag &^= syscall.ICANON | syscall.ECHO
	ioctl(terminal, syscall.TCSETS, unsafe.Pointer(&mode))
	return keyboard, terminal
}

// What is typed after Enter is the program's.
func TestTerminalInRawMode(t *testing.T) {
	keyboard, terminal := rawTerminal(t)
	cs := csoauthtest.NewServer(t, nil)
	out := make(tell, 10)
	go func() { _, _ = io.WriteString(keyboard, "what?\r"+callbackOf(t, cs, <-out)+"\rx") }()
	token, err := loginWithin(t, t.Context(), cs.Config("http://localhost:8184/callback"), &loopback.Options{Manual: true, In: terminal, Out: out})
	require.NoError(t, err)
	assert.True(t, token.Valid())
	next := make([]byte, 1)
	_, err = io.ReadFull(terminal, next)
	require.NoError(t, err)
	assert.Equal(t, "x", string(next))
}
