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
	ErrTimeout = errors.New("nobody came back from the browser in time")
	// ErrPortInUse: another program listens at the redirect URI, on at least one address of
	// localhost, and would get the code. No browser was opened. Another login of this user is
	// waited for; the error means that it did not end in time. End that program, which may be
	// another login, or register another redirect URI and offer both. A port that the system does
	// not give to this program, such as one in a range that Windows reserves, is another error.
	ErrPortInUse = errors.New("port in use")
)

// Options vary a login. Nil is fine.
type Options struct {
	// Program is what the pages call the program. Empty: the name of its file.
	Program string
	// RedirectURIs are registered redirect URIs to choose from. The first whose port is free is
	// used, and the Token remembers which. Each is http on localhost, a name under it, or a literal
	// loopback address. Manual takes the first. Nil: the Config's only, which may otherwise be
	// empty.
	RedirectURIs []string
	// Timeout is how long the user has. Zero: 5 minutes. After that nothing listens at the redirect
	// URI.
	Timeout time.Duration
	// AuthOptions are those of the attempt. Nil is fine. Its RedirectURI must be empty. Its
	// Lifetime, if it is zero, is long enough for the Timeout.
	AuthOptions *csoauth.AuthOptions
	// SuccessURL is where the browser goes after a login that worked, such as a page of your
	// documentation: https, or http on localhost or a loopback address. Empty: a page of this
	// package says that the user is logged in.
	SuccessURL string
	// OpenBrowser opens an address in the user's browser. If it fails, its error is printed and the
	// login goes on, because the address is printed, too. A call that has not returned when the
	// login ends is left alone. Nil: what $BROWSER names, or the platform's way. $BROWSER is one
	// command or several, with colons between them, on Windows semicolons. Words are split as a
	// shell splits them, but no shell runs. %s stands for the address, which otherwise comes last.
	OpenBrowser func(ctx context.Context, address string) error
	// ListenAt is the address to listen at in place of the redirect URI's, such as "0.0.0.0:8184"
	// in a container that publishes this port. Then other machines may reach it until the login
	// ends. They learn no code, and cannot end the login: it takes only requests for the redirect
	// URI, with its Host and this login's state. It goes with one redirect URI. Empty: at the
	// redirect URI, on this machine alone.
	ListenAt string
	// Manual is for machines without a browser. Login does not listen and opens no browser. It
	// reads from In the address at which the user's browser, on any machine, ended. That browser
	// says that it cannot connect. The address may be wrapped over several lines, or have quotes
	// around it.
	Manual bool
	// In is where Manual reads lines, and no further. Nil: standard input. A line ends with a line
	// feed, a carriage return, or both. In the background of a terminal nothing is read until the
	// program is in its foreground.
	//
	// Without Manual, Login listens and also takes a pasted address, whichever comes first, if In
	// is a terminal whose Read can be interrupted.
	//
	// A Read that waits when Login ends is interrupted if In has a SetReadDeadline that works.
	// Connections have one, on Unix also an os.Pipe, and on Linux the terminal that nil means.
	// Otherwise, for example at the console on Windows, the Read goes on, and the next Login with
	// the same In gets its line. A program that itself reads In after such a Login loses that line.
	//
	// If the last line ends with a carriage return, Login takes the line feed that follows. Where
	// Login cannot look ahead, it does so by a Read for a quarter of a second at most. Such a Read
	// may take another character, or go on as described above.
	In io.Reader
	// Out is where the address goes, and what the user should know. Nil: os.Stderr.
	Out io.Writer
}

// Format prints the Options under every verb, without what In and Out hold: by hand, that is a code
// and an authorize URL. It hides a redirect URI that may have a password.
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
// Errors, to be told apart by errors.Is and errors.As:
//   - [csoauth.ErrDenied]: the user said no.
//   - [ErrPortInUse], [ErrTimeout], and those of ctx if it ends.
//   - [csoauth.ErrAttemptExpired]: the Lifetime of the AuthOptions is shorter than the Timeout, and
//     over.
//   - [csoauth.ErrConfig]: the app is set up wrongly.
//   - a [*csoauth.Error]: what Contentstack said.
//   - others, for what cannot work: [csoauth.Plain], whose challenge would be in the list of
//     processes and in the browser's history, or a redirect URI that is not on this machine.
//
// Login installs no signal handler: Ctrl-C ends the program, unless it has a handler that ends ctx.
// A browser that Login started goes on.
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
		return nil, errors.New("ChallengeMethod is plain: the verifier would stand in the process list and the browser's history; use S256")
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

var errExpired = fmt.Errorf("%w: nobody came back from the browser", csoauth.ErrAttemptExpired)

// ended is why ctx has: our own deadline, or what the caller says.
func ended(ctx context.Context) error {
	cause := context.Cause(ctx)
	if cause == ErrTimeout || cause == errExpired || errors.Is(cause, ctx.Err()) {
		return cause
	}
	return fmt.Errorf("%w: %w", ctx.Err(), cause)
}
