package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/contentstack/csoauth/internal/probe"
	"github.com/contentstack/csoauth/tokens/keyring"
)

// check tells what a login needs, line by line, and returns how much of it fails. The door is open
// if nothing does.
func (p *probing) check(ctx context.Context, a *account, prober *probe.Prober) (failures int, err error) {
	p.t.line("%s", p.t.paint(bold, "Checks"))
	tell := func(c probe.Check) {
		colour := ""
		switch c.State {
		case probe.Warning:
			colour = bold
		case probe.Failure:
			colour = red
			failures++
		}
		p.t.wrapped(colour, fmt.Sprintf("  %-7s", c.State), c.Name+": "+c.Text)
		if c.Do != "" {
			p.t.wrapped("", strings.Repeat(" ", 9), c.Do)
		}
	}
	tell(checkDirectory(ctx, a))
	tell(checkKeyring(ctx))
	p.door, err = openDoor(ctx, a.config.RedirectURI)
	tell(checkDoor(a.config.RedirectURI, err))
	if err := prober.CheckHosts(ctx, tell); err != nil && ctx.Err() != nil {
		if p.door != nil {
			p.door.close()
		}
		return failures, err
	} else if err != nil {
		tell(probe.Check{Name: "hosts", State: probe.Failure, Text: err.Error(), Do: "try again later"})
	}
	if p.door != nil && (failures > 0 || p.offline) {
		p.door.close()
	}
	return failures, nil
}

// checkDirectory looks at the directory of the profile, where "csoauth login" keeps its login.
func checkDirectory(ctx context.Context, a *account) probe.Check {
	c := probe.Check{Name: "directory", State: probe.OK, Text: a.dir}
	info, err := os.Stat(a.dir)
	if errors.Is(err, fs.ErrNotExist) {
		c.Text += " is not there yet; the first login makes it"
		return c
	}
	if err == nil && !info.IsDir() {
		err = errors.New("it is no directory")
	}
	if err == nil {
		profile, knownErr := a.known(ctx)
		err = errors.Join(knownErr, profile.Err)
	}
	if err == nil {
		err = tryToWrite(a.dir)
	}
	switch {
	case err != nil:
		c.State, c.Text, c.Do = probe.Failure, a.dir+": "+oneLine(err), "give it to your user, or name another directory in CSOAUTH_CONFIG_DIR"
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0:
		c.State, c.Text, c.Do = probe.Warning, a.dir+" can be looked into by other users", "take their permissions away, with chmod 700"
	}
	return c
}

// tryToWrite makes a file in a directory, and removes it.
func tryToWrite(dir string) error {
	f, err := os.CreateTemp(dir, "*.try")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(filepath.Clean(f.Name())))
}

// keyringPatience is how long the keyring may take to say whether it is there.
const keyringPatience = 5 * time.Second

// checkKeyring asks the system's keyring for a key that it does not have.
func checkKeyring(ctx context.Context) probe.Check {
	ctx, cancel := context.WithTimeout(ctx, keyringPatience)
	defer cancel()
	switch _, err := keyring.Find(ctx, "csoauth probe", "nobody"); {
	case err == nil, errors.Is(err, keyring.ErrNotFound):
		return probe.Check{Name: "keyring", State: probe.OK, Text: "it can be used"}
	default:
		return probe.Check{
			Name: "keyring", State: probe.Warning, Text: "it cannot be used (" + strings.TrimPrefix(oneLine(err), "keyring: find: ") + ")",
			Do: "a login works without it: its key is then in a file that only you can read",
		}
	}
}

func checkDoor(uri string, err error) probe.Check {
	if err != nil {
		return probe.Check{Name: "redirect URI", State: probe.Failure, Text: uri + ": " + oneLine(err), Do: "it must be registered for the app in the Developer Hub, written exactly like this"}
	}
	return probe.Check{Name: "redirect URI", State: probe.OK, Text: uri + ", and its port is free"}
}
