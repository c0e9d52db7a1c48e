package archtest_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/clilogin"
	"github.com/contentstack/csoauth/csapi"
	"github.com/contentstack/csoauth/csoauthtest"
	"github.com/contentstack/csoauth/examples/wrap"
	"github.com/contentstack/csoauth/httplogin"
	"github.com/contentstack/csoauth/internal/emulator"
	"github.com/contentstack/csoauth/internal/probe"
	"github.com/contentstack/csoauth/internal/seal"
	"github.com/contentstack/csoauth/loopback"
	"github.com/contentstack/csoauth/tokens"
	"github.com/contentstack/csoauth/tokens/pgstore"
	"github.com/contentstack/csoauth/tokens/redisstore"
)

// withSecrets lists the exported types that can hold a secret. make returns a pointer to a value
// with secrets of p in it, and held, in which each of them is: what was read back out of the value,
// or what the value did that it could not do without them.
var withSecrets = []struct {
	name string // of the type; an interface has a row for each implementation
	make func(p *planter) (pointer any, held []string)
	// pointerOnly says why the value itself is not printed. Empty: it is.
	pointerOnly string
}{
	{"csoauth.AuthRequest", func(p *planter) (any, []string) {
		r := &csoauth.AuthRequest{State: p.secret(), Verifier: csoauth.Verifier(p.secret()), RedirectURI: p.url()}
		return r, []string{r.State, string(r.Verifier), r.RedirectURI}
	}, ""},
	{"csoauth.Config", func(p *planter) (any, []string) {
		c := p.config()
		c.RedirectURI = p.url()
		return c, []string{c.ClientSecret, c.RedirectURI}
	}, ""},
	{"csoauth.Error", func(p *planter) (any, []string) {
		e := &csoauth.Error{Op: "refresh", StatusCode: 400, Code: "invalid_grant", Token: p.token()}
		return e, heldByToken(e.Token)
	}, ""},
	{"csoauth.Token", func(p *planter) (any, []string) {
		t := p.token()
		t.RedirectURI = p.url()
		return t, append(heldByToken(t), t.RedirectURI)
	}, ""},
	{"csoauth.Verifier", func(p *planter) (any, []string) {
		v := csoauth.Verifier(p.secret())
		return &v, []string{string(v)}
	}, ""},

	{"internal/probe.Options", func(p *planter) (any, []string) {
		o := &probe.Options{Config: p.config()}
		return o, []string{o.Config.ClientSecret}
	}, ""},
	{"internal/probe.Prober", func(p *planter) (any, []string) {
		c := p.config()
		c.RedirectURI = "http://localhost:8184/callback"
		prober, err := probe.New(probe.Options{Config: c})
		require.NoError(p.t, err)
		return prober, []string{c.ClientSecret}
	}, "it is always a pointer"},
	{"internal/probe.Visit", func(p *planter) (any, []string) {
		v := &probe.Visit{URL: p.url(), State: p.secret()}
		return v, []string{v.URL, v.State}
	}, ""},

	{"clilogin.Options", func(p *planter) (any, []string) {
		o := &clilogin.Options{Loopback: &loopback.Options{
			RedirectURIs: []string{p.url()}, AuthOptions: &csoauth.AuthOptions{}, In: bytes.NewBufferString(p.secret()), Out: bytes.NewBufferString(p.secret()),
		}}
		return o, append(o.Loopback.RedirectURIs, fmt.Sprint(o.Loopback.In), fmt.Sprint(o.Loopback.Out))
	}, ""},
	{"clilogin.Session", func(p *planter) (any, []string) {
		c := p.config()
		c.RedirectURI = "http://localhost:8184/callback"
		s, err := clilogin.Open(p.t.Context(), c, &clilogin.Options{Program: "archtest", Dir: p.t.TempDir(), NoLogin: true})
		require.NoError(p.t, err)
		return s, []string{c.ClientSecret}
	}, ""},
	{"csapi.Client", func(p *planter) (any, []string) {
		c, t := p.config(), p.token()
		return csapi.New(c, csapi.Static(t), nil), append(heldByToken(t), c.ClientSecret)
	}, ""},
	{"csapi.Source", func(p *planter) (any, []string) {
		source := csapi.Static(p.token())
		t, err := source.Token(p.t.Context())
		require.NoError(p.t, err)
		return &source, heldByToken(t)
	}, ""},
	{"csapi.StackClient", func(p *planter) (any, []string) {
		c, t := p.config(), p.token()
		return csapi.New(c, csapi.Static(t), nil).Stack("blt1"), append(heldByToken(t), c.ClientSecret)
	}, ""},

	{"csoauthtest.App", func(p *planter) (any, []string) {
		a := csoauthtest.App(p.app(p.url()))
		return &a, append(a.RedirectURIs, a.ClientSecret)
	}, ""},
	{"csoauthtest.Options", func(p *planter) (any, []string) {
		o := &csoauthtest.Options{Apps: []csoauthtest.App{csoauthtest.App(p.app(p.url()))}}
		return o, append(o.Apps[0].RedirectURIs, o.Apps[0].ClientSecret)
	}, ""},
	{"csoauthtest.Server", func(p *planter) (any, []string) {
		app := p.app(redirectURI)
		s := csoauthtest.NewServer(p.t, &csoauthtest.Options{Apps: []csoauthtest.App{csoauthtest.App(app)}})
		return s, login(p, s.URL, app)
	}, ""},

	{"httplogin.Handlers", loginUnderWay, ""},
	{"httplogin.Keys", func(p *planter) (any, []string) {
		k := &httplogin.Keys{[]byte(p.secret()), []byte(p.secret())}
		return k, []string{string((*k)[0]), string((*k)[1])}
	}, ""},

	{"internal/emulator.App", func(p *planter) (any, []string) {
		a := p.app(p.url())
		return &a, append(a.RedirectURIs, a.ClientSecret)
	}, ""},
	{"internal/emulator.Options", func(p *planter) (any, []string) {
		o := &emulator.Options{Apps: []emulator.App{p.app(p.url())}}
		return o, append(o.Apps[0].RedirectURIs, o.Apps[0].ClientSecret)
	}, ""},
	{"internal/emulator.Emulator", func(p *planter) (any, []string) {
		app := p.app(redirectURI)
		e, err := emulator.New(emulator.Options{Apps: []emulator.App{app}})
		require.NoError(p.t, err)
		server := httptest.NewServer(e)
		p.t.Cleanup(server.Close)
		return e, login(p, server.URL, app)
	}, "New returns a pointer, and vet reports a copy of its Mutex"},

	// A Box keeps what it derives from its keys, and not the keys. The tests of internal/seal see
	// that it prints neither.
	{"internal/seal.Box", func(p *planter) (any, []string) {
		keys := p.keys()
		box, err := seal.New("purpose", keys)
		require.NoError(p.t, err)
		var held []string
		for _, k := range keys { // a Box with a key opens what another one with it has sealed
			other, err := seal.New("purpose", [][]byte{k})
			require.NoError(p.t, err)
			plain, err := box.Open(other.Seal(k, nil), nil)
			require.NoError(p.t, err)
			held = append(held, string(plain))
		}
		return box, held
	}, ""},

	{"loopback.Options", func(p *planter) (any, []string) {
		o := &loopback.Options{
			RedirectURIs: []string{p.url()}, AuthOptions: &csoauth.AuthOptions{},
			Manual: true, In: bytes.NewBufferString(p.secret()), Out: bytes.NewBufferString(p.secret()),
		}
		return o, append(o.RedirectURIs, fmt.Sprint(o.In), fmt.Sprint(o.Out))
	}, ""},

	{"tokens.Event", func(p *planter) (any, []string) {
		t := p.token()
		return &tokens.Event{Type: tokens.EventRefreshFailed, Key: key, Err: &csoauth.Error{Op: "refresh", Token: t}}, heldByToken(t)
	}, ""},
	{"tokens.Locker", func(p *planter) (any, []string) {
		store, held := sealed(p, tokens.Dir(p.t.TempDir()))
		locker := store.(tokens.Locker)
		return &locker, held
	}, ""},
	{"tokens.Login", func(p *planter) (any, []string) {
		c := p.config()
		l := manager(p, c).For(key)
		t, err := l.Token(p.t.Context())
		require.NoError(p.t, err)
		return l, append(heldByToken(t), c.ClientSecret)
	}, ""},
	{"tokens.Manager", func(p *planter) (any, []string) {
		c := p.config()
		m := manager(p, c)
		t, err := m.Token(p.t.Context(), key)
		require.NoError(p.t, err)
		return m, append(heldByToken(t), c.ClientSecret)
	}, "New returns a pointer, and vet reports a copy of its Mutex"},
	{"tokens.Memory", func(p *planter) (any, []string) {
		m := new(tokens.Memory)
		require.NoError(p.t, m.CompareAndSwap(p.t.Context(), key, nil, []byte(p.secret())))
		value, err := m.Load(p.t.Context(), key)
		require.NoError(p.t, err)
		return m, []string{string(value)}
	}, ""},
	{"tokens.Refresher", func(p *planter) (any, []string) {
		c := p.config()
		refresher := tokens.Refresher(c)
		return &refresher, []string{c.ClientSecret}
	}, ""},
	{"tokens.Store", func(p *planter) (any, []string) {
		store, held := sealed(p, new(tokens.Memory))
		return &store, held
	}, ""},
	{"tokens.Store", func(p *planter) (any, []string) {
		store := tokens.Single(p.token(), func(context.Context, *csoauth.Token) error { return nil })
		value, err := store.Load(p.t.Context(), key)
		require.NoError(p.t, err)
		return &store, []string{string(value)}
	}, ""},
	{"tokens/pgstore.Store", func(p *planter) (any, []string) {
		db := sql.OpenDB(database{p.url()})
		p.t.Cleanup(func() { assert.NoError(p.t, db.Close()) })
		store, err := pgstore.New(db, nil)
		require.NoError(p.t, err)
		_, err = store.Load(p.t.Context(), key)
		return store, []string{fmt.Sprint(err)}
	}, ""},
	{"tokens/redisstore.Store", func(p *planter) (any, []string) {
		client := database{p.url()}
		store, err := redisstore.NewFunc(func(context.Context, ...any) (any, error) { return client.Connect(p.t.Context()) }, nil)
		require.NoError(p.t, err)
		_, err = store.Load(p.t.Context(), key)
		return store, []string{fmt.Sprint(err)}
	}, ""},

	{"examples/wrap.State", func(p *planter) (any, []string) {
		s := &wrap.State{Login: p.token()}
		return s, heldByToken(s.Login)
	}, ""},
}

