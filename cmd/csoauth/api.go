package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/clilogin"
	"github.com/contentstack/csoauth/csapi"
)

// apiFlags are the flags of "csoauth api".
type apiFlags struct {
	accountFlags
	method   string
	headers  []string
	include  bool
	service  string
	stack    string
	branch   string
	input    string
	paginate bool
}

func apiCommand() *cobra.Command {
	var f apiFlags
	cmd := &cobra.Command{
		Use:   "api PATH",
		Short: "Make a request to one of Contentstack's APIs",
		Long: `Make a request to one of Contentstack's APIs as the user who is logged in, and print the JSON that comes back. Host,
organization and token are those of the login. What is printed is one JSON document, or nothing: if the request fails,
the exit code is 1, and standard error says why.

Contentstack's lists have pages: --paginate gets all of them.

PATH may have a query. Both go out byte for byte. An https address on one of the login's hosts, as documentation shows
it, picks the service. Requests are repeated when the service asks to wait, and after a 401 with another token.`,
		Example: `  csoauth api v3/user
  csoauth api v3/stacks --paginate | jq -r '.stacks[].name'
  csoauth api v3/content_types/page/entries --stack blt1a2b3c --branch main --input entry.json
  csoauth api manifests --service developer-hub`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return hint(cmd, fmt.Errorf("api takes one path, got %d arguments", len(args)))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args[0]) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVarP(&f.method, "method", "X", "", "the request's `method` (default GET, with --input POST)")
	flags.StringArrayVarP(&f.headers, "header", "H", nil, "a `header`, such as \"Accept: text/plain\"; may be repeated")
	flags.BoolVarP(&f.include, "include", "i", false, "print the response's status and headers, too")
	flags.StringVar(&f.service, "service", serviceName(csapi.ContentManagement), "the `service`: "+strings.Join(serviceNames(), ", "))
	flags.StringVar(&f.stack, "stack", "", "the API `key` of the stack that the request is about")
	flags.StringVar(&f.branch, "branch", "", "the `branch` of the stack")
	flags.StringVar(&f.input, "input", "", "the `file` with the request's body, - for standard input; sent byte for byte")
	flags.BoolVar(&f.paginate, "paginate", false, "get all pages of a list, and join them")
	f.register(cmd)
	_ = cmd.RegisterFlagCompletionFunc("service", cobra.FixedCompletions(serviceNames(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// A sending is a request that may be made for several pages.
type sending struct {
	method string
	header http.Header
	body   *body
	client *http.Client
}

func (f *apiFlags) run(cmd *cobra.Command, path string) error {
	s, err := f.sending()
	if err != nil {
		return hint(cmd, err)
	}
	if s.body, err = f.body(cmd); err != nil {
		return err
	}
	var out bytes.Buffer
	err = f.with(cmd.Context(), func(a *account, session *clilogin.Session) error {
		t, err := f.target(cmd, a, session, path)
		if err != nil {
			return err
		}
		base, err := session.API().BaseURL(cmd.Context(), t.service)
		if err != nil {
			return err
		}
		s.client = session.API().HTTPClient()
		s.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		if f.paginate {
			err = paginate(&out, t.query, func(query string) ([]byte, error) {
				return s.page(cmd.Context(), t, base, query)
			})
		} else {
			err = s.once(cmd.Context(), t, base, &out, f.include)
		}
		return explain(cmd.Context(), session, err)
	})
	if err != nil && !(f.include && out.Len() > 0) { // with -i, a response that is an error is printed as well
		return err
	}
	_, writeErr := cmd.OutOrStdout().Write(out.Bytes())
	return errors.Join(err, writeErr)
}

// body opens what --input names; nil: there is none.
func (f *apiFlags) body(cmd *cobra.Command) (*body, error) {
	switch f.input {
	case "":
		return nil, nil
	case "-":
		return fromStdin(cmd, func() (*body, error) { return bodyOf(os.Stdin) })
	}
	b, err := openBody(f.input)
	if err != nil {
		return nil, hint(cmd, fmt.Errorf("--input: %w", err))
	}
	return b, nil
}

// sending checks the flags.
func (f *apiFlags) sending() (*sending, error) {
	s := &sending{method: strings.ToUpper(f.method), header: http.Header{}}
	for _, line := range f.headers {
		name, value, err := parseHeader(line)
		if err != nil {
			return nil, err
		}
		s.header[name] = append(s.header[name], value)
	}
	switch {
	case f.branch != "" && f.stack == "":
		return nil, errors.New("--branch wants --stack")
	case f.stack != "" && f.service != serviceName(csapi.ContentManagement):
		return nil, errors.New("--stack is for the service content-management")
	case f.paginate && (f.include || f.input != "" || s.method != "" && s.method != http.MethodGet):
		return nil, errors.New("--paginate is for GET alone, without --input and --include")
	case strings.ContainsFunc(s.method, func(r rune) bool { return r < 'A' || r > 'Z' }):
		return nil, fmt.Errorf("--method %q: want letters alone", f.method)
	}
	for name, value := range map[string]string{"Api_key": f.stack, "Branch": f.branch} {
		if value == "" {
			continue
		}
		if err := checkHeaderValue(value); err != nil {
			return nil, fmt.Errorf("--stack and --branch: %w", err)
		}
		s.header[name] = []string{value}
	}
	if f.input != "" && s.header.Get("Content-Type") == "" {
		s.header.Set("Content-Type", "application/json")
	}
	if s.header.Get("Accept") == "" {
		s.header.Set("Accept", "application/json")
	}
	if s.method == "" {
		s.method = http.MethodGet
		if f.input != "" {
			s.method = http.MethodPost
		}
	}
	return s, nil
}

// ownHeaders are those that a request gets from csoauth, or from HTTP itself.
var ownHeaders = []string{"Authorization", "Authtoken", "Host", "Content-Length", "Transfer-Encoding", "Connection", "Trailer", "Te", "Upgrade"}

func parseHeader(line string) (name, value string, err error) {
	name, value, ok := strings.Cut(line, ":")
	name = http.CanonicalHeaderKey(name)
	switch {
	case !ok || name == "" || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r >= 0x7F || strings.ContainsRune(`()<>@,;:\"/[]?={}`, r) }):
		return "", "", errors.New(`--header: want "Name: value"`) // it may be a secret
	case slices.Contains(ownHeaders, name):
		return "", "", fmt.Errorf("--header %s: csoauth sets it", name)
	}
	value = strings.TrimSpace(value)
	if err := checkHeaderValue(value); err != nil {
		return "", "", fmt.Errorf("--header %s: %w", name, err)
	}
	return name, value, nil
}

func checkHeaderValue(value string) error {
	if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7F }) {
		return errors.New("the value has a line break or another control character")
	}
	return nil
}

