package emulator_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/emulator"
)

func TestFaultsSpoilOneRequestEach(t *testing.T) {
	const processed, not = usedCode, "" // what the next request with the code says
	for name, row := range map[string]struct {
		fault    emulator.Fault
		status   int // 0: no response
		body     string
		decision string
		next     string
	}{
		"none":  {emulator.Fault{}, 200, `{"access_token":"`, "granted: tokens for Ada Lovelace in Emulated Press", processed},
		"delay": {emulator.Fault{Delay: emulator.Duration(time.Millisecond)}, 200, `{"access_token":"`, "granted: tokens for Ada Lovelace in Emulated Press", processed},
		"slow":  {emulator.Fault{Slow: emulator.Duration(time.Microsecond)}, 200, `{"access_token":"`, "granted: tokens for Ada Lovelace in Emulated Press", processed},
		"status": {emulator.Fault{Status: 503, Header: http.Header{"Retry-After": {"7"}}, Body: "later"}, 503, "later",
			"fault: not processed, status 503", not},
		"slow status": {emulator.Fault{Status: 200, Body: "{}", Slow: emulator.Duration(time.Microsecond)}, 200, "{}", "fault: not processed, status 200", not},
		"redirect": {emulator.Fault{RedirectTo: "https://evil.example/"}, 307, "",
			"fault: not processed, redirected elsewhere", not},
		"cut before": {emulator.Fault{Cut: emulator.CutBefore}, 0, "", "fault: not processed, connection cut", not},
		"cut after": {emulator.Fault{Cut: emulator.CutAfter}, 0, "",
			"granted: tokens for Ada Lovelace in Emulated Press (fault: connection cut before the response)", processed},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, emulator.Options{})
			code := s.code()
			s.FailNext(row.fault)
			resp, err := s.client.Do(s.request(http.MethodPost, s.url+"/token", redemption(code).Encode()))
			if row.status == 0 {
				require.ErrorIs(t, err, io.EOF)
				require.Nil(t, s.last().Answer)
			} else {
				require.NoError(t, err)
				defer resp.Body.Close()
				body, err := io.ReadAll(resp.Body)
				require.NoError(t, err)
				require.Equal(t, row.status, resp.StatusCode)
				require.Contains(t, string(body), row.body)
				require.Equal(t, row.fault.Header.Get("Retry-After"), resp.Header.Get("Retry-After"))
				require.Equal(t, row.fault.RedirectTo, resp.Header.Get("Location"))
			}
			require.Equal(t, row.status, s.last().Status)
			require.Equal(t, row.decision, s.last().Decision)
			require.Equal(t, row.next, s.token(redemption(code)).reason())
		})
	}
}

func TestFaultsComeInOrder(t *testing.T) {
	s := start(t, emulator.Options{})
	code := s.code()
	s.FailNext(emulator.Fault{Status: 500, Body: `{}`}, emulator.Fault{Status: 502, Body: `{}`})
	s.FailNext(emulator.Fault{}, emulator.Fault{Status: 504, Body: `{}`})
	var got []int
	for range 5 {
		got = append(got, s.token(redemption(code)).status)
	}
	require.Equal(t, []int{500, 502, 200, 504, 400}, got)
}

func TestAnswerBreaksOffInside(t *testing.T) {
	for at, want := range map[int]int{-1: 0, 0: 0, 1: 1, 20: 20} {
		s := start(t, emulator.Options{})
		code := s.code()
		s.FailNext(emulator.Fault{Cut: emulator.CutInside, CutAt: at})
		resp, err := s.client.Do(s.request(http.MethodPost, s.url+"/token", redemption(code).Encode()))
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, resp.Body.Close())
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		require.Len(t, body, want)
		require.Equal(t, usedCode, s.token(redemption(code)).reason(), "it was processed")
	}
}

func TestEndlessAnswerEndsWithItsReader(t *testing.T) {
	for name, fault := range map[string]emulator.Fault{
		"at once": {Endless: true}, "after a slow body": {Endless: true, Slow: emulator.Duration(time.Microsecond)},
		"of a status": {Endless: true, Status: 200, Body: "{}"},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, emulator.Options{})
			s.FailNext(fault)
			resp, err := s.client.Do(s.request(http.MethodPost, s.url+"/token", redemption(s.code()).Encode()))
			require.NoError(t, err)
			n, err := io.CopyN(io.Discard, resp.Body, 1<<20)
			require.NoError(t, err)
			require.EqualValues(t, 1<<20, n)
			require.NoError(t, resp.Body.Close())
		})
	}
}

