// Package turn is about programs of one user that want the same thing: to ask that user something
// at the terminal, or to listen at a redirect URI. One of them has its turn, and the others wait.
package turn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/gofrs/flock"
)

// A Holder is a program that has a Lock.
type Holder struct {
	Program string    `json:"program"` // empty: nothing is known of the holder
	Profile string    `json:"profile"`
	PID     int       `json:"pid"`
	Since   time.Time `json:"since"`
}

// Is reports whether h and other are the same login of the same program.
func (h Holder) Is(other Holder) bool { return h.PID == other.PID && h.Since.Equal(other.Since) }

// String names the holder for the user of another program.
func (h Holder) String() string {
	if h.Program == "" {
		return "another program"
	}
	profile := ""
	if h.Profile != "" {
		profile = fmt.Sprintf(", profile %.64q", h.Profile)
	}
	return fmt.Sprintf("%.64q%s (process %d, since %s)", h.Program, profile, h.PID, h.Since.Local().Format(time.TimeOnly))
}

// Folder returns where the locks are that all programs of the user share. It need not exist.
func Folder() (string, error) {
	base, err := os.UserCacheDir()
	if err == nil && !filepath.IsAbs(base) {
		err = fmt.Errorf("the directory for this user's caches is %q, which is relative", base)
	}
	return filepath.Join(base, "csoauth.turns"), err // on Windows base is also where programs have their directories
}

// Base returns the directory for what programs keep of this user on this machine. It is absolute.
func Base() (string, error) {
	find, variable := os.UserConfigDir, "HOME or XDG_CONFIG_HOME"
	switch runtime.GOOS {
	case "windows":
		find, variable = os.UserCacheDir, "LocalAppData" // UserConfigDir may roam to the user's other machines
	case "darwin", "ios", "plan9":
		variable = "HOME"
	}
	dir, err := find()
	switch {
	case err != nil:
		return "", fmt.Errorf("there is no directory for this user's files (%w): set %s", err, variable)
	case !filepath.IsAbs(dir):
		return "", fmt.Errorf("the directory for this user's files is %q, which is relative: set %s to an absolute path", dir, variable)
	}
	return dir, nil
}

// A Lock is something that one program at a time may have. The system frees it when its holder
// ends, however that ends. Where the system has no locks for files, every program has it.
type Lock struct {
	path string
}

// New returns the Lock of a name in a folder, which need not exist. The name is that of a file.
func New(folder, name string) Lock { return Lock{filepath.Join(folder, name)} }

// Take waits until this program has the Lock, or ctx ends. Before it waits, and whenever the holder
// changes, it calls waits.
func (l Lock) Take(ctx context.Context, by Holder, waits func(Holder)) (release func(), err error) {
	var told *Holder
	for {
		if err := ctx.Err(); err != nil {
			return nil, context.Cause(ctx)
		}
		release, ok, err := l.Try(by)
		if ok || err != nil {
			return release, err
		}
		if h := l.Holder(); told == nil || !told.Is(h) {
			told = &h
			waits(h)
		}
		select {
		case <-time.After(poll):
		case <-ctx.Done():
		}
	}
}

const poll = 100 * time.Millisecond

// Try takes the Lock if it is free.
func (l Lock) Try(by Holder) (release func(), ok bool, err error) {
	if err := os.MkdirAll(filepath.Dir(l.path), 0o700); err != nil {
		return nil, false, err
	}
	lock := flock.New(l.path)
	switch ok, err := lock.TryLock(); {
	case errors.Is(err, errors.ErrUnsupported):
		return func() {}, true, nil
	case err != nil || !ok:
		_ = lock.Close()
		return nil, false, err
	}
	l.setHolder(by)
	return func() {
		_ = os.Remove(l.holderPath())
		_ = lock.Unlock() // which also closes it, and the system frees what is closed
	}, true, nil
}

// setHolder notes who has the Lock. The others do without, if that cannot be written. The lock's
// own file stays as it is: on Windows nobody could read it. A link in the place of the note is
// replaced, and not followed.
func (l Lock) setHolder(by Holder) {
	text, err := json.Marshal(by)
	if err != nil {
		return
	}
	f, err := os.CreateTemp(filepath.Dir(l.path), filepath.Base(l.path)+".*.tmp")
	if err != nil {
		return
	}
	_, err = f.Write(text)
	if err := errors.Join(err, f.Close()); err != nil || os.Rename(f.Name(), l.holderPath()) != nil {
		_ = os.Remove(f.Name())
	}
}

// Holder returns who has the Lock, as far as that is known. It may be one that has died.
func (l Lock) Holder() (h Holder) {
	if info, err := os.Lstat(l.holderPath()); err != nil || !info.Mode().IsRegular() || info.Size() > 4096 {
		return Holder{}
	}
	text, err := os.ReadFile(l.holderPath())
	if err != nil || json.Unmarshal(text, &h) != nil {
		return Holder{}
	}
	return h
}

func (l Lock) holderPath() string { return l.path + ".holder" }

// A Reader reads from a terminal while this program is in its foreground. Otherwise a Read waits
// until it is, or until the deadline of the file.
type Reader struct{ *os.File }