// withoutSecrets lists the exported types that cannot hold a secret, each with its reason.
var withoutSecrets = map[string]string{
	"clilogin.Profile": "names, an address and places; its error is one of tokens', which has none",
	"clilogin.State":   "a choice",
	"clilogin.Status":  "names, an address and places; its error is one of csapi's or tokens', which have none",

	"csapi.Error":        "texts without the token that was sent",
	"csapi.Options":      "a transport of the caller's, and a duration",
	"csapi.Organization": "a name",
	"csapi.Service":      "a choice",
	"csapi.Stack":        "an API key names a stack, and opens nothing without a token",
	"csapi.User":         "a name and an address; the rest of the response is not read",

	"csoauth.Introspection": "names of scopes, and a time",

	// Their URLs print as they are. One with a password is refused when it is used.
	"csoauth.AuthOptions":     "all of it is in the authorize URL, which the user's browser shows",
	"csoauth.Endpoints":       "addresses of services",
	"csoauth.ExchangeOptions": "what is known about a code, without the code",

	"csoauth.AuthorizeRoute":  "a choice",
	"csoauth.ChallengeMethod": "a choice",
	"csoauth.Region":          "a choice",
	"csoauth.Verdict":         "a choice",

	"csoauthtest.Cut":          "a choice",
	"csoauthtest.Fault":        "a response that the test makes up, for a client that is tested with it",
	"csoauthtest.Finding":      "a rule, and who broke it",
	"csoauthtest.Organization": "a name",
	"csoauthtest.Request":      "its secrets are masked before it is made",
	"csoauthtest.Unknowns":     "choices",
	"csoauthtest.User":         "a name and an address; emulated users have no password",
	"csoauthtest.Visitor":      "a user's choice",

	"internal/bearer.Hosts":     "names of hosts",
	"internal/bearer.Rejection": "a choice",

	"internal/browser.Process": "a program's name, without the address that it opens",

	"internal/emulator/markup.Group": "parts of pages, which mask what is secret before",
	"internal/emulator/markup.Node":  "a part of a page",
	"internal/emulator/markup.Text":  "a part of a page",
	"internal/emulator.Browser":      "an address of the emulator, and a user's choice",
	"internal/emulator.Cut":          "a choice",
	"internal/emulator.Duration":     "a number",
	"internal/emulator.Fault":        "a response that the test makes up, for a client that is tested with it",
	"internal/emulator.Finding":      "a rule, and who broke it",
	"internal/emulator.Organization": "a name",
	"internal/emulator.Question":     "words",
	"internal/emulator.Request":      "its secrets are masked before it is made",
	"internal/emulator.Rule":         "words",
	"internal/emulator.Unknowns":     "choices",
	"internal/emulator.User":         "a name and an address; emulated users have no password",
	"internal/emulator.Visitor":      "a user's choice",

	"internal/landing.Page": "what every user may read",

	"internal/observed.Answer":   "words",
	"internal/observed.Exchange": "its secrets are replaced before it is made",
	"internal/observed.Kind":     "a choice",
	"internal/observed.Outcome":  "a choice",
	"internal/observed.Question": "words",
	"internal/observed.Report":   "its secrets are replaced before it is made",
	"internal/observed.Result":   "its secrets are replaced before it is made",

	"internal/probe.Check": "what the terminal may show",
	"internal/probe.State": "a choice",
	"internal/probe.Step":  "words",

	"internal/turn.Holder": "who is logging in, and since when",
	"internal/turn.Lock":   "a path",
	"internal/turn.Reader": "a file",

	"tokens.Dir":                "the path of a directory",
	"tokens.DirOptions":         "a number and a choice",
	"tokens.EventType":          "a choice",
	"tokens.Options":            "durations and limits",
	"tokens/pgstore.Options":    "names of a table, its schema and a role",
	"tokens/redisstore.Options": "the beginning of a key, and a duration",
}

