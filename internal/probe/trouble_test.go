package probe_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/emulator"
	"github.com/contentstack/csoauth/internal/observed"
	"github.com/contentstack/csoauth/internal/probe"
)

// respond returns a response that a service, or something before it, may give.
func respond(r *http.Request, status int, media, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {media}}, Body: io.NopCloser(strings.NewReader(body)), Request: r,
	}
}

// hard is a service that leads the probe down its longest way.
func hard(t *testing.T) *bench {
	o := emulator.Strict()
	o.Unknowns.Reuse, o.Unknowns.ReuseGrace = "grace", 30_000_000_000
	o.Unknowns.OldAccessTokenLives = true
	o.SetTolerated("refresh-without-redirect-uri", true)
	return newBench(t, o)
}

// troubles are what may come in place of a response, after the service has served the request or
// without that.
var troubles = []struct {
	name string
	with func(r *http.Request) (*http.Response, error)
}{
	{"no connection", func(*http.Request) (*http.Response, error) { return nil, errors.New("connection reset") }},
	{"502", func(r *http.Request) (*http.Response, error) {
		return respond(r, 502, "text/html", "<h1>Bad gateway</h1>"), nil
	}},
	{"503 JSON", func(r *http.Request) (*http.Response, error) {
		return respond(r, 503, "application/json", `{"message":"down","access_token":"x","active":true,"data":[]}`), nil
	}},
	{"empty", func(r *http.Request) (*http.Response, error) { return respond(r, 200, "", ""), nil }},
	{"null", func(r *http.Request) (*http.Response, error) {
		return respond(r, 200, "application/json", "null"), nil
	}},
	{"array", func(r *http.Request) (*http.Response, error) {
		return respond(r, 200, "application/json", "[1, 2]"), nil
	}},
	{"object of nulls", func(r *http.Request) (*http.Response, error) {
		return respond(r, 200, "application/json", `{"access_token":null,"user":null,"data":null,"active":null,"stacks":null,"organizations":null}`), nil
	}},
	{"a page", func(r *http.Request) (*http.Response, error) {
		return respond(r, 200, "text/html", "<title>Log in to the network</title>"), nil
	}},
	{"cut off", func(r *http.Request) (*http.Response, error) {
		resp := respond(r, 200, "application/json", "")
		resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"access_token":"abc`), brokenReader{}))
		return resp, nil
	}},
	{"endless", func(r *http.Request) (*http.Response, error) {
		resp := respond(r, 200, "application/json", "")
		resp.Body = io.NopCloser(zeros{})
		return resp, nil
	}},
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// each makes the test faster; make nightly tries all.
var each = flag.Int("each", 24, "try each `n`-th of the requests that may be troubled")

// TestTroubleLeadsToNoWrongAnswer: one response, whichever it is, is lost or is nonsense. What the
// probe says all the same is right.
func TestTroubleLeadsToNoWrongAnswer(t *testing.T) {
	sound := hard(t)
	report, err := sound.run(t.Context())
	require.NoError(t, err)
	truth := answersOf(report)
	for i, trouble := range troubles {
		t.Run(trouble.name, func(t *testing.T) {
			t.Parallel()
			for n := 1; n <= len(sound.requests); n++ {
				for j, served := range []bool{true, false} {
					if (n+i+j)%*each != 0 {
						continue
					}
					b := hard(t)
					b.around = func(i int, r *http.Request, serve func() *http.Response) (*http.Response, error) {
						if i != n {
							return serve(), nil
						}
						if served {
							serve().Body.Close()
						}
						return trouble.with(r)
					}
					report, _ := b.run(t.Context())
					b.assertGentle()
					for question, got := range answersOf(report) {
						if got == notAsked || got == unclear || isThatResponse(question) {
							continue
						}
						require.Equal(t, truth[question], got, "%s; request %d (served: %v): %s", question, n, served, purposeOf(report, n))
					}
				}
			}
		})
	}
}

// isThatResponse reports whether the answer to a question is the response itself, so that a
// response of the wrong kind makes another answer.
func isThatResponse(question string) bool {
	return question == "revoke_body" || question == "revoked_again"
}

// purposeOf names the n-th request of a report.
func purposeOf(r *observed.Report, n int) string {
	for _, e := range r.Exchanges {
		if !strings.HasPrefix(e.Request, "The browser") {
			if n--; n == 0 {
				return e.Purpose
			}
		}
	}
	return ""
}

// TestProbeStopsAt429: after the first 429, nothing more is sent.
func TestProbeStopsAt429(t *testing.T) {
	sound := hard(t)
	_, err := sound.run(t.Context())
	require.NoError(t, err)
	for n := 1; n <= len(sound.requests); n += 2 {
		b := hard(t)
		b.around = func(i int, r *http.Request, serve func() *http.Response) (*http.Response, error) {
			if i == n {
				return respond(r, http.StatusTooManyRequests, "application/json", `{}`), nil
			}
			return serve(), nil
		}
		report, err := b.run(t.Context())
		require.Error(t, err)
		assert.Len(t, b.requests, n)
		assert.Contains(t, report.Stopped, "429")
		assert.Equal(t, n, report.Requests)
	}
}

// TestProbeStopsWithoutNetwork: three requests in a row without a response are enough.
func TestProbeStopsWithoutNetwork(t *testing.T) {
	for _, n := range []int{1, 5, 20} {
		b := hard(t)
		b.around = func(i int, _ *http.Request, serve func() *http.Response) (*http.Response, error) {
			if i < n {
				return serve(), nil
			}
			return nil, errors.New("no route to host")
		}
		report, err := b.run(t.Context())
		require.Error(t, err)
		assert.LessOrEqual(t, len(b.requests), n+2)
		assert.NotEmpty(t, string(report.Markdown()))
	}
}

// TestProbeMakesUnder60Requests: also at a service that makes it ask on and on.
func TestProbeMakesUnder60Requests(t *testing.T) {
	o := emulator.Strict()
	b := newBench(t, o)
	b.around = func(_ int, r *http.Request, serve func() *http.Response) (*http.Response, error) {
		if strings.HasSuffix(r.URL.Path, "/authorizations") { // many pages, and none has the own one
			entries := strings.Repeat(`{"authorization_uid":"a","user":{"uid":"b"}},`, 50)
			return respond(r, 200, "application/json", `{"count":1000,"data":[`+strings.TrimSuffix(entries, ",")+`]}`), nil
		}
		return serve(), nil
	}
	b.config.Endpoints = manyHosts()
	report, err := b.run(t.Context())
	require.NoError(t, err)
	b.assertGentle()
	assert.Equal(t, notAsked, answersOf(report)["revoke_body"])
	assert.Contains(t, report.Result("revoke_body").Note, "not in the list")
	assert.Positive(t, b.left, "nothing was revoked")
}

// TestInterruptedProbe: a report has what was seen before ctx ended.
func TestInterruptedProbe(t *testing.T) {
	sound := hard(t)
	report, err := sound.run(t.Context())
	require.NoError(t, err)
	truth := answersOf(report)
	for n := 2; n <= len(sound.requests); n += 2 {
		b := hard(t)
		ctx, cancel := context.WithCancelCause(t.Context())
		b.around = func(i int, r *http.Request, serve func() *http.Response) (*http.Response, error) {
			if i == n {
				cancel(errors.New("Ctrl-C"))
				return nil, ctx.Err()
			}
			return serve(), nil
		}
		report, err := b.run(ctx)
		require.Error(t, err)
		assert.Len(t, b.requests, n)
		for question, got := range answersOf(report) {
			if got != notAsked && got != unclear {
				require.Equal(t, truth[question], got, question)
			}
		}
	}
}

// TestStepsAreAgreedTo: a step that the user does not want is not taken, and the others are.
func TestStepsAreAgreedTo(t *testing.T) {
	sound := hard(t)
	report, err := sound.run(t.Context())
	require.NoError(t, err)
	truth := answersOf(report)
	require.NotEmpty(t, sound.steps)
	for i, step := range sound.steps {
		b := hard(t)
		b.refuses = []string{step.Title}
		report, err := b.run(t.Context())
		require.NoError(t, err)
		skipped := 0
		for _, result := range report.Results {
			if strings.Contains(result.Note, fmt.Sprintf("step %d", i+1)) {
				skipped++
				assert.Equal(t, observed.NotAsked, result.Outcome)
				continue
			}
			if i > 0 && step.Title != "End the authorization" {
				assert.Equal(t, truth[result.Question], answersOf(report)[result.Question], "%s without step %q", result.Question, step.Title)
			}
		}
		assert.Positive(t, skipped, step.Title)
		if i == 0 {
			assert.Len(t, b.steps, 1, "nothing can be asked without a login")
			assert.Len(t, b.requests, 1)
		}
	}
	ends := 0
	for _, step := range sound.steps {
		assert.NotEmpty(t, step.Text)
		if step.Ends != "" {
			ends++
		}
	}
	assert.Equal(t, 4, ends, "steps that end something say so")
	assert.Zero(t, sound.left, "a probe that took all steps leaves no login")
}

// TestDenials: how a denial may come back.
func TestDenials(t *testing.T) {
	for _, test := range []struct {
		name           string
		back           func(v probe.Visit, callback url.Values) (url.Values, error)
		denial, states answer
	}{
		{"as it should", func(_ probe.Visit, c url.Values) (url.Values, error) { return c, nil }, "access_denied", "echoed"},
		{"nothing", func(probe.Visit, url.Values) (url.Values, error) { return nil, probe.ErrNothing }, "nothing", notAsked},
		{"nobody", func(probe.Visit, url.Values) (url.Values, error) { return nil, probe.ErrNobody }, unclear, notAsked},
		{"an error that is no code", func(v probe.Visit, _ url.Values) (url.Values, error) {
			return url.Values{"error": {"access_denied: no"}, "state": {v.State}}, nil
		}, unclear, "echoed"},
		{"another error", func(v probe.Visit, _ url.Values) (url.Values, error) {
			return url.Values{"error": {"server_error"}, "state": {v.State}}, nil
		}, "server_error", "echoed"},
		{"an error that may be private", func(v probe.Visit, _ url.Values) (url.Values, error) {
			return url.Values{"error": {"denied_by_ada_lovelace"}, "state": {"another"}}, nil
		}, unclear, unclear},
		{"no error", func(probe.Visit, url.Values) (url.Values, error) { return url.Values{}, nil }, unclear, "left-out"},
		{"a code", func(v probe.Visit, _ url.Values) (url.Values, error) {
			return url.Values{"code": {"abc"}, "state": {v.State}}, nil
		}, unclear, unclear},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t, emulator.Realistic())
			b.callback = func(v probe.Visit, callback url.Values) (url.Values, error) {
				if v.Deny {
					return test.back(v, callback)
				}
				return callback, nil
			}
			report, err := b.run(t.Context())
			require.NoError(t, err)
			assert.Equal(t, test.denial, answersOf(report)["denial"])
			assert.Equal(t, test.states, answersOf(report)["denial_state"])
			assert.NotContains(t, string(report.JSON()), "lovelace")
		})
	}
}

