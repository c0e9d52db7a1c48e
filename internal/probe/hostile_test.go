package probe_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/emulator"
	"github.com/contentstack/csoauth/internal/probe"
)

// TestAnotherUserLogsInLater: the authorization of the first one is not ended with the login of
// another, who may be an owner and see it.
func TestAnotherUserLogsInLater(t *testing.T) {
	for from := 2; from <= 6; from++ {
		b := newBench(t, emulator.Strict())
		users := emulator.DefaultUsers()
		b.visitors = func(visit int) emulator.Visitor {
			if visit >= from {
				return emulator.Visitor{UserUID: users[0].UID} // owns the organization
			}
			return emulator.Visitor{UserUID: users[1].UID}
		}
		var deletions []string
		b.around = func(_ int, r *http.Request, serve func() *http.Response) (*http.Response, error) {
			if r.Method == http.MethodDelete {
				deletions = append(deletions, r.URL.Path)
			}
			return serve(), nil
		}
		report, err := b.run(t.Context())
		require.NoError(t, err)
		got := answersOf(report)
		if from <= 4 { // the login that ends the authorization is the other user's
			assert.Empty(t, deletions, "from visit %d", from)
			assert.Equal(t, notAsked, got["revoke_ends"])
		} else {
			assert.Equal(t, answer("all"), got["revoke_ends"])
		}
	}
}

// TestLoginOfAnotherOrganization ends the probe before anything else is done with it.
func TestLoginOfAnotherOrganization(t *testing.T) {
	b := newBench(t, emulator.Realistic())
	b.org = emulator.DefaultUsers()[0].Organizations[1].UID
	report, err := b.run(t.Context())
	require.ErrorContains(t, err, "another organization")
	assert.Equal(t, 2, report.Requests)
	assert.Equal(t, 1, b.left)
	b = newBench(t, emulator.Realistic())
	b.org = emulator.DefaultUsers()[0].Organizations[1].UID
	b.visitor.OrganizationUID = b.org
	report, err = b.run(t.Context())
	require.NoError(t, err)
	assert.Equal(t, answer("all"), answersOf(report)["revoke_ends"])
}

// TestUIDThatIsNone: no deletion is sent for what would stand for something else in a path.
func TestUIDThatIsNone(t *testing.T) {
	for _, uid := range []string{"..", ".", " ", "", "a/../..", "%2e%2e", strings.Repeat("a", 65)} {
		b := newBench(t, emulator.Realistic())
		b.around = func(_ int, r *http.Request, serve func() *http.Response) (*http.Response, error) {
			resp := serve()
			if r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, "/authorizations") {
				return resp, nil
			}
			list, err := json.Marshal(map[string]any{"data": []any{map[string]any{"authorization_uid": uid, "user": map[string]any{"uid": emulator.DefaultUsers()[0].UID}}}})
			require.NoError(t, err)
			return respond(r, 200, "application/json", string(list)), nil
		}
		report, err := b.run(t.Context())
		require.NoError(t, err)
		assert.Equal(t, notAsked, answersOf(report)["revoke_body"], "%q", uid)
	}
}

// TestProbeStopsAtABroken429: also if its body breaks off, or is too large.
func TestProbeStopsAtABroken429(t *testing.T) {
	for _, body := range []io.Reader{brokenReader{}, zeros{}} {
		b := newBench(t, emulator.Realistic())
		b.around = func(i int, r *http.Request, serve func() *http.Response) (*http.Response, error) {
			if i == 9 {
				resp := respond(r, http.StatusTooManyRequests, "application/json", "")
				resp.Body = io.NopCloser(body)
				return resp, nil
			}
			return serve(), nil
		}
		report, err := b.run(t.Context())
		require.Error(t, err)
		assert.Len(t, b.requests, 9)
		assert.Contains(t, report.Stopped, "429")
	}
}

// TestCallbackIsNotWrittenAsItIs: it comes through the browser, so anyone may have written it.
func TestCallbackIsNotWrittenAsItIs(t *testing.T) {
	b := newBench(t, emulator.Realistic())
	b.callback = func(_ probe.Visit, callback url.Values) (url.Values, error) {
		for _, name := range []string{"order", "limit", "skip", "sort", "grant_type", "error_description", "x"} {
			callback.Set(name, "Jane Doe <jane@acme.example>\n```\n# injected")
		}
		return callback, nil
	}
	report, err := b.run(t.Context())
	require.NoError(t, err)
	for _, trace := range []string{"Jane", "acme", "injected", "jane"} {
		assert.NotContains(t, string(report.Markdown()), trace)
	}
}