// Law: P8
func TestEveryExportedTypeIsInOneTable(t *testing.T) {
	types, err := exportedTypes(root)
	require.NoError(t, err)
	require.Contains(t, types, "csoauth.Token")
	assert.Empty(t, wrongTables(types, namesWithSecrets(), slices.Collect(maps.Keys(withoutSecrets))))
}

func TestWrongTablesAreFound(t *testing.T) {
	for name, test := range map[string]struct {
		types, with, without []string
		problem              string // empty: none
	}{
		"each in one":       {[]string{"a.A", "b.B"}, []string{"a.A", "a.A"}, []string{"b.B"}, ""},
		"in neither":        {[]string{"a.A"}, nil, nil, "a.A is in neither table"},
		"in both":           {[]string{"a.A"}, []string{"a.A"}, []string{"a.A"}, "a.A is in both tables"},
		"gone from with":    {nil, []string{"a.A"}, nil, "a.A does not exist"},
		"gone from without": {nil, nil, []string{"a.A"}, "a.A does not exist"},
	} {
		t.Run(name, func(t *testing.T) {
			got := strings.Join(wrongTables(test.types, test.with, test.without), "\n")
			if test.problem == "" {
				assert.Empty(t, got)
			}
			assert.Contains(t, got, test.problem)
		})
	}
}