// TestNobodyComesBack: a visit without a callback ends what needs it, and no more.
func TestNobodyComesBack(t *testing.T) {
	for n := 1; n <= 5; n++ {
		b := newBench(t, emulator.Realistic())
		visits := 0
		b.callback = func(_ probe.Visit, callback url.Values) (url.Values, error) {
			if visits++; visits == n {
				return nil, probe.ErrNobody
			}
			return callback, nil
		}
		report, err := b.run(t.Context())
		if n == 1 {
			require.ErrorIs(t, err, probe.ErrNobody)
			assert.Contains(t, report.Result("reuse").Note, "did not get that far")
			continue
		}
		require.NoError(t, err)
		assert.Equal(t, answer("refuse"), answersOf(report)["reuse"])
	}
}

// TestServiceWithoutAPIs: what does not exist is not asked.
func TestServiceWithoutAPIs(t *testing.T) {
	b := newBench(t, emulator.Realistic())
	b.config.Endpoints = onlyApp()
	b.around = func(_ int, r *http.Request, serve func() *http.Response) (*http.Response, error) {
		if strings.HasSuffix(r.URL.Path, "/introspect") {
			return respond(r, 404, "text/plain", "404 page not found"), nil
		}
		return serve(), nil
	}
	report, err := b.run(t.Context())
	require.NoError(t, err)
	got := answersOf(report)
	for _, question := range []string{
		"introspect_auth", "introspect_members", "introspect_scope", "user_organizations", "user_authtoken", "organization_list", "organization_member",
		"stacks_without_organization", "scope_error_code", "scope_list", "hub_error_shape", "list_members", "list_skip", "revoke_body", "revoke_ends", "revoked_again",
		"old_access_token", "reuse_access",
	} {
		assert.Equal(t, notAsked, got[question], question)
	}
	assert.Equal(t, answer("refuse"), got["reuse"])
	assert.Equal(t, answer("spent"), got["code_after_failure"])
	assert.False(t, slices.ContainsFunc(report.Exchanges, func(e observed.Exchange) bool { return strings.Contains(e.Request, "/v3/") }))
}

