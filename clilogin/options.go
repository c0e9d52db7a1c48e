package clilogin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/contentstack/csoauth/internal/turn"
	"github.com/contentstack/csoauth/loopback"
	"github.com/contentstack/csoauth/tokens"
)

// Options configure a Session. A nil *Options means all defaults.
type Options struct {
	// Program is the name of the program in the path of its directory, in the keyring, and on the
	// pages that the browser shows. Set it in a program that others use. Empty: the name of the
	// program's file, with hyphens for characters that a name cannot have.
	Program string
	// FormerPrograms are earlier names of the program. If one of them has a login and Program has
	// no login, the Session uses that login and does not move it.
	FormerPrograms []string
	// Profile is the name of the login, so that a program can keep several logins side by side. It
	// has 1 to 64 letters, digits, - and _, and its case does not matter. Empty: "default".
	Profile string
	// Dir is the directory for all profiles. It must be on a local file system. Empty: a directory
	// named after Program in the user's configuration directory, or on Windows in %LocalAppData%.
	Dir string
	// RequireKeyring refuses to keep a key in a file. A login whose key is in a file then counts as
	// no login.
	RequireKeyring bool
	// NoLogin prevents Open from beginning a login.
	NoLogin bool
	// Switch accepts a login of another user or organization than the profile's last one. Without
	// Switch, such a login returns [ErrAnotherUser], and the old login stays. The reason is that a
	// browser may be logged in as another user, and Contentstack does not ask.
	Switch bool
	// MinValid is how long an access token should still be valid when the Session returns it. A
	// token with less time left is refreshed first. MinValid is at most half of a token's lifetime.
	// If the refresh fails, the Session returns the old token until it expires. Zero: 10 minutes.
	MinValid time.Duration
	// LoginCommand is the command with which the user logs in, such as "mytool login". Error
	// messages name it. Empty: they tell the user to run the Program in a terminal.
	LoginCommand string
	// Logger logs the events of the login's tokens: see [tokens.Options]. Nil: no log.
	//
	// [tokens.Options]: https://pkg.go.dev/github.com/contentstack/csoauth/tokens#Options
	Logger *slog.Logger
	// Hosts are further hosts that get the access token, besides those of the Config: see
	// [tokens.Options].
	//
	// [tokens.Options]: https://pkg.go.dev/github.com/contentstack/csoauth/tokens#Options
	Hosts []string
	// Loopback are the options of the login itself. Nil: all defaults. If its Program is empty, the
	// Program above is used. Its Out also gets the messages of this package. Out also decides
	// whether the program is in the foreground of a terminal: it can be one if it is nil, which
	// means standard error, or another *os.File. Its Timeout also limits the wait for other
	// programs. If its AuthOptions require an organization, a stored login for another organization
	// does not fit.
	Loopback *loopback.Options
}

// Format prints the Options under every verb. It prints Loopback as [loopback.Options] prints
// itself.
func (o Options) Format(f fmt.State, _ rune) {
	login := "<nil>"
	if o.Loopback != nil {
		login = fmt.Sprint(*o.Loopback)
	}
	fmt.Fprintf(f, "clilogin.Options{Program:%q FormerPrograms:%q Profile:%q Dir:%q RequireKeyring:%t NoLogin:%t Switch:%t MinValid:%v LoginCommand:%q Hosts:%q Loopback:%s}",
		o.Program, o.FormerPrograms, o.Profile, o.Dir, o.RequireKeyring, o.NoLogin, o.Switch, o.MinValid, o.LoginCommand, o.Hosts, login)
}

