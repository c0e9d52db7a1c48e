package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// A Check is one line about what a login needs.
type Check struct {
	Name  string
	State State
	Text  string // what was found
	Do    string // what to do about it; empty if there is nothing to do
}

// A State is how a Check ended.
type State string

// The states of a check.
const (
	OK      State = "ok"
	Warning State = "warning"
	Failure State = "failure"
)

// CheckHosts asks each host of the region for its first page: whether its name resolves, whether a
// proxy and TLS let the request through, and what time it is there. tell gets each Check as it is
// known.
func (p *Prober) CheckHosts(ctx context.Context, tell func(Check)) error {
	clocked := false
	for _, base := range p.bases() {
		u, err := url.Parse(base)
		if err != nil {
			return err
		}
		resp, err := p.wire.send(ctx, &request{purpose: "Whether the host responds", method: http.MethodHead, service: p.serviceAt(base), base: u.Scheme + "://" + u.Host, path: "/"})
		if errors.Is(err, errStopped) {
			return errors.New(p.wire.stopped)
		}
		if err != nil {
			return err
		}
		tell(checkHost(u, resp))
		if date, err := http.ParseTime(resp.header.Get("Date")); err == nil && !clocked && resp.header.Get("Age") == "" { // an old response has an old date
			clocked = true
			tell(p.checkClock(date, resp))
		}
	}
	if !clocked {
		p.cannot("No host said what time it is.", "clock")
	}
	return nil
}

// bases are the hosts that the probe and csoauth's packages use, each once.
func (p *Prober) bases() (all []string) {
	for _, named := range p.services() {
		if u, err := url.Parse(named.base); err == nil && u.Host != "" {
			base := u.Scheme + "://" + u.Host
			if !slices.Contains(all, base) {
				all = append(all, base)
			}
		}
	}
	return all
}

// A namedService is a service as the page calls it, and its base URL.
type namedService struct{ name, base string }

func (p *Prober) services() []namedService {
	h := p.hosts
	return []namedService{
		{application, h.App}, {"token endpoint", p.token}, {developerHub, h.DeveloperHub}, {contentManagement, h.ContentManagement}, {"authentication", h.Auth},
		{"Launch", h.Launch}, {"Brand Kit", h.BrandKit}, {"Personalize", h.PersonalizeManagement}, {"Composable Studio", h.ComposableStudio},
	}
}

// serviceAt returns what the page calls a host.
func (p *Prober) serviceAt(base string) string {
	for _, named := range p.services() {
		if named.base == base || strings.HasPrefix(named.base, base+"/") {
			return named.name
		}
	}
	return "host"
}

func checkHost(u *url.URL, r *response) Check {
	how := ""
	if proxy, err := http.ProxyFromEnvironment(&http.Request{URL: u}); err == nil && proxy != nil {
		how = " through the proxy " + proxy.Host
	}
	switch {
	case r.err == nil && (r.status >= 500 || r.status == http.StatusProxyAuthRequired):
		return Check{u.Host, Warning, fmt.Sprintf("responds%s with %d %s", how, r.status, http.StatusText(r.status)), "it, or something before it, does not work now: try again later"}
	case r.err == nil:
		return Check{u.Host, OK, "responds" + how, ""}
	}
	return Check{u.Host, Failure, "does not respond" + how + ": " + whyNone(r.err), doAbout(r.err)}
}

// whyNone is the reason of a request that got no response, without the address.
func whyNone(err error) string {
	if of, ok := errors.AsType[*url.Error](err); ok {
		err = of.Err
	}
	if name, ok := errors.AsType[*net.DNSError](err); ok {
		return "its name does not resolve (" + name.Err + ")"
	}
	if of, ok := errors.AsType[*net.OpError](err); ok {
		return of.Op + ": " + of.Err.Error()
	}
	return err.Error()
}

// doAbout says what to do about a request that got no response.
func doAbout(err error) string {
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return "check the network and the region, or set HTTPS_PROXY if this network needs a proxy"
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "if the certificate is from your own network, add its authority to the system's store, or name its file in SSL_CERT_FILE"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "check this machine's clock, and whether your network opens TLS"
	}
	if strings.Contains(err.Error(), http.StatusText(http.StatusProxyAuthRequired)) {
		return "put the user and the password of the proxy into HTTPS_PROXY"
	}
	return "check the network, a firewall, and HTTPS_PROXY"
}

// maxSkew is how far the clocks may be apart before it is worth a word.
const maxSkew = 30 * time.Second

// checkClock compares the service's clock with this machine's.
func (p *Prober) checkClock(date time.Time, r *response) Check {
	var skew time.Duration
	switch { // the header has whole seconds, and was written between the two
	case date.Before(r.sent.Add(-2 * time.Second)):
		skew = r.sent.Sub(date)
	case date.After(r.came.Add(2 * time.Second)):
		skew = r.came.Sub(date)
	}
	apart := skew.Abs().Round(time.Second)
	which := "The two agree."
	switch {
	case apart == 0:
	case skew > 0:
		which = "This machine's clock is ahead."
	default:
		which = "This machine's clock is behind."
	}
	p.saw("clock", apart.String(), which, r)
	if apart <= maxSkew {
		return Check{"clock", OK, fmt.Sprintf("%v apart from the service's", apart), ""}
	}
	return Check{"clock", Warning, fmt.Sprintf("%v apart from the service's", apart), "set it, for example with NTP: certificates and logs depend on it"}
}
