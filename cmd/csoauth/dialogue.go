package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/contentstack/csoauth/internal/turn"
)

// fromStdin calls read, which reads standard input to its end. If a person is to type that, it says
// so.
func fromStdin[T any](cmd *cobra.Command, read func() (T, error)) (T, error) {
	watchSignals(cmd.Context())
	if turn.IsForeground(os.Stdin) {
		if err := tell(cmd, "Reading from the terminal, until Ctrl-D."); err != nil {
			var none T
			return none, err
		}
	}
	return readAside(cmd.Context(), read)
}

// readAside calls read, which may wait for a person or a pipe. If ctx ends first, the read goes on
// by itself: the program is about to end.
func readAside[T any](ctx context.Context, read func() (T, error)) (T, error) {
	watchSignals(ctx)
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := read()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}

// ask asks a person at the terminal, and returns the line that the person types. It is empty at the
// end of the input.
func ask(ctx context.Context, out io.Writer, question string) (answer string, err error) {
	if _, err := fmt.Fprint(out, question); err != nil {
		return "", err
	}
	return readAside(ctx, func() (string, error) {
		line, err := bufio.NewReader(os.Stdin).ReadString('\n')
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return line, err
	})
}

// tell prints a line for people.
func tell(cmd *cobra.Command, format string, args ...any) error {
	_, err := fmt.Fprintf(cmd.ErrOrStderr(), format+"\n", args...)
	return err
}
