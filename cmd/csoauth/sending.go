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
	"strings"
	"time"

	"github.com/contentstack/csoauth/csapi"
)

// A sending is a request that may be made for several pages.
type sending struct {
	method string
	header http.Header
	body   *body
	client *http.Client
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
		ctx, cancel = context.WithTimeoutCause(ctx, patience, fmt.Errorf("no complete response within %v", patience))
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
			err = of.Err
		}
		if !strings.Contains(err.Error(), ask.path) {
			err = fmt.Errorf("%s %s: %w", s.method, ask.path, err)
		}
		return nil, nil, withAdvice(err)
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(io.LimitReader(resp.Body, maxResponse+1))
	content = bytes.TrimPrefix(content, []byte("\uFEFF")) // a byte order mark, which JSON does not have
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
		if content = bytes.TrimSpace(content); len(content) > 0 {
			out.Write(append(content, '\n'))
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
	if len(bytes.TrimSpace(content)) == 0 || json.Valid(content) {
		return nil
	}
	what := "no JSON"
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
		what = "a page, and no JSON"
	}
	return fmt.Errorf("%s %s: the response is %s: use another client for it, such as curl with csoauth token", resp.Request.Method, resp.Request.URL.Opaque, what)
}
