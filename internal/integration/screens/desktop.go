package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// startDesktop starts what the user of a desktop has: a session bus, and a keyring that is
// unlocked. env is the environment of the user's programs. All files are in dir.
func startDesktop(ctx context.Context, dir string) (env []string, stop func(), err error) {
	home := filepath.Join(dir, "home")
	if err := os.Mkdir(home, 0o700); err != nil {
		return nil, nil, err
	}
	bus := "unix:path=" + filepath.Join(dir, "bus")
	env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "XDG_RUNTIME_DIR=" + dir, "DBUS_SESSION_BUS_ADDRESS=" + bus}
	ctx, cancel := context.WithCancel(ctx)
	var running []*exec.Cmd
	stop = func() {
		cancel() // kills them
		for _, program := range running {
			_ = program.Wait()
		}
	}
	start := func(stdin string, program ...string) error {
		cmd := exec.CommandContext(ctx, program[0], program[1:]...)
		cmd.Env, cmd.Stdin = env, strings.NewReader(stdin)
		if err := cmd.Start(); err != nil {
			return fmt.Errorf("%s: %w: run `internal/integration/setup.sh`", program[0], err)
		}
		running = append(running, cmd)
		return nil
	}
	if err = start("", "dbus-daemon", "--session", "--nofork", "--address="+bus); err == nil {
		if err = onBus(ctx, env, "org.freedesktop.DBus"); err == nil {
			if err = start("password", "gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets"); err == nil {
				err = onBus(ctx, env, "org.freedesktop.secrets")
			}
		}
	}
	if err != nil {
		stop()
		return nil, nil, err
	}
	return env, stop, nil
}

// onBus waits until a program with that name is on the bus.
func onBus(ctx context.Context, env []string, name string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for ctx.Err() == nil {
		ask := exec.CommandContext(ctx, "dbus-send", "--session", "--print-reply=literal", "--dest=org.freedesktop.DBus", "/",
			"org.freedesktop.DBus.NameHasOwner", "string:"+name)
		ask.Env = env
		if said, err := ask.Output(); err == nil && strings.Contains(string(said), "true") {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return fmt.Errorf("%s is not on the bus: %w", name, ctx.Err())
}
