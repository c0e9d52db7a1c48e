package clilogin

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/contentstack/csoauth/internal/turn"
	"github.com/contentstack/csoauth/loopback"
)

// Options vary a [Session]. Nil is fine.
type Options struct {
	// Program names the program: in the name of its directory, in the keyring, and on the pages
	// that the browser shows. Set it in a program that others use. Empty: the name of its file, with
	// hyphens for what a name cannot have.
	Program string
	// FormerPrograms are names that the program had. If there is a login of one of them and none of
	// Program's, the Session is of that one, and stays where it is.
	FormerPrograms []string
	// Profile keeps several logins side by side: 1 to 64 letters, digits, - and _, whatever their
	// case. Empty: "default".
	Profile string
	// Dir is the directory for all profiles. It must be on a local file system. Empty: one named
	// after the Program in the user's configuration directory, on Windows in %LocalAppData%.
	Dir string
	// RequireKeyring refuses to keep a key in a file. A login whose key is in one counts as none.
	RequireKeyring bool
	// NoLogin keeps Open from beginning a login.
	NoLogin bool
	// Switch accepts a login of another user or organization than the profile's last one. Without
	// it, such a login is an [ErrAnotherUser], and the old one stays: a browser may be logged in as
	// another user, and Contentstack does not ask.
	Switch bool
	// Hosts get the access token besides those of the Config: see [tokens.Options].
	//
	// [tokens.Options]: https://pkg.go.dev/github.com/contentstack/csoauth/tokens#Options
	Hosts []string
	// Loopback are the options of the login itself. Its Program is that above if it is empty. Its
	// Out also gets what this package tells the user, and decides whether the program is in the
	// foreground of a terminal: nil, which is standard error, or another *os.File may be one. Its
	// Timeout also bounds the wait for other programs. A login for another organization than its
	// AuthOptions ask for does not fit. Nil is fine.
	Loopback *loopback.Options
}

// Format prints the Options under every verb, as those of package loopback print.
func (o Options) Format(f fmt.State, _ rune) {
	login := "<nil>"
	if o.Loopback != nil {
		login = fmt.Sprint(*o.Loopback)
	}
	fmt.Fprintf(f, "clilogin.Options{Program:%q FormerPrograms:%q Profile:%q Dir:%q RequireKeyring:%t NoLogin:%t Switch:%t Hosts:%q Loopback:%s}",
		o.Program, o.FormerPrograms, o.Profile, o.Dir, o.RequireKeyring, o.NoLogin, o.Switch, o.Hosts, login)
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
		if err := checkName(name, 64, " ."); err != nil {
			return full, fmt.Errorf("Options.Program: %q %w", name, err)
		}
	}
	if err := checkName(full.Profile, 64, ""); err != nil {
		return full, fmt.Errorf("Options.Profile: %.100q %w", full.Profile, err)
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

// checkName returns why a name cannot be that of a directory, on any system.
func checkName(name string, most int, also string) error {
	stem, _, _ := strings.Cut(strings.ToLower(name), ".")
	switch {
	case name == "":
		return errors.New("is empty")
	case len(name) > most:
		return fmt.Errorf("is longer than %d characters", most)
	case strings.ContainsFunc(name, func(r rune) bool { return !isNamed(r, also) }):
		return fmt.Errorf("may have letters, digits and %s alone", strings.Join(strings.Split("-_"+also, ""), " "))
	case strings.Trim(name, " .") != name:
		return errors.New("begins or ends with a blank or a dot")
	case strings.Contains(reserved, " "+strings.TrimSpace(stem)+" "):
		return errors.New("is the name of a device on Windows")
	}
	return nil
}

// isNamed reports whether a name may have r: a letter, a digit, - or _, or one of also.
func isNamed(r rune, also string) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-_"+also, r)
}

// dirs returns the directories in which the profile's login may be. A login is made in the first.
func (o *Options) dirs() ([]string, error) {
	var all []string
	if o.Dir != "" {
		return []string{filepath.Join(o.Dir, o.Profile)}, nil
	}
	base, err := turn.Base()
	if err != nil {
		return nil, fmt.Errorf("%w; or set Options.Dir", err)
	}
	for _, name := range append([]string{o.Program}, o.FormerPrograms...) {
		all = append(all, filepath.Join(base, name, o.Profile))
	}
	return all, nil
}

// say tells the user something.
func say(out io.Writer, format string, args ...any) { fmt.Fprintf(out, format+"\n", args...) }
