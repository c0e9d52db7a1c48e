package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os/exec"
	"strings"
	"syscall"

	"github.com/creack/pty"
)

// A terminal has 80 columns. It keeps what a person sees there.
type terminal struct {
	env   []string
	files map[string]string // paths, and what is shown for them
	shown bytes.Buffer
}

// run shows a command as a person types it, runs it, and keeps what it says. A command that fails
// says why.
func (t *terminal) run(ctx context.Context, typed string, command ...string) error {
	t.shown.WriteString("\x1b[1m$\x1b[0m " + strings.ReplaceAll(typed, "\n", "\r\n\x1b[1m>\x1b[0m ") + "\r\n")
	said, err := t.record(ctx, command)
	if failed := (*exec.ExitError)(nil); err != nil && !errors.As(err, &failed) {
		return err
	}
	for path, shown := range t.files {
		said = bytes.ReplaceAll(said, []byte(path), []byte(shown))
	}
	t.shown.Write(replace(said))
	return nil
}

// record runs a command at the terminal, and returns what it wrote there.
func (t *terminal) record(ctx context.Context, command []string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = t.env
	screen, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 40, Cols: 80})
	if err != nil {
		return nil, err
	}
	defer screen.Close()
	said, err := io.ReadAll(screen)
	if errors.Is(err, syscall.EIO) { // the command has closed the terminal
		err = nil
	}
	return said, errors.Join(err, cmd.Wait())
}