// TestEndThatIsNone: something before the service says that an authorization is gone, and it is
// still in the list.
func TestEndThatIsNone(t *testing.T) {
	b := hard(t)
	b.around = func(_ int, r *http.Request, serve func() *http.Response) (*http.Response, error) {
		if r.Method == http.MethodDelete {
			return respond(r, 200, "application/json", "{}"), nil
		}
		return serve(), nil
	}
	report, err := b.run(t.Context())
	require.NoError(t, err)
	got := answersOf(report)
	assert.Equal(t, unclear, got["revoke_body"])
	assert.Equal(t, unclear, got["revoke_ends"])
	assert.Equal(t, notAsked, got["revoked_again"])
	assert.Positive(t, b.left)
}

// TestServiceWithoutPKCE: one that takes any verifier, and a code twice, is seen to do so.
func TestServiceWithoutPKCE(t *testing.T) {
	b := newBench(t, emulator.Realistic())
	tokens := 0
	b.around = func(_ int, r *http.Request, serve func() *http.Response) (*http.Response, error) {
		form := formOf(t, r)
		resp := serve()
		if !form.Has("code_verifier") || resp.StatusCode == http.StatusOK || b.visits < 2 { // the inventions of the first step are refused
			return resp, nil
		}
		tokens++
		return respond(r, 200, "application/json", fmt.Sprintf(`{"access_token":"a%d-of-a-lenient-one","refresh_token":"r%d-of-a-lenient-one"}`, tokens, tokens)), nil
	}
	report, err := b.run(t.Context())
	require.NoError(t, err)
	got := answersOf(report)
	assert.Equal(t, answer("accepted"), got["bad_verifier"])
	assert.Equal(t, notAsked, got["code_after_failure"])
	assert.Equal(t, answer("works"), got["code_reuse"])
}