func TestNoTypePrintsItsSecrets(t *testing.T) {
	for _, row := range withSecrets {
		t.Run(row.name, func(t *testing.T) {
			p := &planter{t: t}
			pointer, held := row.make(p)
			require.NotEmpty(t, p.secrets, "the row plants nothing")
			for _, secret := range p.secrets {
				require.Contains(t, strings.Join(held, "\n"), secret, "the value does not hold what was planted")
			}
			for _, holder := range holders(pointer, row.pointerOnly == "") {
				assert.Empty(t, p.found(printed(holder)), "a %T shows a secret", holder)
			}
		})
	}
}

// TestPrintedSecretsAreFound has values that hide nothing, so every way of printing shows them.
func TestPrintedSecretsAreFound(t *testing.T) {
	p := &planter{t: t}
	text := p.secret()
	texts := printed(text)
	assert.ElementsMatch(t, slices.Collect(maps.Keys(texts)), p.found(texts))
	texts = printed([]byte(text))
	delete(texts, "XML") // which has no name for such an element
	assert.ElementsMatch(t, slices.Collect(maps.Keys(texts)), p.found(texts))
	for _, holder := range holders(&struct{ Text string }{text}, true) {
		assert.NotEmpty(t, p.found(printed(holder)), "%T", holder)
	}
}

