package loopback

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/contentstack/csoauth"
)

const (
	defaultTimeout = 5 * time.Minute
	// exchangeTimeout bounds the exchange of a code, which lives a minute.
	exchangeTimeout = 45 * time.Second
)

var (
	// ErrTimeout: the user did not come back from the browser in time. Offer to start over.
	ErrTimeout = errors.New("the user did not return from the browser in time")
	// ErrPortInUse: another program listens at the redirect URI, on at least one address of
	// localhost, and would get the code. Login opened no browser. If that program is another login
	// of this user, Login waited for it, and it did not end in time. End that program, or register
	// another redirect URI and offer both. The error is another one if the system refuses the port,
	// such as a port in a range that Windows reserves.
	ErrPortInUse = errors.New("port in use")
)

// Options configure a login. A nil *Options means all defaults.
type Options struct {
	// Program is the name of the program on the pages that the browser shows. Empty: the name of
	// its file.
	Program string
	// RedirectURIs are registered redirect URIs to choose from. Login uses the first one whose port
	// is free, and the Token remembers it. Each has the scheme http, and its host is localhost, a
	// name under localhost, or a literal loopback address. Manual uses the first one. If
	// RedirectURIs are set, the Config's RedirectURI may be empty. Nil: only the Config's.
	RedirectURIs []string
	// Timeout is how long the user has to log in. Afterwards, Login no longer listens at the
	// redirect URI. Zero: 5 minutes.
	Timeout time.Duration
	// AuthOptions are the options of the attempt. Nil: all defaults. Its RedirectURI must be empty.
	// A zero Lifetime becomes long enough for the Timeout.
	AuthOptions *csoauth.AuthOptions
	// SuccessURL is where the browser goes after a successful login, such as a page of your
	// documentation. It must be https, or http on localhost or a loopback address. Empty: a page of
	// this package says that the user is logged in.
	SuccessURL string
	// OpenBrowser opens an address in the user's browser. If it fails, Login prints its error and
	// continues, because it prints the address, too. Login does not stop or wait for a call that
	// has not returned when the login ends. Nil: the command in $BROWSER, or else the platform's
	// way to open a browser.
	//
	// $BROWSER has one or more commands, separated by colons, or on Windows by semicolons. Words
	// are split as a shell splits them, but no shell runs. %s stands for the address. Without %s,
	// the address is the last argument.
	OpenBrowser func(ctx context.Context, address string) error
	// ListenAt is the address to listen at in place of the redirect URI's, such as "0.0.0.0:8184"
	// in a container that publishes this port. Other machines may then reach it until the login
	// ends. They learn no code, and cannot end the login, because Login accepts only requests for
	// the redirect URI, with its Host and this login's state. ListenAt needs exactly one redirect
	// URI. Empty: Login listens at the redirect URI, only on this machine.
	ListenAt string
	// Manual is for machines without a browser. Login then does not listen and opens no browser.
	// The user opens the address in a browser on any machine. That browser ends at an address to
	// which it cannot connect. The user pastes that address, and Login reads it from In. It may be
	// wrapped over several lines, or have quotes around it.
	Manual bool
	// In is where Manual reads lines. It reads nothing after the last line that it needs. Nil:
	// standard input. A line ends with a line feed, a carriage return, or both. If the program is
	// in the background of a terminal, Login reads only when the program is in the foreground
	// again.
	//
	// Without Manual, Login listens. If In is a terminal whose Read can be interrupted, Login also
	// reads a pasted address, and uses whichever comes first.
	//
	// If a Read still waits when Login ends, Login interrupts it if In has a SetReadDeadline that
	// works. Connections have one, and so has an os.Pipe on Unix, and on Linux the terminal that
	// nil means. Otherwise the Read continues to wait, for example at the console on Windows, and
	// the next Login with the same In gets its line. A program that itself reads In after such a
	// Login loses that line.
	//
	// If the last line ends with a carriage return, Login also takes the line feed that follows. If
	// Login cannot look ahead, it reads for at most a quarter of a second. Such a Read may take
	// another character, or continue to wait as described above.
	In io.Reader
	// Out is where Login prints the address and its messages to the user. Nil: os.Stderr.
	Out io.Writer
}

// Format prints the Options under every verb. It leaves out the contents of In and Out, which with
// Manual are a code and an authorize URL. It hides a redirect URI that may have a password.
func (o Options) Format(f fmt.State, _ rune) {
	uris := slices.Clone(o.RedirectURIs)
	for i, uri := range uris {
		if strings.Contains(uri, "@") {
			uris[i] = "REDACTED"
		}
	}
	success := o.SuccessURL
	if strings.Contains(success, "@") {
		success = "REDACTED"
	}
	fmt.Fprintf(f, "loopback.Options{Program:%q RedirectURIs:%q Timeout:%v SuccessURL:%q ListenAt:%q Manual:%t In:%T Out:%T}",
		o.Program, uris, o.Timeout, success, o.ListenAt, o.Manual, o.In, o.Out)
}

