package emulator_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/emulator"
)

func TestFaultsSpoilOneRequestEach(t *testing.T) {
	const processed, not = usedCode, "" // what the next request with the code says
	for name, row := range map[string]struct {
		fault    emulator.Fault
		status   int // 0: no answer
		body     string
		decision string
		next     string
	}{
		"none":  {emulator.Fault{}, 200, `{"access_token":"`, "granted: tokens for Ada Lovelace in Emulated Press", processed},
		"delay": {emulator.Fault{Delay: emulator.Duration(time.Millisecond)}, 200, `{"access_token":"`, "granted: tokens for Ada Lovelace in Emulated Press", processed},
		"slow":  {emulator.Fault{Slow: emulator.Duration(time.Microsecond)}, 200, `{"access_token":"`, "granted: tokens for Ada Lovelace in Emulated Press", processed},
		"status": {emulator.Fault{Status: 503, Header: http.Header{"Retry-After": {"7"}}, Body: "later"}, 503, "later",
			"fault: not processed, answered 503", not},
		"slow status": {emulator.Fault{Status: 200, Body: "{}", Slow: emulator.Duration(time.Microsecond)}, 200, "{}", "fault: not processed, answered 200", not},
		"redirect": {emulator.Fault{RedirectTo: "https://evil.example/"}, 307, "",
			"fault: not processed, redirected elsewhere", not},
		"cut before": {emulator.Fault{Cut: emulator.CutBefore}, 0, "", "fault: not processed, connection cut", not},
		"cut after": {emulator.Fault{Cut: emulator.CutAfter}, 0, "",
			"granted: tokens for Ada Lovelace in Emulated Press (fault: connection cut before the answer)", processed},
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
	for _, at := range []int{0, 1, 20} {
		s := start(t, emulator.Options{})
		code := s.code()
		s.FailNext(emulator.Fault{Cut: emulator.CutInside, CutAt: at})
		resp, err := s.client.Do(s.request(http.MethodPost, s.url+"/token", redemption(code).Encode()))
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, resp.Body.Close())
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		require.Len(t, body, at)
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

// TestImpatientClient leaves at a point where the server waits; the server's Close at the end of the test would hang if
// the fault went on without the client.
func TestImpatientClient(t *testing.T) {
	for name, fault := range map[string]emulator.Fault{
		"delay": {Delay: emulator.Duration(time.Hour)},
		"slow":  {Slow: emulator.Duration(time.Hour)},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, emulator.Options{})
			code := s.code()
			s.FailNext(fault)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer cancel()
			resp, err := s.client.Do(s.request(http.MethodPost, s.url+"/token", redemption(code).Encode()).WithContext(ctx))
			if err == nil {
				_, err = io.ReadAll(resp.Body)
				resp.Body.Close()
			}
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Eventually(t, func() bool { return s.last().Status == http.StatusOK }, 5*time.Second, time.Millisecond,
				"it is processed although nobody waits any more")
			require.Equal(t, usedCode, s.token(redemption(code)).reason())
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
		`[{"cut":"after"}`:   "want a JSON array of faults: unexpected EOF",
	} {
		said := post(body)
		require.Equal(t, http.StatusBadRequest, said.status)
		var refusal struct{ Error string }
		require.NoError(t, json.Unmarshal([]byte(said.body), &refusal))
		require.Equal(t, want, refusal.Error)
	}
	require.Equal(t, http.StatusForbidden, post(`[{"status":500}]`, "Sec-Fetch-Site", "cross-site").status, "no web page breaks a test from outside")
	s.login()
}

func TestEveryCutHasAName(t *testing.T) {
	for name, want := range map[string]emulator.Cut{"": emulator.CutNot, "before": emulator.CutBefore, "after": emulator.CutAfter, "inside": emulator.CutInside} {
		var cut emulator.Cut
		require.NoError(t, cut.UnmarshalText([]byte(name)))
		require.Equal(t, want, cut)
	}
}
