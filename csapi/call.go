package csapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/internal/bearer"
	"github.com/contentstack/csoauth/internal/useragent"
)

// maxResponse is how many bytes of a response are read. The roles of a user of many stacks take
// megabytes.
const maxResponse = 16 << 20

// Get sends a GET request for path to a service, and decodes the JSON response into out, as
// json.Unmarshal does. The path may contain a query. An empty response does not change out. out may
// be nil.
//
// The request goes to the token's region, and is for the token's organization. If the response is
// not JSON with a 2xx status, the error is an [*Error].
func (c *Client) Get(ctx context.Context, s Service, path string, out any) error {
	return c.Call(ctx, http.MethodGet, s, path, nil, out)
}

// Call sends a request with any method, and otherwise works as [Client.Get] does. It sends in as
// JSON. If in is nil, the request has no body. For bodies that are not JSON, use
// [Client.HTTPClient].
func (c *Client) Call(ctx context.Context, method string, s Service, path string, in, out any) error {
	return c.call(ctx, call{method, s, path, nil}, in, out)
}

// A StackClient makes requests about one stack, to the Content Management API.
type StackClient struct {
	client         *Client
	apiKey, branch string
}

// Stack returns a StackClient for the stack with this API key. The API key alone is not a secret.
func (c *Client) Stack(apiKey string) *StackClient { return &StackClient{client: c, apiKey: apiKey} }

// Branch returns a StackClient for a branch of the same stack. name is the branch's UID or alias.
func (s *StackClient) Branch(name string) *StackClient {
	return &StackClient{s.client, s.apiKey, name}
}

// Get works as [Client.Get] does. It adds the stack's API key and branch to the request.
func (s *StackClient) Get(ctx context.Context, path string, out any) error {
	return s.Call(ctx, http.MethodGet, path, nil, out)
}

// Call works as [Client.Call] does. It adds the stack's API key and branch to the request.
func (s *StackClient) Call(ctx context.Context, method, path string, in, out any) error {
	if s.apiKey == "" {
		return errors.New("csapi: the stack's API key is empty")
	}
	stack := http.Header{"Api_key": {s.apiKey}}
	if s.branch != "" {
		stack["Branch"] = []string{s.branch}
	}
	return s.client.call(ctx, call{method, ContentManagement, path, stack}, in, out)
}

// A call is what to ask of whom. about are the headers that say which stack it is about; nil: it is
// about the token's organization.
type call struct {
	method  string
	service Service
	path    string
	about   http.Header
}

func (c *Client) call(ctx context.Context, what call, in, out any) error {
	return c.callAs(ctx, what, in, out, new(*csoauth.Token))
}

// callAs is call, and says with which token the request was sent at last.
func (c *Client) callAs(ctx context.Context, what call, in, out any, as **csoauth.Token) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return fmt.Errorf("csapi: %s %s: the body: %w", what.method, what.bare(), err)
		}
	}
	var cancel context.CancelFunc // of the current try
	defer func() {
		if cancel != nil {
			cancel()
		}
	}()
	got, err := c.send(ctx, plan{repeatable: true, request: func(t *csoauth.Token) (*http.Request, error) {
		if cancel != nil {
			cancel()
		}
		var try context.Context
		try, cancel = context.WithTimeoutCause(ctx, c.timeout, fmt.Errorf("no complete response within %v", c.timeout))
		return c.request(try, what, t, body)
	}})
	if err != nil {
		return what.failed(ctx, err)
	}
	defer got.Body.Close()
	*as = got.token
	answer, err := io.ReadAll(io.LimitReader(got.Body, maxResponse+1))
	answer = bytes.TrimPrefix(answer, []byte("\uFEFF")) // a byte order mark, which JSON does not have
	switch {
	case err != nil:
		return what.failed(ctx, fmt.Errorf("the response broke off: %w", withoutToken(err, got.token.AccessToken)))
	case len(answer) > maxResponse:
		return what.failed(ctx, fmt.Errorf("the response is over %d bytes", maxResponse))
	}
	return what.read(got, answer, out)
}