func namesWithSecrets() (names []string) {
	for _, row := range withSecrets {
		names = append(names, row.name)
	}
	return names
}

// wrongTables returns a sentence for each type that is not in exactly one table, and for each
// row without a type.
func wrongTables(types, with, without []string) (problems []string) {
	const file = "internal/archtest/secrets_test.go"
	for _, name := range types {
		switch in, out := slices.Contains(with, name), slices.Contains(without, name); {
		case in && out:
			problems = append(problems, name+" is in both tables of "+file+": remove it from one")
		case !in && !out:
			problems = append(problems, name+" is in neither table of "+file+": if any field of it can hold a secret, give it a Format and "+
				"a row in withSecrets that plants one in each such field; otherwise a row in withoutSecrets that says why not")
		}
	}
	for _, name := range append(slices.Clone(with), without...) {
		if !slices.Contains(types, name) {
			problems = append(problems, name+" does not exist: remove its row from "+file)
		}
	}
	return problems
}

// exportedTypes lists the exported types of every package that can be imported, as folder.Name. It
// reads the files, so it sees those for other operating systems.
func exportedTypes(repo string) (types []string, err error) {
	packages, err := readImports(repo)
	if err != nil {
		return nil, err
	}
	for folder := range packages {
		if within(folder, "internal/integration") || within(folder, "examples/natsstore") {
			continue // another module
		}
		files, err := parseFolder(filepath.Join(repo, folder))
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			if file.Name.Name == "main" {
				continue
			}
			prefix := folder
			if folder == "." {
				prefix = file.Name.Name
			}
			for _, decl := range file.Decls {
				decl, ok := decl.(*ast.GenDecl)
				if !ok || decl.Tok != token.TYPE {
					continue
				}
				for _, spec := range decl.Specs {
					if name := spec.(*ast.TypeSpec).Name; name.IsExported() {
						types = append(types, prefix+"."+name.Name)
					}
				}
			}
		}
	}
	slices.Sort(types)
	return slices.Compact(types), nil // a type may be declared once for each operating system
}

func parseFolder(folder string) (files []*ast.File, err error) {
	names, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return files, nil
}
