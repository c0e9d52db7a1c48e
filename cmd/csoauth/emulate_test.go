package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/internal/emulator"
)

func TestFlagsStandBeforeTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"region": "EU", "access_token_lifetime": "2s", "refresh_token_lifetime": "3s",
		"code_lifetime": "4s", "apps": [{"uid": "u1", "client_id": "c1", "allow_pkce": true}], "unknowns": {"error_shape": "cma",
		"region_names": "both", "reuse": "grace", "reuse_grace": "5s", "omit": ["location"]}}`), 0o600))
	merged := func(args ...string) emulator.Options {
		f, cmd := &emulateFlags{}, &cobra.Command{}
		f.register(cmd)
		require.NoError(t, cmd.ParseFlags(args))
		o, err := f.merged()
		require.NoError(t, err)
		return o
	}
	ofFile := merged("--config", file)
	written := emulator.Realistic()
	written.Location, written.AccessTokenLifetime, written.RefreshTokenLifetime, written.CodeLifetime = "EU", 2*time.Second, 3*time.Second, 4*time.Second
	written.Apps = []emulator.App{{UID: "u1", ClientID: "c1", AllowPKCE: true}}
	written.Unknowns.ErrorShape, written.Unknowns.RegionNames, written.Unknowns.Omit = "cma", "both", []string{"location"}
	written.Unknowns.Reuse, written.Unknowns.ReuseGrace = "grace", emulator.Duration(5*time.Second)
	require.Equal(t, written, ofFile)
	for flag, set := range map[string]func(*emulator.Options){
		"--region=AU":                         func(o *emulator.Options) { o.Location = "AU" },
		"--access-token-lifetime=20s":         func(o *emulator.Options) { o.AccessTokenLifetime = 20 * time.Second },
		"--refresh-token-lifetime=30s":        func(o *emulator.Options) { o.RefreshTokenLifetime = 30 * time.Second },
		"--code-lifetime=40s":                 func(o *emulator.Options) { o.CodeLifetime = 40 * time.Second },
		"--error-shape=html":                  func(o *emulator.Options) { o.Unknowns.ErrorShape = "html" },
		"--denial-without-state":              func(o *emulator.Options) { o.Unknowns.DenialWithoutState = true },
		"--region-names=region":               func(o *emulator.Options) { o.Unknowns.RegionNames = "region" },
		"--old-access-token-lives":            func(o *emulator.Options) { o.Unknowns.OldAccessTokenLives = true },
		"--reuse=refuse":                      func(o *emulator.Options) { o.Unknowns.Reuse, o.Unknowns.ReuseGrace = "refuse", 0 },
		"--reuse-grace=50s":                   func(o *emulator.Options) { o.Unknowns.ReuseGrace = emulator.Duration(50 * time.Second) },
		"--allow-host=emulator":               func(o *emulator.Options) { o.AllowHosts = []string{"emulator"} },
		"--omit=expires_in,refresh_token":     func(o *emulator.Options) { o.Unknowns.Omit = []string{"expires_in", "refresh_token"} },
		"--tolerate=refresh-without-secret":   func(o *emulator.Options) { o.SetTolerated("refresh-without-secret", true) },
		"--refuse=secret-in-url,state-reused": func(o *emulator.Options) { o.Tolerate = o.Tolerate[2:] },
		"--user-authtoken=yes":                func(o *emulator.Options) { o.Unknowns.UserAuthtoken = "yes" },
	} {
		want, alone := ofFile, emulator.Realistic()
		set(&want)
		set(&alone)
		require.Equal(t, want, merged("--config", file, flag))
		require.Equal(t, alone, merged(flag))
	}
}

// emulate runs the command until it serves, and returns what it printed.
func emulate(t *testing.T, args ...string) (string, error) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	out := &stoppingBuffer{stop: stop, at: "User API"}
	root := rootCommand([]string{"emulate"})
	root.SetArgs(append([]string{"emulate"}, args...))
	root.SetOut(out)
	err := root.ExecuteContext(ctx)
	require.NotErrorIs(t, ctx.Err(), context.DeadlineExceeded, "it neither serves nor fails")
	return out.String(), err
}

// A stoppingBuffer calls stop when a text was written to it.
type stoppingBuffer struct {
	bytes.Buffer
	at   string
	stop func()
}

func (b *stoppingBuffer) Write(p []byte) (int, error) {
	n, err := b.Buffer.Write(p)
	if strings.Contains(b.String(), b.at) {
		b.stop()
	}
	return n, err
}

func TestEveryRedirectURIIsCheckedAndRegistered(t *testing.T) {
	const one, two = "http://localhost:9998/one", "http://localhost:9999/two"
	out, err := emulate(t, "--addr", "127.0.0.1:0", "--redirect-uri", one, "--redirect-uri", two)
	require.NoError(t, err)
	require.Contains(t, out, one)
	require.Contains(t, out, two)
	for _, uris := range [][]string{{one, "relative"}, {"relative", one}} {
		_, err := emulate(t, "--addr", "127.0.0.1:0", "--redirect-uri", uris[0], "--redirect-uri", uris[1])
		require.ErrorContains(t, err, `--redirect-uri: csoauth: config: RedirectURI: "relative"`)
	}
}

func TestClientSecretIsPrintedForAnAppThatHasOne(t *testing.T) {
	const optional, required = "(optional: Allow PKCE is on)", "(required: Allow PKCE is off)"
	for name, row := range map[string]struct{ app, want string }{
		"optional": {`{"uid": "u1", "client_id": "c1", "client_secret": "s1", "allow_pkce": true}`, "s1  " + optional},
		"required": {`{"uid": "u1", "client_id": "c1", "client_secret": "s1"}`, "s1  " + required},
		"none":     {`{"uid": "u1", "client_id": "c1", "allow_pkce": true}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "config.json")
			require.NoError(t, os.WriteFile(file, []byte(`{"apps": [`+row.app+`]}`), 0o600))
			out, err := emulate(t, "--addr", "127.0.0.1:0", "--config", file)
			require.NoError(t, err)
			require.Contains(t, out, "u1")
			if row.want == "" {
				require.NotContains(t, out, "ecret")
				require.NotContains(t, out, "PKCE")
				return
			}
			require.Regexp(t, `(?m)^  Client secret +`+regexp.QuoteMeta(row.want)+`$`, out)
		})
	}
}