// target reads the path, which may be an address on one of the hosts of the login's region.
func (f *apiFlags) target(cmd *cobra.Command, a *account, session *clilogin.Session, path string) (*target, error) {
	region := a.config.Region
	if known := session.Profile(cmd.Context()); known.UserUID != "" {
		region = known.Region
	}
	bases, err := baseURLs(a.config, &csoauth.Token{Location: region.String()})
	if err != nil {
		return nil, err
	}
	t, err := parseTarget(path, bases)
	if err != nil {
		return nil, hint(cmd, err)
	}
	service, err := parseService(f.service)
	if err != nil {
		return nil, hint(cmd, err)
	}
	switch {
	case t.origin == "":
		t.service = service
	case cmd.Flags().Changed("service") && t.service != service && bases[t.service] != bases[service]:
		return nil, hint(cmd, fmt.Errorf("the address is one of %s, and not of %s", serviceName(t.service), f.service))
	}
	return t, nil
}

const (
	patience    = time.Minute // that a request without a body of its own may take
	maxResponse = 64 << 20    // bytes
)

// do sends the request for a target and reads the response. The error is what the API said, if that
// is no 2xx. The response is there beside it.
func (s *sending) do(ctx context.Context, t *target, base, query string) (*http.Response, []byte, error) {
	ask := *t
	ask.query = query
	u, err := ask.url(base)
	if err != nil {
		return nil, nil, err
	}
	if s.body == nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, patience, fmt.Errorf("no whole response within %v", patience))
		defer cancel()
	}
	req := (&http.Request{Method: s.method, URL: u, Host: u.Host, Header: s.header.Clone()}).WithContext(ctx)
	if s.body != nil {
		if err := s.body.attach(req); err != nil {
			return nil, nil, err
		}
	}
	resp, err := s.client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("%s %s: %w", s.method, ask.path, context.Cause(ctx))
		}
		if of, ok := errors.AsType[*url.Error](err); ok {
			err = of.Err // says it already, with the path
		}
		return nil, nil, withAdvice(err)
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(io.LimitReader(resp.Body, maxResponse+1))
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("%s %s: the response broke off: %w", s.method, ask.path, err)
	case len(content) > maxResponse:
		return nil, nil, fmt.Errorf("%s %s: the response has over %d bytes", s.method, ask.path, maxResponse)
	}
	resp.Body = io.NopCloser(bytes.NewReader(content))
	return resp, content, csapi.CheckResponse(resp)
}

