package emulator_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/emulator"
)

// TestFormThatIsSentTwiceCountsOnce, as after a double click: the browser follows the second
// response, and its code has to be the one that works.
func TestFormThatIsSentTwiceCountsOnce(t *testing.T) {
	for _, decision := range []string{"allow", "deny"} {
		t.Run(decision, func(t *testing.T) {
			s := startLogins(t, emulator.Options{})
			a := s.attempt()
			form := url.Values{"decision": {decision}, "consent": {"form 1"}}.Encode()
			post := func() answer {
				return s.do(s.client, s.request(http.MethodPost, s.byPath("app1", a.authorize), form))
			}
			first, second := post().callback(t), post().callback(t)
			require.Equal(t, first, second)
			require.Equal(t, "the form was sent twice; sent back as before", s.last().Decision)
			require.Empty(t, s.Findings())
			if decision == "deny" {
				return
			}
			a.redeem.Set("code", second.Get("code"))
			require.Empty(t, s.token(a.redeem).reason())

			late := post() // the user has gone back in the browser
			require.Equal(t, http.StatusConflict, late.status)
			require.Contains(t, late.body, "You have already used this form")
			require.Equal(t, "refused: the form was answered before", s.last().Decision)
			require.Empty(t, s.Findings(), "it is no fault of the client's")
		})
	}
}

// TestFormWhoseCodeWasReplaced leads to no code that cannot work any more.
func TestFormWhoseCodeWasReplaced(t *testing.T) {
	s := startLogins(t, emulator.Options{})
	post := func(a loginAttempt, number string) answer {
		form := url.Values{"decision": {"allow"}, "consent": {number}}.Encode()
		return s.do(s.client, s.request(http.MethodPost, s.byPath("app1", a.authorize), form))
	}
	first := s.attempt()
	post(first, "form 1").callback(t)
	post(s.attempt(), "form 2").callback(t)
	require.Equal(t, http.StatusConflict, post(first, "form 1").status)
}

// TestDecisionsWithoutAForm come from programs, and each counts.
func TestDecisionsWithoutAForm(t *testing.T) {
	s := start(t, emulator.Options{})
	require.NotEqual(t, s.code(), s.code())
}

func TestEachFormHasItsNumber(t *testing.T) {
	s := start(t, emulator.Options{})
	page := func() string {
		return s.do(s.client, s.request(http.MethodGet, s.byPath("app1", authorization()), "")).body
	}
	require.NotEqual(t, page(), page())
}

// TestOnlySoManyFormsAreRemembered: the oldest form goes, and counts as one that was not answered.
func TestOnlySoManyFormsAreRemembered(t *testing.T) {
	s := startLogins(t, emulator.Options{})
	first := s.attempt()
	post := func(a loginAttempt, number string) answer {
		form := url.Values{"decision": {"deny"}, "consent": {number}}.Encode()
		return s.do(s.client, s.request(http.MethodPost, s.byPath("app1", a.authorize), form))
	}
	post(first, "first").callback(t)
	for i := range emulator.MaxForms - 1 {
		post(s.attempt(), fmt.Sprint(i)).callback(t)
	}
	require.Equal(t, http.StatusFound, post(first, "first").status)
	post(s.attempt(), "one too many").callback(t)
	require.Equal(t, http.StatusBadRequest, post(first, "first").status, "its state was used")
	post(s.attempt(), "two too many").callback(t)
	post(s.attempt(), "three too many").callback(t)
	fresh := s.attempt()
	require.Equal(t, fresh.authorize.Get("state"), post(fresh, "1").callback(t).Get("state"), "a number that was forgotten, too")
}

// TestConsentThatIsTakenBackEndsTheCode, too.
func TestConsentThatIsTakenBackEndsTheCode(t *testing.T) {
	s := startLogins(t, emulator.Options{})
	access := s.tokens().Access
	a := s.attempt()
	s.consent(a)
	require.True(t, s.Revoke(access))
	require.Equal(t, "400 invalid_grant: the user has taken the consent back", s.token(a.redeem).reason())
}

// TestAuthorizeURLThatIsOpenedAgain, by a reload or a double click, is the same login as long as
// its code waits. A program that looks at the link uses nothing up.
func TestAuthorizeURLThatIsOpenedAgain(t *testing.T) {
	now := newClock()
	s := startLogins(t, emulator.Options{Now: now.Now})
	s.consent(s.attempt()) // from now on without a form
	a := s.attempt()
	open := func(method string) answer {
		return s.do(s.client, s.request(method, s.byPath("app1", a.authorize), ""))
	}
	for range 2 {
		said := open(http.MethodHead)
		require.Equal(t, http.StatusOK, said.status)
		require.Empty(t, said.header.Get("Location"))
	}
	first := open(http.MethodGet).callback(t)
	require.Equal(t, http.StatusOK, open(http.MethodHead).status)
	require.Equal(t, first, open(http.MethodGet).callback(t))
	require.Contains(t, s.last().Decision, "opened twice")
	require.Empty(t, s.Findings())

	now.pass(time.Hour)
	require.Equal(t, http.StatusBadRequest, open(http.MethodGet).status, "its code has expired, and the state was used")
	require.Equal(t, []string{"state-reused"}, idsOf(s.Findings()))

	a = s.attempt()
	a.redeem.Set("code", open(http.MethodGet).callback(t).Get("code"))
	require.Empty(t, s.token(a.redeem).reason())
	require.Equal(t, http.StatusBadRequest, open(http.MethodGet).status, "its code was redeemed")
}