// Login logs the user in. It returns when the outcome is known and the browser shows it. It is safe
// for concurrent use. Two logins cannot share a port.
//
// Test for its errors with errors.Is and errors.As:
//   - [csoauth.ErrDenied]: the user denied access.
//   - [ErrPortInUse], [ErrTimeout], and the error of ctx if ctx ends.
//   - [csoauth.ErrAttemptExpired]: the Lifetime of the AuthOptions is shorter than the Timeout, and
//     has passed.
//   - [csoauth.ErrConfig]: the app is set up wrongly.
//   - a [*csoauth.Error]: Contentstack reported an error.
//   - other errors, for settings that cannot work. [csoauth.Plain] is one: its challenge would be
//     in the list of processes and in the browser's history. A redirect URI that is not on this
//     machine is another.
//
// Login installs no signal handler. So Ctrl-C ends the program, unless the program has a handler
// that ends ctx. A browser that Login started keeps running.
func Login(ctx context.Context, c *csoauth.Config, o *Options) (*csoauth.Token, error) {
	l, err := newLogin(ctx, c, o)
	if err != nil {
		return nil, fmt.Errorf("loopback: %w", err)
	}
	ctx, cancel := l.limit(ctx)
	defer cancel()
	switch {
	case ctx.Err() != nil:
		err = ended(ctx)
	case l.o.Manual:
		err = l.loginByHand(ctx)
	default:
		err = l.loginByBrowser(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("loopback: %w", err)
	}
	return l.token, nil
}

// A login is one attempt of one user.
type login struct {
	config *csoauth.Config
	o      Options // all set but AuthOptions and OpenBrowser
	uris   []*url.URL
	caller context.Context // of the exchange, which the timeout must not cut off

	uri     *url.URL // the redirect URI in use; request has its exact text
	request *csoauth.AuthRequest
	outcome
}

func newLogin(ctx context.Context, c *csoauth.Config, o *Options) (*login, error) {
	if c == nil {
		return nil, errors.New("the Config is missing")
	}
	l := &login{config: c, caller: ctx, outcome: outcome{decided: make(chan struct{}), shown: make(chan struct{})}}
	if o != nil {
		l.o = *o
	}
	if c.RedirectURI == "" && len(l.o.RedirectURIs) > 0 {
		config := *c
		config.RedirectURI = l.o.RedirectURIs[0]
		l.config = &config
	}
	if err := l.config.Validate(); err != nil {
		return nil, err
	}
	if c.ChallengeMethod == csoauth.Plain {
		return nil, errors.New("ChallengeMethod is plain: the verifier would be visible in the process list and the browser's history: use S256")
	}
	if l.o.AuthOptions != nil && l.o.AuthOptions.RedirectURI != "" {
		return nil, errors.New("AuthOptions.RedirectURI is set: set Options.RedirectURIs, or the Config's")
	}
	if l.o.Timeout < 0 {
		return nil, fmt.Errorf("the Timeout %v is negative", l.o.Timeout)
	}
	if l.o.ListenAt != "" {
		if _, err := netip.ParseAddrPort(l.o.ListenAt); err != nil || len(l.o.RedirectURIs) > 1 {
			return nil, fmt.Errorf("ListenAt %q: want an IP address with a port, such as 0.0.0.0:8184, and one redirect URI", l.o.ListenAt)
		}
	}
	if err := checkSuccessURL(l.o.SuccessURL); err != nil {
		return nil, fmt.Errorf("the SuccessURL %w", err)
	}
	l.o.fillIn(c)
	for i, text := range l.o.RedirectURIs {
		if err := l.begin(i); err != nil { // to see whether it could: all mistakes are told before anything happens
			return nil, err
		}
		u, err := parseRedirectURI(text)
		if err != nil {
			return nil, err
		}
		l.uris = append(l.uris, u)
	}
	return l, nil
}

// checkSuccessURL refuses what a browser should not be sent to.
func checkSuccessURL(text string) error {
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' || r == '\\' }):
		return errors.New("is not an absolute URL in ASCII: want https://host/path")
	case u.User != nil:
		return errors.New("has a user or password before the host: remove it")
	case u.Scheme == "https", u.Scheme == "http" && len(addresses(u.Hostname())) > 0:
		return nil
	}
	return errors.New("is neither https nor http on this machine")
}

func (o *Options) fillIn(c *csoauth.Config) {
	if o.Program == "" {
		o.Program = programName()
	}
	if len(o.RedirectURIs) == 0 {
		o.RedirectURIs = []string{c.RedirectURI}
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.Out == nil {
		o.Out = os.Stderr
	}
}

func programName() string {
	path, err := os.Executable()
	if err != nil {
		return "the program"
	}
	return strings.TrimSuffix(filepath.Base(path), ".exe")
}

// begin makes the attempt, at one of the redirect URIs.
func (l *login) begin(chosen int) error {
	options := csoauth.AuthOptions{}
	if l.o.AuthOptions != nil {
		options = *l.o.AuthOptions
	}
	options.RedirectURI = l.o.RedirectURIs[chosen] // exactly as it is registered
	if options.Lifetime == 0 && l.o.Timeout > defaultTimeout {
		options.Lifetime = max(l.o.Timeout, l.o.Timeout+exchangeTimeout) // who has longer may use it; a sum too large is negative
	}
	var err error
	l.request, err = l.config.NewAuthRequest(&options)
	return err
}

// limit returns a context that ends with the Timeout, or with the attempt if that is sooner.
func (l *login) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	if left := time.Until(l.request.Expires); left < l.o.Timeout {
		return context.WithTimeoutCause(ctx, left, errExpired)
	}
	return context.WithTimeoutCause(ctx, l.o.Timeout, ErrTimeout)
}

var errExpired = fmt.Errorf("%w: the user did not return from the browser", csoauth.ErrAttemptExpired)

// ended is why ctx has: our own deadline, or what the caller says.
func ended(ctx context.Context) error {
	cause := context.Cause(ctx)
	if cause == ErrTimeout || cause == errExpired || errors.Is(cause, ctx.Err()) {
		return cause
	}
	return fmt.Errorf("%w: %w", ctx.Err(), cause)
}