// TestNamesOfListedWords: a name may be made of words that errors have.
func TestNamesOfListedWords(t *testing.T) {
	for _, said := range []string{
		"will.grant@studio.company is not allowed", "no access for Will_Grant", "WILL GRANT has no access", "WillGrant is unknown",
		"dial gateway.internal: refused", "proxy 9.8.7.6:80 refused", "call 171,234,567 or 171_234_567 or 030:123:456", "see user/Will/Grant", "jane_doe#42",
	} {
		o := emulator.Realistic()
		users := emulator.DefaultUsers()
		users[0].FirstName, users[0].LastName = "Will", "Grant"
		o.Users = users
		b := newBench(t, o)
		b.around = func(_ int, r *http.Request, serve func() *http.Response) (*http.Response, error) {
			resp := serve()
			if resp.StatusCode != http.StatusBadRequest {
				return resp, nil
			}
			body, err := json.Marshal(map[string]any{"message": []string{said}})
			require.NoError(t, err)
			return respond(r, 400, "application/json", string(body)), nil
		}
		report, err := b.run(t.Context())
		require.NoError(t, err)
		page := string(report.Markdown())
		for _, trace := range []string{"will.grant", "studio", "Will", "WILL", "GRANT", "gateway.internal", "9.8.7", "234", "jane"} {
			assert.NotContains(t, page, trace, said)
		}
	}
}

// TestNameThatIsKnownLater: what is said before /v3/user has told the name has none either.
func TestNameThatIsKnownLater(t *testing.T) {
	o := emulator.Realistic()
	users := emulator.DefaultUsers()
	users[0].FirstName = "expired"
	o.Users = users
	b := newBench(t, o)
	b.around = func(_ int, r *http.Request, serve func() *http.Response) (*http.Response, error) {
		resp := serve()
		if strings.HasSuffix(r.URL.Path, "/introspect") {
			content, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			resp.Body = io.NopCloser(bytes.NewReader(bytes.Replace(content, []byte("{"), []byte(`{"message":"Hello expired",`), 1)))
		}
		return resp, nil
	}
	report, err := b.run(t.Context())
	require.NoError(t, err)
	assert.NotContains(t, string(report.JSON()), "Hello expired")
	assert.NotContains(t, string(report.JSON()), "expired\\\"")
}

// TestRefusalOfSomethingBefore: a gateway refuses in another form than the service, so nothing is
// concluded from it.
func TestRefusalOfSomethingBefore(t *testing.T) {
	sound := hard(t)
	report, err := sound.run(t.Context())
	require.NoError(t, err)
	truth := answersOf(report)
	for n := 1; n <= len(sound.requests); n++ {
		for i, status := range []int{403, 404, 408, 401} {
			if (n+i)%8 != 0 {
				continue
			}
			b := hard(t)
			b.around = func(i int, r *http.Request, serve func() *http.Response) (*http.Response, error) {
				if i == n {
					return respond(r, status, "text/html", "<h1>The telescope of the network</h1>"), nil
				}
				return serve(), nil
			}
			report, _ := b.run(t.Context())
			for question, got := range answersOf(report) {
				if got == notAsked || got == unclear || isThatResponse(question) || strings.HasPrefix(question, "bad_") || question == "json" || question == "basic" {
					continue
				}
				require.Equal(t, truth[question], got, "%s; request %d with %d: %s", question, n, status, purposeOf(report, n))
			}
		}
	}
}

// TestClockOfAnOldResponse: a cache's page has the date of when it was made.
func TestClockOfAnOldResponse(t *testing.T) {
	_, report := checked(t, func(_ *http.Request, serve func() *http.Response) (*http.Response, error) {
		resp := serve()
		resp.Header.Set("Date", "Fri, 27 Nov 2026 06:00:00 GMT")
		resp.Header.Set("Age", "21600")
		return resp, nil
	})
	assert.Equal(t, notAsked, answersOf(report)["clock"])
}