// fill returns the Options with nothing left out. Loopback is a copy.
func (o *Options) fill() (Options, error) {
	var full Options
	if o != nil {
		full = *o
	}
	var login loopback.Options
	if full.Loopback != nil {
		login = *full.Loopback
	}
	full.Loopback = &login
	if full.Program == "" {
		full.Program = executableName()
	}
	full.Profile = strings.ToLower(cmp.Or(full.Profile, "default"))
	login.Program = cmp.Or(login.Program, full.Program)
	login.Timeout = cmp.Or(login.Timeout, defaultTimeout)
	if login.Out == nil {
		login.Out = os.Stderr
	}
	for _, name := range append([]string{full.Program}, full.FormerPrograms...) {
		if err := checkName(name, maxName, " ."); err != nil {
			return full, fmt.Errorf("Options.Program: %q %w", name, err)
		}
	}
	if err := checkName(full.Profile, maxName, ""); err != nil {
		return full, fmt.Errorf("Options.Profile: %.100q %w", full.Profile, err)
	}
	if full.MinValid < 0 {
		return full, fmt.Errorf("Options.MinValid: %v is negative", full.MinValid)
	}
	if full.Dir != "" && !filepath.IsAbs(full.Dir) {
		return full, fmt.Errorf("Options.Dir: %q is relative, and programs have different working directories: make it absolute", full.Dir)
	}
	return full, nil
}

// defaultTimeout is that of package loopback.
const defaultTimeout = 5 * time.Minute

func executableName() string {
	path, err := os.Executable()
	if err != nil {
		return "program"
	}
	return strings.Trim(strings.Map(func(r rune) rune {
		if isNamed(r, ".") {
			return r
		}
		return '-' // as in "my tool (1)"
	}, strings.TrimSuffix(filepath.Base(path), ".exe")), "-")
}

// reserved are names that Windows takes for devices, whatever follows a dot.
const reserved = " con prn aux nul com0 com1 com2 com3 com4 com5 com6 com7 com8 com9 lpt0 lpt1 lpt2 lpt3 lpt4 lpt5 lpt6 lpt7 lpt8 lpt9 conin$ conout$ "

// maxName is the length of a program's name, and of a profile's, in characters.
const maxName = 64

// checkName returns why a name cannot be that of a directory, on any system.
func checkName(name string, most int, also string) error {
	stem, _, _ := strings.Cut(strings.ToLower(name), ".")
	switch {
	case name == "":
		return errors.New("is empty")
	case len(name) > most:
		return fmt.Errorf("is longer than %d characters", most)
	case strings.ContainsFunc(name, func(r rune) bool { return !isNamed(r, also) }):
		return fmt.Errorf("may have only letters, digits and %s", strings.Join(strings.Split("-_"+also, ""), " "))
	case strings.Trim(name, " .") != name:
		return errors.New("begins or ends with a space or a dot")
	case strings.Contains(reserved, " "+strings.TrimSpace(stem)+" "):
		return errors.New("is the name of a device on Windows")
	}
	return nil
}

// isNamed reports whether a name may have r: a letter, a digit, - or _, or one of also.
func isNamed(r rune, also string) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-_"+also, r)
}

// dirs returns the directories in which profiles may be. A login is made in the first.
func (o *Options) dirs() ([]string, error) {
	var all []string
	if o.Dir != "" {
		return []string{o.Dir}, nil
	}
	base, err := turn.Base()
	if err != nil {
		return nil, fmt.Errorf("%w; or set Options.Dir", err)
	}
	for _, name := range append([]string{o.Program}, o.FormerPrograms...) {
		all = append(all, filepath.Join(base, name))
	}
	return all, nil
}

// ProfileDir returns the directory of the profile, which need not exist. This is the directory of
// Program, or of a former program if the login is there. The program may store the profile's
// settings in it. Names that begin with a hyphen or a dot, or end in .lock, are reserved for
// clilogin.
func (o *Options) ProfileDir(ctx context.Context) (string, error) {
	full, err := o.fill()
	if err == nil {
		var path string
		if path, err = full.profileDir(ctx); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("clilogin: %w", err)
}

// profileDir is ProfileDir for Options with nothing left out.
func (o *Options) profileDir(ctx context.Context) (string, error) {
	dirs, err := o.dirs()
	if err != nil {
		return "", err
	}
	for _, dir := range dirs {
		path := filepath.Join(dir, o.Profile)
		if len(dirs) == 1 {
			return path, nil
		}
		if _, err := tokens.Dir(path).Load(ctx, stateName); !errors.Is(err, tokens.ErrNotFound) {
			return path, nil
		}
	}
	return filepath.Join(dirs[0], o.Profile), nil
}

// say tells the user something.
func say(out io.Writer, format string, args ...any) { fmt.Fprintf(out, format+"\n", args...) }
