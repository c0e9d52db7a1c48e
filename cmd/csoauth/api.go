package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

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

func (f *apiFlags) run(cmd *cobra.Command, path string) error {
	s, err := f.sending()
	if err != nil {
		return hint(cmd, err)
	}
	if err := checkTarget(path); err != nil {
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
	b, err := readAside(cmd.Context(), func() (*body, error) { return openBody(f.input) })
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
	if _, err := parseService(f.service); err != nil {
		return nil, err
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

// target reads the path, which may be an address on one of the hosts of the login's region.
func (f *apiFlags) target(cmd *cobra.Command, a *account, session *clilogin.Session, path string) (*target, error) {
	region := a.config.Region
	if known := session.Profile(cmd.Context()); known.LoggedIn {
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
	case said.StatusCode >= 300 && said.StatusCode <= 399:
		return fmt.Errorf("%s %s: %d %s: a redirect is not followed: it would carry the token elsewhere", said.Method, said.Path, said.StatusCode, http.StatusText(said.StatusCode))
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
