package emulator_test

import (
	"flag"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/emulator"
)

var dayLogins = flag.Int("day-logins", 8640, "logins of TestADayOfLogins")

// TestADayOfLogins logs in and refreshes, in even steps over a day, without HTTP and by a clock of
// its own. A login a second stays under 100 MiB, of which the log is a quarter at most.
func TestADayOfLogins(t *testing.T) {
	limit := 25<<20 + *dayLogins*(75<<20)/86_400
	now := newClock()
	e, err := emulator.New(emulator.Options{Apps: testApps(), Now: now.Now})
	require.NoError(t, err)
	send := func(method, target, form string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "http://localhost"+target, strings.NewReader(form))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		return w
	}
	token := func(form url.Values) (refresh string) {
		w := send(http.MethodPost, "/token", form.Encode())
		require.Equal(t, http.StatusOK, w.Code, w.Body)
		_, rest, _ := strings.Cut(w.Body.String(), `"refresh_token":"`)
		refresh, _, _ = strings.Cut(rest, `"`)
		return refresh
	}
	before := heap()
	for range *dayLogins {
		now.pass(24 * time.Hour / time.Duration(*dayLogins))
		a := loginSite{}.attempt()
		w := send(http.MethodPost, "/apps/app1/authorize?"+a.authorize.Encode(), "decision=allow")
		back, err := url.Parse(w.Header().Get("Location"))
		require.NoError(t, err)
		a.redeem.Set("code", back.Query().Get("code"))
		token(renewal(token(a.redeem)))
	}
	grown := heap() - before
	t.Logf("%d logins and refreshes take %d MiB", *dayLogins, grown>>20)
	require.Less(t, grown, limit)
	require.Empty(t, e.Findings())
	runtime.KeepAlive(e)
}

func heap() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// TestWhatIsOverStaysKnownForAWhile, so that its second use can be told from a wrong value.
func TestWhatIsOverStaysKnownForAWhile(t *testing.T) {
	now := newClock()
	s := startLogins(t, emulator.Options{Now: now.Now})
	sweep := func() {
		for range 1000 {
			s.consent(s.attempt())
		}
	}
	a := s.attempt()
	s.consent(a)
	tokens := s.token(a.redeem)
	renewed := s.token(renewal(tokens.Refresh))
	revoked := s.loginOf(alan)
	s.Revoke(revoked.Access)
	now.pass(time.Minute + time.Hour)
	sweep()
	require.Contains(t, s.token(a.redeem).Description, "the code was used before")
	now.pass(1)
	sweep()
	require.Contains(t, s.token(a.redeem).Description, "the code was not issued")
	now.pass(22*time.Hour + 59*time.Minute - 1)
	sweep()
	require.Contains(t, s.token(renewal(revoked.Refresh)).Description, "revoked with its login")
	require.Contains(t, s.token(renewal(tokens.Refresh)).Description, "was used before")
	now.pass(24 * time.Hour)
	sweep()
	now.pass(24 * time.Hour)
	sweep()
	require.Contains(t, s.token(renewal(tokens.Refresh)).Description, "it is unknown")
	require.Contains(t, s.token(renewal(revoked.Refresh)).Description, "it is unknown")
	require.Contains(t, s.token(renewal(renewed.Refresh)).Description, "it is unknown", "its login ended with the second use")
}

// TestRefreshTokensOutliveAnyTime unless they have a lifetime.
func TestRefreshTokensOutliveAnyTime(t *testing.T) {
	for lifetime, want := range map[time.Duration]string{0: "", time.Hour: "it is unknown"} {
		now := newClock()
		s := startLogins(t, emulator.Options{Now: now.Now, RefreshTokenLifetime: lifetime})
		tokens := s.tokens()
		now.pass(1000 * time.Hour)
		for range 1000 {
			s.consent(s.attempt())
		}
		require.Contains(t, s.token(renewal(tokens.Refresh)).reason(), want)
	}
}

// TestOnlySoManyStatesAreRemembered: the oldest one goes when there is a newer one too many.
func TestOnlySoManyStatesAreRemembered(t *testing.T) {
	s := startLogins(t, emulator.Options{})
	use := func(a loginAttempt) int {
		r := httptest.NewRequest(http.MethodPost, "http://localhost/apps/app1/authorize?"+a.authorize.Encode(), strings.NewReader("decision=deny"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w.Code
	}
	first, second := s.attempt(), s.attempt()
	for _, a := range []loginAttempt{first, second} {
		require.Equal(t, http.StatusFound, use(a))
		require.Equal(t, http.StatusBadRequest, use(a))
	}
	for range emulator.MaxRecent - 1 {
		require.Equal(t, http.StatusFound, use(s.attempt()))
	}
	require.Equal(t, http.StatusBadRequest, use(second))
	require.Equal(t, http.StatusFound, use(first), "it was forgotten")
}
