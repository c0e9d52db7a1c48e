package clilogin

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/internal/untrusted"
)

// reachPatience is how long the first connection to the token endpoint may take.
const reachPatience = 15 * time.Second

// reach tries one connection to the host of the token endpoint, as token requests make it. Behind a
// proxy, or one that opens TLS, users would otherwise learn only after their consent that the login
// does not work.
func (s *Session) reach(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, reachPatience, fmt.Errorf("no connection within %v", reachPatience))
	defer cancel()
	endpoint, err := s.config.TokenURLFor(&csoauth.Token{})
	if err != nil {
		return err
	}
	u, err := url.Parse(endpoint)
	if err != nil {
		return err
	}
	u.Path, u.RawPath = "/", "" // the endpoint itself takes POST alone
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, u.String(), nil)
	if err != nil {
		return err
	}
	req.Close = true // so that no connection stays
	resp, err := s.transport(ctx).RoundTrip(req)
	if err == nil {
		return resp.Body.Close() // whatever it says: it is there
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	// A proxy's words are in it.
	text := untrusted.Clean(err.Error(), untrusted.MaxDescription, nil, nil)
	return &unreachableError{fmt.Sprintf("%s cannot be reached, so there is no use in a login now: %s%s", req.URL.Host, text, advice(err)), err}
}

// An unreachableError has a text that is safe to print.
type unreachableError struct {
	text string
	err  error
}

func (e *unreachableError) Error() string { return e.text }
func (e *unreachableError) Unwrap() error { return e.err }

// transport returns that of the Config's token requests, or one like it.
func (s *Session) transport(ctx context.Context) http.RoundTripper {
	client := s.config.HTTPClient
	if client == nil {
		client, _ = ctx.Value(oauth2.HTTPClient).(*http.Client)
	}
	if client != nil && client.Transport != nil {
		return client.Transport
	}
	return http.DefaultTransport
}

// advice says what to do about a connection that failed.
func advice(err error) string {
	if unknown, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		issuer := ""
		if unknown.Cert != nil {
			issuer = fmt.Sprintf("; its certificate is from %.200q", unknown.Cert.Issuer.String())
		}
		return issuer + ": if that is your network's own, add its authority to the system's store, or name its file in SSL_CERT_FILE"
	}
	if invalid, ok := errors.AsType[*tls.CertificateVerificationError](err); ok && len(invalid.UnverifiedCertificates) > 0 {
		return fmt.Sprintf("; its certificate is from %.200q: check this machine's clock and your network", invalid.UnverifiedCertificates[0].Issuer.String())
	}
	if strings.Contains(err.Error(), http.StatusText(http.StatusProxyAuthRequired)) {
		return ": put the proxy's user and password into HTTPS_PROXY"
	}
	return ""
}
