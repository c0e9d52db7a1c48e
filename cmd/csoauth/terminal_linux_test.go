package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// terminal is a command of the scripts:
//
//	terminal CODE [PATTERN TEXT …] -- csoauth ARGUMENT…
//
// It runs csoauth at a terminal of its own. Whenever what it shows matches the next PATTERN, the
// TEXT is typed, with \n for Enter and ^C for Ctrl-C. The command must end with the exit code. What
// it showed is in the file shown.
func terminal(ts *testscript.TestScript, neg bool, args []string) {
	var dialogue []string
	for len(args) > 0 && args[0] != "--" {
		dialogue, args = append(dialogue, args[0]), args[1:]
	}
	if neg || len(dialogue)%2 != 1 || len(args) < 2 {
		ts.Fatalf("usage: terminal CODE [PATTERN TEXT …] -- csoauth ARGUMENT…")
	}
	var shown bytes.Buffer
	code, err := atTerminal(&shown, dialogue[1:], command(ts, args[1:]))
	ts.Check(writeFile(ts.MkAbs("shown"), strings.ReplaceAll(shown.String(), "\r\n", "\n")))
	ts.Logf("%s", shown.String())
	ts.Check(err)
	if want := dialogue[0]; strconv.Itoa(code) != want {
		ts.Fatalf("exit code %d, want %s", code, want)
	}
}

// command returns a command with the environment of a script.
func command(ts *testscript.TestScript, args []string) *exec.Cmd {
	cmd := &exec.Cmd{Args: args, Dir: ts.MkAbs(".")}
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if path := filepath.Join(dir, args[0]); cmd.Path == "" && isFile(path) {
			cmd.Path = path
		}
	}
	for _, name := range []string{
		"PATH", "HOME", "TMPDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "DBUS_SESSION_BUS_ADDRESS", "GORACE", "BROWSER", "PERSON", "USER_UID", "ORGANIZATION",
		"CSOAUTH_PROFILE", "CSOAUTH_CONFIG_DIR", "CSOAUTH_SERVER", "EXIT", "TESTSCRIPT_COVER_DIR", "GOCOVERDIR",
	} {
		if value := ts.Getenv(name); value != "" {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	return cmd
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

func atTerminal(shown *bytes.Buffer, dialogue []string, cmd *exec.Cmd) (code int, err error) {
	keyboard, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return 0, err
	}
	defer keyboard.Close()
	if err := unix.IoctlSetPointerInt(int(keyboard.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		return 0, err
	}
	number, err := unix.IoctlGetInt(int(keyboard.Fd()), unix.TIOCGPTN)
	if err != nil {
		return 0, err
	}
	own, err := os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return 0, err
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = own, own, own
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	deadline := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
	defer deadline.Stop()
	own.Close()
	seen := 0 // what the dialogue has matched already
	b := make([]byte, 4096)
	for {
		n, err := keyboard.Read(b) // fails when the program has closed the terminal
		shown.Write(b[:n])
		if len(dialogue) > 0 {
			pattern, err := regexp.Compile(dialogue[0])
			if err != nil {
				return 0, err
			}
			if at := pattern.FindIndex(shown.Bytes()[seen:]); at != nil {
				seen += at[1]
				if _, err := keyboard.WriteString(strings.NewReplacer(`\n`, "\n", "^C", "\x03").Replace(dialogue[1])); err != nil {
					return 0, err
				}
				dialogue = dialogue[2:]
			}
		}
		if err != nil {
			break
		}
	}
	_ = cmd.Wait() // its code says it
	if len(dialogue) > 0 {
		err = fmt.Errorf("it did not show %q", dialogue[0])
	}
	return cmd.ProcessState.ExitCode(), err
}