// page returns the JSON of one page.
func (s *sending) page(ctx context.Context, t *target, base, query string) ([]byte, error) {
	resp, content, err := s.do(ctx, t, base, query)
	if err != nil {
		return nil, err
	}
	return content, checkJSON(resp, content)
}

// once prints the response of one request. With include, also one that is an error.
func (s *sending) once(ctx context.Context, t *target, base string, out *bytes.Buffer, include bool) error {
	resp, content, err := s.do(ctx, t, base, t.query)
	if err == nil {
		err = checkJSON(resp, content)
	}
	if resp != nil && include {
		fmt.Fprintf(out, "%s %s\n", resp.Proto, resp.Status)
		resp.Header.Write(lineFeeds{out})
		out.WriteByte('\n')
	}
	if err == nil || include && json.Valid(content) {
		out.Write(content)
		if len(content) > 0 && content[len(content)-1] != '\n' {
			out.WriteByte('\n')
		}
	}
	return err
}

// lineFeeds writes lines that end as those of a terminal do.
type lineFeeds struct{ w io.Writer }

func (l lineFeeds) Write(p []byte) (int, error) {
	_, err := l.w.Write(bytes.ReplaceAll(p, []byte("\r\n"), []byte("\n")))
	return len(p), err
}

// checkJSON returns an error if a response has content that is not one JSON document.
func checkJSON(resp *http.Response, content []byte) error {
	if len(content) == 0 || json.Valid(content) {
		return nil
	}
	return fmt.Errorf("the response is no JSON, but %.60q: get a token with csoauth token, and use a client for it, such as curl", resp.Header.Get("Content-Type"))
}

// explain adds what to do about an error of an API, as far as the login tells.
func explain(ctx context.Context, session *clilogin.Session, err error) error {
	said, ok := errors.AsType[*csapi.Error](err)
	switch {
	case !ok:
		return err
	case said.StatusCode == http.StatusUnauthorized:
		if _, over := session.Token(ctx); errors.Is(over, csoauth.ErrLoginRequired) {
			return over
		}
		return err
	case errors.Is(err, csapi.ErrInsufficientScope):
		scopes := session.Profile(ctx).Scopes
		if len(scopes) == 0 {
			return fmt.Errorf("%w: the app lacks a scope; add it in Developer Hub, under OAuth, and then log in anew", err)
		}
		return fmt.Errorf("%w: this login asked for %s: if another scope is needed, log in with it (--scope); if one of these, the app lacks it in Developer Hub",
			err, strings.Join(scopes, ", "))
	case errors.Is(err, csapi.ErrForbidden):
		return fmt.Errorf("%w: the role of this user, or the organization of this login, does not allow it", err)
	}
	return err
}

// A body is that of a request.
type body struct {
	path  string // of a file that can be opened again; empty: it cannot
	size  int64  // -1: not known
	whole []byte // a small one, from standard input
	rest  io.Reader
}

// maxKept is how much of standard input is kept, to be sent again if need be. A longer one is sent
// as it comes, once.
const maxKept = 1 << 20

func bodyOf(stdin io.Reader) (*body, error) {
	start, err := io.ReadAll(io.LimitReader(stdin, maxKept+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("--input: standard input cannot be read: %w", err)
	case len(start) > maxKept:
		return &body{size: -1, rest: io.MultiReader(bytes.NewReader(start), stdin)}, nil
	}
	return &body{size: int64(len(start)), whole: start}, nil
}

func openBody(name string) (*body, error) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fmt.Errorf("%s is a directory", name)
	case !info.Mode().IsRegular(): // such as a pipe, which can be read once
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		return &body{size: -1, rest: f}, nil
	}
	path, err := filepath.Abs(name)
	return &body{path: path, size: info.Size()}, err
}

// attach makes b the body of a request, which can be sent again if b can be had again whole.
func (b *body) attach(req *http.Request) error {
	switch {
	case b.rest != nil:
		req.Body, req.ContentLength = io.NopCloser(b.rest), b.size
		return nil
	case b.size == 0:
		req.Body = http.NoBody
		return nil
	case b.path == "":
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.whole)), nil }
	default:
		req.GetBody = b.open
	}
	var err error
	req.Body, err = req.GetBody()
	req.ContentLength = b.size
	return err
}

// open opens the file anew, unless its size has changed.
func (b *body) open() (io.ReadCloser, error) {
	f, err := os.Open(b.path)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || info.Size() != b.size {
		return nil, errors.Join(err, f.Close(), fmt.Errorf("%s has changed meanwhile", b.path))
	}
	return f, nil
}