// request makes the request for a token. body is nil if there is none.
func (c *Client) request(ctx context.Context, what call, t *csoauth.Token, body []byte) (*http.Request, error) {
	base, err := c.baseURL(t, what.service)
	if err != nil {
		return nil, err
	}
	u, err := join(base, what.path)
	if err != nil {
		return nil, err
	}
	if !bearer.Takes(c.config.HostsFor(t), u) || !bearer.IsSecure(u) {
		return nil, fmt.Errorf("%s is not a host for a token, or the URL is not https: check the Config's Endpoints", u.Host)
	}
	var reader io.Reader
	if body != nil {
		reader = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, what.method, u.String(), reader)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", useragent.After(c.config.UserAgent))
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if what.about != nil {
		maps.Copy(req.Header, what.about)
	} else if t.OrganizationUID != "" {
		req.Header.Set("organization_uid", t.OrganizationUID)
	}
	req.Header.Set("Authorization", "Bearer "+t.AccessToken)
	return req, nil
}

// read reads the response into out, or returns the Error that it is.
func (what call) read(got *reply, answer []byte, out any) error {
	good := got.StatusCode >= 200 && got.StatusCode <= 299
	switch {
	case good && len(bytes.TrimSpace(answer)) == 0, good && out == nil:
		return nil
	case good && json.Valid(answer):
		if err := json.Unmarshal(answer, out); err != nil {
			return fmt.Errorf("csapi: %s %s: the response: %w", what.method, what.bare(), withoutToken(err, got.token.AccessToken))
		}
		return nil
	}
	return what.refused(got, answer)
}

// refused returns the Error that a response is.
func (what call) refused(got *reply, answer []byte) *Error {
	e := &Error{
		Service: what.service, Method: what.method, Path: what.bare(), StatusCode: got.StatusCode,
		RetryAfter: got.again,
	}
	if got.over != nil {
		e.over = withoutToken(got.over, got.token.AccessToken)
	}
	e.read(got.Header.Get("Content-Type"), answer, got.token.AccessToken)
	if got.StatusCode >= 300 && got.StatusCode <= 399 {
		e.Message = "the response is a redirect, which is not followed: it would carry the token elsewhere; check the Config's Endpoints"
	}
	return e
}

// failed adds to an error what failed.
func (what call) failed(ctx context.Context, err error) error {
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		err = fmt.Errorf("%w: Options.Timeout has passed", err)
	}
	if paused, ok := errors.AsType[*pausedError](err); ok {
		return &Error{
			Service: what.service, Method: what.method, Path: what.bare(), StatusCode: http.StatusTooManyRequests,
			Message: "not sent: " + paused.Error(), RetryAfter: paused.wait,
		}
	}
	return fmt.Errorf("csapi: %s %s: %w", what.method, what.bare(), err)
}

// bare returns the path as errors show it: with a slash before it, and without the query.
func (what call) bare() string {
	path, _, _ := strings.Cut(what.path, "?")
	return "/" + strings.TrimPrefix(path, "/")
}

func trimSlash(base string) string { return strings.TrimSuffix(base, "/") }

// join returns base with a path below it. The path may begin with one slash, and may have a query.
// It must not lead to another host or out of base.
func join(base, path string) (*url.URL, error) {
	path = strings.TrimPrefix(path, "/")
	rest, err := url.Parse("/" + path)
	switch {
	case err != nil:
		return nil, errors.New("the path does not parse: escape what is in it with url.PathEscape")
	case strings.HasPrefix(path, "/") || rest.Host != "":
		return nil, errors.New("the path begins with two slashes, which would name another host")
	case rest.Fragment != "" || strings.Contains(path, "#"):
		return nil, errors.New("the path has a fragment: escape # as %23")
	case strings.Contains(path, "\\"):
		return nil, errors.New("the path has a backslash: escape it as %5C")
	}
	for segment := range strings.SplitSeq(rest.EscapedPath(), "/") {
		if plain, _ := url.PathUnescape(segment); plain == "." || plain == ".." {
			return nil, errors.New("the path has the segment . or .., which leads to another path")
		}
	}
	u, err := url.Parse(trimSlash(base) + "/" + path)
	if err != nil {
		return nil, errors.New("the base URL and the path do not parse together")
	}
	return u, nil
}
