package httplogin_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/httplogin"
)

func TestAttemptIsOverAfterTenMinutes(t *testing.T) {
	for after, want := range map[time.Duration]error{
		10*time.Minute - 1: csoauth.ErrDenied,
		10 * time.Minute:   csoauth.ErrAttemptExpired,
	} {
		t.Run(after.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := httpsHandlers()
				cookie, state := start(t, h, "/login")
				time.Sleep(after)
				_, err := comeBack(h, "error=access_denied&state="+state, cookie)
				require.ErrorIs(t, err, want)
			})
		})
	}
}

// evicted returns the names of the cookies that Start deletes in a browser that has these.
func evicted(t *testing.T, h *httplogin.Handlers, cookies []*http.Cookie) (names []string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/login", nil)
	for _, cookie := range cookies {
		r.AddCookie(&http.Cookie{Name: cookie.Name, Value: cookie.Value})
	}
	w := httptest.NewRecorder()
	h.Start(w, r)
	set := w.Result().Cookies()
	require.NotEmpty(t, set)
	for _, cookie := range set[:len(set)-1] { // the last is the new attempt's
		assert.Equal(t, cookie.Name+"=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax", cookie.String(), "a browser keeps __Host- cookies otherwise")
		names = append(names, cookie.Name)
	}
	return names
}

func TestOldestAttemptsMakeRoom(t *testing.T) {
	for have, want := range map[int]int{4: 0, 5: 1, 6: 2, 12: 8, 13: 8} {
		t.Run(strconv.Itoa(have), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, other := httpsHandlers(), httpsHandlers()
				other.Config.ClientID = "another-app-on-this-host"
				var ours, foreign []*http.Cookie
				for range have {
					cookie, _ := start(t, h, "/login")
					ours = append(ours, cookie)
					cookie, _ = start(t, other, "/login")
					foreign = append(foreign, cookie)
					time.Sleep(time.Second)
				}
				name := ours[0].Name
				for _, name := range []string{"session", name + "x", name[:len(name)-1], strings.Repeat("a", len(name)), "x" + name[1:]} {
					foreign = append(foreign, &http.Cookie{Name: name, Value: "0.x"})
				}
				var oldest []string
				for _, cookie := range ours[:want] {
					oldest = append(oldest, cookie.Name)
				}
				slices.Reverse(ours) // a browser's order is not that of age
				assert.Equal(t, oldest, evicted(t, h, slices.Concat(foreign, ours)))
			})
		})
	}
}

// The time in a cookie's value can be read without a key, so anyone may have written it.
func TestAttemptWithoutATimeOfOursIsTheOldest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := httpsHandlers()
		var cookies []*http.Cookie
		for range 5 {
			cookie, _ := start(t, h, "/login")
			cookies = append(cookies, cookie)
			time.Sleep(time.Second)
		}
		newest := cookies[4]
		in := func(d time.Duration) string { return strconv.FormatInt(time.Now().Add(d).Unix(), 36) + ".x" }
		for value, oldest := range map[string]*http.Cookie{
			in(10 * time.Minute):              cookies[0], // the clocks of two replicas may differ
			in(10*time.Minute + time.Second):  newest,
			"zzzzzzzzzzzz.x":                  newest,
			"zzzzzzzzzzzzzzzzzzzzzzzzzzzzz.x": newest,
			"!.x":                             newest,
			"":                                newest,
		} {
			newest.Value = value
			assert.Equal(t, []string{oldest.Name}, evicted(t, h, cookies), "%q", value)
		}
	})
}

func TestCallbackHasExactlyOneState(t *testing.T) {
	h := httpsHandlers()
	cookie, state := start(t, h, "/login")
	second, secondState := start(t, h, "/login")
	for name, query := range map[string]string{
		"none":            "error=access_denied",
		"an empty one":    "error=access_denied&state=",
		"good, then bad":  "error=access_denied&state=" + state + "&state=forged",
		"bad, then good":  "error=access_denied&state=forged&state=" + state,
		"good, then none": "error=access_denied&state=" + state + "&state=",
		"the same twice":  "error=access_denied&state=" + state + "&state=" + state,
		"two good ones":   "error=access_denied&state=" + state + "&state=" + secondState,
	} {
		for _, cookies := range [][]*http.Cookie{{cookie, second}, nil} {
			w, err := comeBack(h, query, cookies...)
			require.ErrorIs(t, err, csoauth.ErrState, name)
			require.NotErrorIs(t, err, httplogin.ErrNoCookie, name)
			assert.Empty(t, w.Header().Values("Set-Cookie"), "%s: no attempt ends", name)
		}
	}
}

// A parser that drops what it cannot read would take an error for a success.
func TestCallbackThatDoesNotParseIsRefused(t *testing.T) {
	h := httpsHandlers()
	cookie, state := start(t, h, "/login")
	for _, query := range []string{
		"error=a;b&code=c&state=" + state, "code=c&state=" + state + "&error=%zz", "code=c&state=" + state + ";x", "code=c&state=" + state + "&x=" + strings.Repeat("x", 8<<10),
	} {
		w, err := comeBack(h, query, cookie)
		require.ErrorIs(t, err, csoauth.ErrState, query)
		assert.Empty(t, w.Header().Values("Set-Cookie"), "the true callback may still come")
	}
	_, err := comeBack(h, "error=access_denied&state="+state, cookie)
	require.ErrorIs(t, err, csoauth.ErrDenied)
}

