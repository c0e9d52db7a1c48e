package integration_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/emulator"
)

// contentstackHosts are Contentstack's hosts in North America and in Europe.
var contentstackHosts = []string{
	"app.contentstack.com", "api.contentstack.io", "developerhub-api.contentstack.com", "auth-api.contentstack.com",
	"eu-app.contentstack.com", "eu-api.contentstack.com", "eu-developerhub-api.contentstack.com", "eu-auth-api.contentstack.com",
}

// A contentstack is an emulator at Contentstack's own addresses. Clients that know of no emulator
// reach it there.
type contentstack struct {
	*emulator.Emulator
	t         *testing.T
	app       string // base URL of the web application
	authority string // file with the certificate of the authority, for NODE_EXTRA_CA_CERTS
	transport *http.Transport

	mu   sync.Mutex
	seen []string // such as "GET api.contentstack.io/v3/user"
}

// newContentstack serves an emulator with that app until the end of the test. Call it on a host of
// the test's own, see onHost: it replaces /etc/hosts there and listens on port 443.
func newContentstack(t *testing.T, o emulator.Options, app emulator.App) *contentstack {
	t.Helper()
	require.NotEmpty(t, os.Getenv(hostEnv), "this host is not the test's own")
	o.Apps = []emulator.App{app}
	o.AllowHosts = contentstackHosts
	e, err := emulator.New(o)
	require.NoError(t, err)
	c := &contentstack{Emulator: e, t: t, app: "https://app.contentstack.com"}
	if o.Location == "EU" {
		c.app = "https://eu-app.contentstack.com"
	}
	leadHere(t, contentstackHosts)

	certificate, authority := newAuthority(t, contentstackHosts)
	c.authority = filepath.Join(t.TempDir(), "authority.pem")
	require.NoError(t, os.WriteFile(c.authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authority.Raw}), 0o644))
	trusted := x509.NewCertPool()
	trusted.AddCert(authority)
	c.transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}}
	t.Cleanup(c.transport.CloseIdleConnections)

	server := httptest.NewUnstartedServer(c)
	require.NoError(t, server.Listener.Close())
	server.Listener, err = net.Listen("tcp", "127.0.0.1:443")
	require.NoError(t, err)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // a browser that ends cuts its connections
	server.StartTLS()
	t.Cleanup(server.Close)
	return c
}

// leadHere makes the hosts' names lead to this machine, until the end of the test.
func leadHere(t *testing.T, hosts []string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "hosts")
	lines := "127.0.0.1 localhost " + strings.Join(hosts, " ") + "\n::1 localhost\n"
	require.NoError(t, os.WriteFile(file, []byte(lines), 0o644))
	out, err := exec.Command("mount", "--bind", file, "/etc/hosts").CombinedOutput()
	require.NoError(t, err, "%s", out)
	t.Cleanup(func() {
		out, err := exec.Command("umount", "/etc/hosts").CombinedOutput()
		assert.NoError(t, err, "%s", out)
	})
}

func (c *contentstack) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	c.seen = append(c.seen, r.Method+" "+r.Host+r.URL.Path)
	c.mu.Unlock()
	c.Emulator.ServeHTTP(w, r)
}

// requested returns what clients requested since the last call, with the host of each.
func (c *contentstack) requested() (requests []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	requests, c.seen = c.seen, nil
	return requests
}

// callback opens an authorize URL, and returns the parameters with which the visitor is sent back.
func (c *contentstack) callback(authorizeURL string, visitor emulator.Visitor) url.Values {
	c.t.Helper()
	back, stuck := c.open(authorizeURL, visitor)
	require.NotNil(c.t, back, "nobody was sent back: %v", stuck)
	return back
}

// open is callback for a visitor who may get stuck at a page, which it returns then.
func (c *contentstack) open(authorizeURL string, visitor emulator.Visitor) (back url.Values, stuck *http.Response) {
	c.t.Helper()
	browser := &http.Client{
		Transport: &emulator.Browser{Emulator: c.app, Visitor: visitor, Transport: c.transport},
		Timeout:   time.Minute,
	}
	back, stuck, err := emulator.SentBack(c.t.Context(), browser, c.app, authorizeURL)
	require.NoError(c.t, err)
	return back, stuck
}

// tokenRequests returns the requests to the token endpoint.
func (c *contentstack) tokenRequests() (all []emulator.Request) {
	for _, r := range c.Requests() {
		if strings.HasSuffix(r.Path, "/token") {
			all = append(all, r)
		}
	}
	return all
}

// assertFindings checks which rules clients broke, in the order of their names. A rule for which a
// request was refused has "refused: " before its name.
func (c *contentstack) assertFindings(want ...string) {
	c.t.Helper()
	var got []string
	for _, f := range c.Findings() {
		if f.Refused {
			f.ID = "refused: " + f.ID
		}
		got = append(got, f.ID)
	}
	slices.Sort(got)
	assert.Equal(c.t, want, got)
}

// A member of an organization sees the authorizations of an app that are their own. Its owner sees
// those of everyone, which are several pages.
var (
	member = emulator.Visitor{UserUID: alan}
	owner  = emulator.Visitor{UserUID: ada}
)

// newAuthority makes an authority that nobody trusts yet, and a certificate of it for the hosts.
func newAuthority(t *testing.T, hosts []string) (tls.Certificate, *x509.Certificate) {
	t.Helper()
	issue := func(template, parent *x509.Certificate, signer *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		require.NoError(t, err)
		if signer == nil {
			parent, signer = template, key
		}
		// A client whose clock runs hours ahead trusts it too.
		template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(30*24*time.Hour)
		der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
		require.NoError(t, err)
		certificate, err := x509.ParseCertificate(der)
		require.NoError(t, err)
		return certificate, key
	}
	authority, signer := issue(&x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Authority of a test"},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil, nil)
	leaf, key := issue(&x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: hosts[0]}, DNSNames: slices.Clone(hosts),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, authority, signer)
	return tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: key}, authority
}