func TestEndpointsAreForGo(t *testing.T) {
	out, err := emulate(t, "--addr", "127.0.0.1:0")
	require.NoError(t, err)
	told := regexp.MustCompile(`(?m)^  Endpoints in Go +csoauth\.OneHost\("(.+)"\)$`).FindStringSubmatch(out)
	require.NotNil(t, told, out)
	require.Contains(t, out, "Emulated Contentstack at "+told[1]+" (")
	config := &csoauth.Config{
		AppUID: "app", ClientID: "client", RedirectURI: "http://localhost:8184",
		Endpoints: map[csoauth.Region]csoauth.Endpoints{csoauth.NA: csoauth.OneHost(told[1])},
	}
	require.NoError(t, config.Validate())
}

func TestPrintedAddressCanBeOpened(t *testing.T) {
	for addr, want := range map[string]string{
		"127.0.0.1:8484":      "http://127.0.0.1:8484",
		"[::1]:8484":          "http://[::1]:8484",
		"192.0.2.7:8484":      "http://192.0.2.7:8484",
		"0.0.0.0:8484":        "http://127.0.0.1:8484",
		"[::]:8484":           "http://localhost:8484",
		"[fe80::1%eth0]:8484": "http://[fe80::1%eth0]:8484",
	} {
		tcp, err := net.ResolveTCPAddr("tcp", addr)
		require.NoError(t, err)
		require.Equal(t, want, baseURL(tcp))
	}
}

func TestHostOfTheAddressIsAllowed(t *testing.T) {
	for addr, want := range map[string][]string{
		"192.0.2.7:8484": {"emulator", "192.0.2.7"},
		"[fd00::7]:8484": {"emulator", "fd00::7"},
		"name.test:8484": {"emulator", "name.test"},
		":8484":          {"emulator"},
	} {
		f := &emulateFlags{addr: addr, allowHosts: []string{"emulator"}}
		o, err := f.merged()
		require.NoError(t, err)
		require.Equal(t, want, o.AllowHosts)
	}
}

func TestAddressesThatOthersReachAreRefusedUnlessAllowed(t *testing.T) {
	for addr, allowed := range map[string]bool{
		"127.0.0.1:0": true, "127.9.9.9:0": true, "[::1]:0": true, "localhost:0": true,
		"10.0.0.1:0": false, "[::2]:0": false, ":0": false, "LOCALHOST.example.com:0": false,
	} {
		require.Equal(t, allowed, checkAddr(addr, false) == nil, addr)
		require.NoError(t, checkAddr(addr, true), addr)
	}
	require.Error(t, checkAddr("127.0.0.1", true), "a port is missing")
}

func TestAddressThatIsTakenIsTold(t *testing.T) {
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	addr := listener.Addr().String()
	_, err = emulate(t, "--addr", addr)
	require.EqualError(t, err, "emulate: something else listens on "+addr+": choose another --addr, such as 127.0.0.1:0")
}

func TestStateThatCannotBeKeptIsToldOnce(t *testing.T) {
	e, err := emulator.New(emulator.Options{})
	require.NoError(t, err)
	var out bytes.Buffer
	dir := filepath.Join(t.TempDir(), "later")
	o := &observer{teller: newTeller(&out), emulator: e, state: stateFile(filepath.Join(dir, "state.json"))}
	surprises := func() int {
		o.request(emulator.Request{})
		return strings.Count(out.String(), "SURPRISE: ")
	}
	require.Equal(t, 1, surprises())
	require.Equal(t, 1, surprises(), "the same again")
	require.NoError(t, os.Mkdir(dir, 0o700))
	require.Equal(t, 1, surprises())
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1, "no temporary file stays")
	require.NoError(t, o.state.load(e))
	require.NoError(t, os.RemoveAll(dir))
	require.Equal(t, 2, surprises(), "it was well meanwhile")
	require.NoError(t, o.state.load(e), "no file yet is no state yet")
}

func TestRefusalOfAnUnknownFindingIsToldAtOnce(t *testing.T) {
	for _, id := range []string{"secret-in-ulr", "no-state", ""} { // mistyped, never refused, empty
		_, err := emulate(t, "--addr", "127.0.0.1:0", "--refuse", id)
		require.ErrorContains(t, err, "emulate: --refuse \""+id+"\": want a rule that can be tolerated: secret-in-url, ")
	}
}

func TestWhatAClientSendsDoesNotActOnTheTerminal(t *testing.T) {
	e, err := emulator.New(emulator.Options{})
	require.NoError(t, err)
	var out bytes.Buffer
	o := &observer{teller: newTeller(&out), emulator: e}
	o.request(emulator.Request{Method: "GET", Path: "/a\x1b]0;b\a", Params: map[string]string{"scope": "c\x1b[2J"}})
	o.finding(emulator.Finding{ID: "x", Request: "GET /d\u009b2J"}, false)
	require.Contains(t, out.String(), "GET /a]0;b")
	require.NotContains(t, out.String(), "\x1b")
	require.NotContains(t, out.String(), "\u009b")
}