// An attacker who can set cookies for this site can set many long ones.
func TestCookiesOfOneAttemptAreBounded(t *testing.T) {
	h := httpsHandlers()
	good, state := start(t, h, "/login")
	planted := func(size int) *http.Cookie { return &http.Cookie{Name: good.Name, Value: strings.Repeat("A", size)} }
	for name, test := range map[string]struct {
		cookies []*http.Cookie
		want    error
	}{
		"8 KiB in all":        {[]*http.Cookie{planted(8<<10 - len(good.Value)), good}, csoauth.ErrDenied},
		"a byte more":         {[]*http.Cookie{planted(8<<10 - len(good.Value) + 1), good}, csoauth.ErrState},
		"one of 9 KiB":        {[]*http.Cookie{planted(9 << 10)}, csoauth.ErrState},
		"nine of a KiB":       {append(slices.Repeat([]*http.Cookie{planted(1 << 10)}, 9), good), csoauth.ErrState},
		"good, then 9 KiB":    {[]*http.Cookie{good, planted(9 << 10)}, csoauth.ErrDenied},
		"others do not count": {[]*http.Cookie{{Name: "other", Value: strings.Repeat("A", 9<<10)}, good}, csoauth.ErrDenied},
	} {
		_, err := comeBack(h, "error=access_denied&state="+state, test.cookies...)
		require.ErrorIs(t, err, test.want, name)
	}
}

// Only a browser that has an attempt of this app hears that the callback is of another one.
func TestCookiesOfOthersAreNoAttempt(t *testing.T) {
	h, other := httpsHandlers(), httpsHandlers()
	other.Config.RedirectURI = "https://example.com/other/callback"
	ours, _ := start(t, h, "/login")
	theirs, theirState := start(t, other, "/login")
	longer := &http.Cookie{Name: ours.Name + "x", Value: ours.Value}
	_, err := comeBack(h, "code=c&state="+theirState, &http.Cookie{Name: "session", Value: "s"}, theirs, longer)
	require.ErrorIs(t, err, httplogin.ErrNoCookie)
	_, err = comeBack(h, "code=c&state="+theirState, theirs, ours)
	require.ErrorIs(t, err, csoauth.ErrState)
}

// A sibling host or another path may have added a cookie of the same name, and a browser may send
// it first.
func TestOneOfTwoCookiesOfOneNameOpens(t *testing.T) {
	h := httpsHandlers()
	good, state := start(t, h, "/login")
	another, _ := start(t, h, "/login")
	planted := &http.Cookie{Name: good.Name, Value: another.Value}
	for name, test := range map[string]struct {
		cookies []*http.Cookie
		want    error
	}{
		"good, then planted": {[]*http.Cookie{good, planted}, csoauth.ErrDenied},
		"planted, then good": {[]*http.Cookie{another, planted, good}, csoauth.ErrDenied},
		"planted alone":      {[]*http.Cookie{planted, planted}, csoauth.ErrState},
	} {
		w, err := comeBack(h, "error=access_denied&state="+state, test.cookies...)
		require.ErrorIs(t, err, test.want, name)
		assert.Equal(t, []string{good.Name + "=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"}, w.Header().Values("Set-Cookie"), name)
	}
}

// Replicas of two releases run side by side during a deployment. If this fails, logins that are
// under way then fail, too.
func TestAttemptOfAnotherReleaseOpens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // its clock begins where the cookie was made
		h := httpsHandlers()
		h.Config.Scopes, h.AuthOptions = []string{"user:read", "user:write"}, &csoauth.AuthOptions{OrganizationUID: "blt1"}
		h.Config.HTTPClient = &http.Client{Transport: roundTrip(tokenFor)}
		w, err := comeBack(h, "code=c&state=SA_uJqsVk2JJ3CnTOKU-9dt2spmiMkOuk2upGXN_gYo", &http.Cookie{
			Name:  "__Host-csoauth-tXoN-YjFI67ogPi7ghlQpeEbrGA",
			Value: "fnmqo0.AdHIyNLoMUAVzZ4PfEsnIcTkJZ_ett5eLl0MO5G_90L7Ze_MbkbiTkcqAg5pD_0JEebHhuocn5nxPKoxeq1L-W_LMf22rqjDzWS_JKFtfwPWqGktmgs",
		})
		require.NoError(t, err)
		assert.Equal(t, "/here?a=b", w.Header().Get("Location"))
	})
}

// What stands in a cookie is the browser's to change.
func TestCookieThatWasChangedIsRefused(t *testing.T) {
	h := httpsHandlers()
	cookie, state := start(t, h, "/login")
	for _, value := range []string{"", ".", "x", "x.!!", cookie.Value[1:], cookie.Value + "AAAA", "1" + cookie.Value, strings.Replace(cookie.Value, ".", ".A", 1)} {
		w, err := comeBack(h, "code=c&state="+state, &http.Cookie{Name: cookie.Name, Value: value})
		require.ErrorIs(t, err, csoauth.ErrState, "%q", value)
		require.NotErrorIs(t, err, httplogin.ErrNoCookie)
		assert.Contains(t, w.Header().Get("Set-Cookie"), "Max-Age=0", "it is of no use any more")
	}
}