// TestFaultsTakeTheirTime calls the handler without a connection, in time that stands still
// unless all wait.
func TestFaultsTakeTheirTime(t *testing.T) {
	const body = 10 * time.Second // of ten bytes
	fault := func(delay, slow time.Duration) emulator.Fault {
		return emulator.Fault{Delay: emulator.Duration(delay), Slow: emulator.Duration(slow)}
	}
	spoilt := func(f emulator.Fault) emulator.Fault { f.Status, f.Body = 503, "ten bytes!"; return f }
	for name, row := range map[string]struct {
		fault    emulator.Fault
		patience time.Duration
		took     time.Duration
		status   int // as it is logged
		written  int // bytes; negative: all of a token
	}{
		"delay":                        {fault(time.Minute, 0), time.Hour, time.Minute, 200, -1},
		"delay, and nobody waits":      {fault(time.Hour, 0), time.Minute, time.Minute, 200, -1},
		"slow":                         {spoilt(fault(0, time.Second)), time.Hour, body, 503, 10},
		"slow after a delay":           {spoilt(fault(time.Minute, time.Second)), time.Hour, time.Minute + body, 503, 10},
		"slow, and somebody hangs up":  {spoilt(fault(0, time.Second)), 4500 * time.Millisecond, 4500 * time.Millisecond, 503, 4},
		"slow token, and nobody waits": {fault(0, time.Hour), time.Minute, time.Minute, 200, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, err := emulator.New(emulator.Options{Apps: testApps(), CodeLifetime: 24 * time.Hour})
				require.NoError(t, err)
				s := &site{Emulator: e, t: t, url: "http://emulator.localhost"}
				s.client = &http.Client{CheckRedirect: noRedirect, Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
					w := httptest.NewRecorder()
					e.ServeHTTP(w, r)
					return w.Result(), nil
				})}
				form := redemption(s.code())
				s.FailNext(row.fault)
				ctx, cancel := context.WithTimeout(t.Context(), row.patience)
				defer cancel()
				began, w := time.Now(), httptest.NewRecorder()
				e.ServeHTTP(w, s.request(http.MethodPost, s.url+"/token", form.Encode()).WithContext(ctx))
				require.Equal(t, row.took, time.Since(began))
				require.Equal(t, row.status, s.last().Status)
				if row.written >= 0 {
					require.Equal(t, row.written, w.Body.Len())
				} else {
					require.Contains(t, w.Body.String(), `"access_token":`)
				}
				if row.status == http.StatusOK {
					require.Equal(t, usedCode, s.token(form).reason(), "it is processed although nobody waits any more")
				}
			})
		})
	}
}

func TestFaultsFromOutside(t *testing.T) {
	s := start(t, emulator.Options{})
	post := func(body string, header ...string) answer {
		r := s.request(http.MethodPost, s.url+"/_emulator/faults", body)
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		return s.do(s.client, r)
	}
	said := post(`[{"status":503,"header":{"Retry-After":["1"]},"body":"later"},{"delay":"1ms"}]`)
	require.Equal(t, http.StatusOK, said.status)
	require.JSONEq(t, `{"faults":2}`, said.body)
	form := redemption(s.code()).Encode()
	said = s.do(s.client, s.request(http.MethodPost, s.url+"/token", form))
	require.Equal(t, "503 1 later", fmt.Sprint(said.status, " ", said.header.Get("Retry-After"), " ", said.body))
	require.Equal(t, http.StatusOK, s.do(s.client, s.request(http.MethodPost, s.url+"/token", form)).status)

	for body, want := range map[string]string{
		"":                   "want a JSON array of faults: EOF",
		`{"status":500}`:     "want a JSON array of faults: json: cannot unmarshal object into Go value of type []emulator.Fault",
		`[{"stauts":500}]`:   `want a JSON array of faults: json: unknown field "stauts"`,
		`[{"cut":"middle"}]`: `want a JSON array of faults: cut "middle": want before, after or inside`,
		`[{"delay":"soon"}]`: `want a JSON array of faults: time: invalid duration "soon"`,
		`[{},{"status":5}]`:  "fault 2: status 5 is none",
		`[{"status":99}]`:    "fault 1: status 99 is none",
		`[{"status":1000}]`:  "fault 1: status 1000 is none",
		`[{"status":-1},{}]`: "fault 1: status -1 is none",
		`[{"cut":"after"}`:   "want a JSON array of faults: unexpected EOF",
		"[" + strings.Repeat(" ", emulator.MaxForm-1) + "]": "want a JSON array of faults: unexpected EOF",
	} {
		said := post(body)
		require.Equal(t, http.StatusBadRequest, said.status)
		var refusal struct{ Error string }
		require.NoError(t, json.Unmarshal([]byte(said.body), &refusal))
		require.Equal(t, want, refusal.Error)
	}
	require.Equal(t, http.StatusForbidden, post(`[{"status":500}]`, "Sec-Fetch-Site", "cross-site").status, "no web page breaks a test from outside")
	s.login()
	require.JSONEq(t, `{"faults":0}`, post("["+strings.Repeat(" ", emulator.MaxForm-2)+"]").body)
	require.JSONEq(t, `{"faults":2}`, post(`[{"status":100},{"status":999}]`).body)
}

func TestEveryCutHasAName(t *testing.T) {
	for name, want := range map[string]emulator.Cut{"": emulator.CutNot, "before": emulator.CutBefore, "after": emulator.CutAfter, "inside": emulator.CutInside} {
		var cut emulator.Cut
		require.NoError(t, cut.UnmarshalText([]byte(name)))
		require.Equal(t, want, cut)
	}
}
