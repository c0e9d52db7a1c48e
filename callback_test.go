package csoauth_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
)

// errSent is the error of the token endpoint in these tests. A callback that leads to it has passed
// the check.
var errSent = errors.New("the callback passed, and the code was sent")

// sentTo returns a Config whose token endpoint fails with errSent, and the hosts that were asked.
func sentTo() (*csoauth.Config, *[]string) {
	c, hosts := testConfig(), new([]string)
	c.HTTPClient = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		*hosts = append(*hosts, r.URL.Host)
		return nil, errSent
	})}
	return c, hosts
}

// Law: P4
func TestCallbackIsCheckedBeforeAnythingIsSent(t *testing.T) {
	state := strings.Repeat("s", 43)
	good := func(extra string) string { return "state=" + state + "&code=c0de" + extra }
	for name, row := range map[string]struct {
		callback string
		is       error  // sentinel, or nil
		want     string // in the error
	}{
		"good":                       {good(""), errSent, ""},
		"good, with location":        {good("&location=NA"), errSent, ""},
		"unknown repeats":            {good("&x=1&x=2&installation_uid=3"), errSent, ""},
		"unknown location":           {good("&location=MARS&region=evil.example"), errSent, ""},
		"location and region agree":  {good("&location=EU&region=aws-eu"), errSent, ""},
		"one of them unknown":        {good("&location=evil.example&region=eu"), errSent, ""},
		"empty error parameter":      {good("&error="), nil, "the callback reports an error without naming it"},
		"nothing":                    {"", csoauth.ErrState, "the callback has state 0 times, want once"},
		"no state":                   {"code=c0de", csoauth.ErrState, "state 0 times"},
		"two states, one right":      {good("&state=x"), csoauth.ErrState, "state 2 times"},
		"two states, the other":      {"state=x&" + good(""), csoauth.ErrState, "state 2 times"},
		"the same state twice":       {good("&state=" + state), csoauth.ErrState, "state 2 times"},
		"wrong state":                {"state=" + state[:42] + "x&code=c0de", csoauth.ErrState, "the callback belongs to another attempt, or is forged"},
		"empty state":                {"state=&code=c0de", csoauth.ErrState, "to another attempt, or is forged"},
		"prefix of the state":        {"state=" + state[:42] + "&code=c0de", csoauth.ErrState, "to another attempt, or is forged"},
		"denial without state":       {"error=access_denied", csoauth.ErrState, "state 0 times"},
		"denial with a wrong state":  {"error=access_denied&state=x", csoauth.ErrState, "to another attempt, or is forged"},
		"state goes before repeats":  {"state=x&code=1&code=2&error=a", csoauth.ErrState, "to another attempt, or is forged"},
		"two codes":                  {good("&code=other"), nil, "csoauth: authorize: the callback has code 2 times"},
		"two codes, the first empty": {"code=&" + good(""), nil, "the callback has code 2 times"},
		"two errors":                 {good("&error=a&error=b"), nil, "the callback has error 2 times"},
		"two descriptions":           {good("&error_description=a&error_description=b"), nil, "the callback has error_description 2 times"},
		"two locations":              {good("&location=NA&location=NA"), nil, "the callback has location 2 times"},
		"two regions":                {good("&region=NA&region=EU"), nil, "the callback has region 2 times"},
		"location against region":    {good("&location=NA&region=EU"), nil, "the callback's location is na, but its region is eu: they must agree"},
		"disagreement before denial": {"state=" + state + "&error=access_denied&location=NA&region=EU", nil, "they must agree"},
		"denied":                     {"state=" + state + "&error=access_denied&error_description=The+user+said+no", csoauth.ErrDenied, "csoauth: authorize: access denied: access_denied: The user said no"},
		"another error":              {"state=" + state + "&error=invalid_scope", nil, "csoauth: authorize: invalid_scope"},
		"error goes before code":     {good("&error=access_denied"), csoauth.ErrDenied, "access denied"},
		"no code":                    {"state=" + state, nil, "the callback has neither a code nor an error"},
		"empty code":                 {"state=" + state + "&code=", nil, "the callback has neither a code nor an error"},
	} {
		t.Run(name, func(t *testing.T) {
			c, hosts := sentTo()
			r, err := c.NewAuthRequest(nil)
			require.NoError(t, err)
			r.State = state
			callback, err := url.ParseQuery(row.callback)
			require.NoError(t, err)

			_, err = c.Exchange(t.Context(), r, callback)
			require.ErrorContains(t, err, row.want)
			for _, sentinel := range []error{errSent, csoauth.ErrState, csoauth.ErrAttemptExpired, csoauth.ErrDenied, csoauth.ErrLoginRequired} {
				require.Equal(t, sentinel == row.is, errors.Is(err, sentinel), "%v is %v", err, sentinel)
			}
			require.Equal(t, row.is == errSent, len(*hosts) == 1, "sent to %v", *hosts)
			var said *csoauth.Error
			reported := strings.Contains(row.callback, "error=") && row.is != csoauth.ErrState && !strings.Contains(row.want, "2 times") && !strings.Contains(row.want, "agree")
			require.Equal(t, reported, errors.As(err, &said))
		})
	}
}

// Law: P4
func TestForgedCallbackDoesNotEndTheAttempt(t *testing.T) {
	c, hosts := sentTo()
	r, err := c.NewAuthRequest(nil)
	require.NoError(t, err)
	_, err = c.Exchange(t.Context(), r, url.Values{"state": {"forged"}, "code": {"c"}})
	require.ErrorIs(t, err, csoauth.ErrState)
	_, err = c.Exchange(t.Context(), r, url.Values{"state": {r.State}, "code": {"c"}})
	require.ErrorIs(t, err, errSent)
	require.Len(t, *hosts, 1)
}

// Law: P4
func TestAttemptIsGoodForOne(t *testing.T) {
	c, hosts := sentTo()
	r, err := c.NewAuthRequest(nil)
	require.NoError(t, err)
	callback := url.Values{"state": {r.State}, "code": {"c"}}
	shared := *r

	results := make(chan error)
	for _, attempt := range []*csoauth.AuthRequest{r, r, &shared} {
		go func() {
			_, err := c.Exchange(t.Context(), attempt, callback)
			results <- err
		}()
	}
	used := 0
	for range 3 {
		if err := <-results; errors.Is(err, csoauth.ErrAttemptExpired) {
			require.ErrorContains(t, err, "the attempt was used before")
			used++
		}
	}
	require.Equal(t, 2, used)
	require.Len(t, *hosts, 1)
}

// Law: P4
func TestAttemptExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := sentTo()
		r, err := c.NewAuthRequest(nil)
		require.NoError(t, err)
		late, err := c.NewAuthRequest(nil)
		require.NoError(t, err)

		time.Sleep(10*time.Minute - time.Nanosecond)
		_, err = c.Exchange(t.Context(), r, url.Values{"state": {r.State}, "code": {"c"}})
		require.ErrorIs(t, err, errSent, "in time by a nanosecond")

		time.Sleep(time.Nanosecond)
		_, err = c.Exchange(t.Context(), late, url.Values{"state": {late.State}, "code": {"c"}, "error": {"access_denied"}})
		require.ErrorIs(t, err, csoauth.ErrAttemptExpired, "the age is looked at before the error")
		require.NotErrorIs(t, err, csoauth.ErrDenied)
		_, err = c.Exchange(t.Context(), late, url.Values{"state": {"forged"}, "code": {"c"}})
		require.ErrorIs(t, err, csoauth.ErrState, "the state is looked at before the age")
	})
}

func TestAttemptThatIsNotOne(t *testing.T) {
	c := testConfig()
	callback := url.Values{"state": {"s"}, "code": {"c"}}
	_, err := c.Exchange(t.Context(), nil, callback)
	require.ErrorIs(t, err, csoauth.ErrState)
	require.ErrorContains(t, err, "no attempt is known for this callback")

	_, err = c.Exchange(t.Context(), &csoauth.AuthRequest{}, url.Values{"state": {""}, "code": {"c"}})
	require.ErrorIs(t, err, csoauth.ErrState, "two empty states do not match")
	require.ErrorContains(t, err, "the attempt has no state of its own")

	byHand := &csoauth.AuthRequest{ClientID: c.ClientID, State: "s", Verifier: rfcVerifier, Expires: time.Now().Add(time.Hour)}
	_, err = c.Exchange(t.Context(), byHand, callback)
	require.ErrorContains(t, err, "the AuthRequest was made by hand: use NewAuthRequest")

	r, err := c.NewAuthRequest(nil)
	require.NoError(t, err)
	other := testConfig()
	other.ClientID = "another"
	_, err = other.Exchange(t.Context(), r, url.Values{"state": {r.State}, "code": {"c"}})
	require.ErrorContains(t, err, `csoauth: exchange: the attempt belongs to client "Ie0FEfTzlfAHL4xM", but this Config has client "another"`)
}

// Law: P5
func TestCallbackPicksAmongKnownRegionsOnly(t *testing.T) {
	for callback, host := range map[string]string{
		"":                              "app.example.org",
		"location=NA":                   "app.example.org",
		"location=EU":                   "eu-app.example.org",
		"region=EU":                     "eu-app.example.org",
		"region=aws_eu&location=eu":     "eu-app.example.org",
		"location=AU":                   "app.example.org", // a region, but not of this Config
		"region=EU&location=AU":         "eu-app.example.org",
		"location=evil.example":         "app.example.org",
		"location=https://evil.example": "app.example.org",
		"location=":                     "app.example.org",
	} {
		c, hosts := sentTo()
		r, err := c.NewAuthRequest(nil)
		require.NoError(t, err)
		q, err := url.ParseQuery(callback)
		require.NoError(t, err)
		q.Set("state", r.State)
		q.Set("code", "c")
		_, err = c.Exchange(t.Context(), r, q)
		require.ErrorIs(t, err, errSent)
		require.Equal(t, []string{host}, *hosts, callback)
	}
}

func TestExchangeSendsNothingWhenItIsTooLate(t *testing.T) {
	c := testConfig() // its transport panics
	r, err := c.NewAuthRequest(nil)
	require.NoError(t, err)
	callback := url.Values{"state": {r.State}, "code": {"c"}}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = c.Exchange(ctx, r, callback)
	require.ErrorIs(t, err, context.Canceled)

	emptied := *r
	emptied.Verifier = ""
	_, err = c.Exchange(t.Context(), &emptied, callback)
	require.ErrorContains(t, err, "csoauth: exchange: the attempt's verifier: 0 characters, want 43 to 128")

	c, _ = sentTo()
	_, err = c.Exchange(t.Context(), r, callback)
	require.ErrorIs(t, err, errSent, "neither used the attempt up")
}

// Law: P4
func TestRawQueryIsBounded(t *testing.T) {
	const state = "state=s&x="
	fits := state + strings.Repeat("a", 8<<10-len(state))
	got, err := csoauth.ParseCallback(fits)
	require.NoError(t, err)
	require.Equal(t, "s", got.Get("state"))
	for _, filler := range []string{"a", "%25", "&", "=", "+", "\x00"} {
		query := state + strings.Repeat(filler, 8<<10/len(filler))
		_, err := csoauth.ParseCallback(query)
		require.ErrorIs(t, err, csoauth.ErrState)
		require.ErrorContains(t, err, "at most 8192 are read")
		require.Less(t, len(err.Error()), 200)
	}
}

// Law: P4
func TestQueryThatDoesNotParseIsNoCallback(t *testing.T) {
	for _, query := range []string{
		"error=a;b&state=s&code=c0de", "state=s;code=c0de", "code=c0de&state=s&x=%", "code=c0de&state=s&error=%zz", "code=c0de&state=s&%g=1",
		"code=%c0%&state=s", ";",
	} {
		_, err := csoauth.ParseCallback(query)
		require.ErrorIs(t, err, csoauth.ErrState, query)
		require.ErrorContains(t, err, "the callback's query does not parse")
		require.NotContains(t, err.Error(), "c0de")
		require.NotContains(t, err.Error(), "zz")
	}
	for query, code := range map[string]string{"": "", "code=a%3Bb&state=s": "a;b", "&&code=c&": "c", "code=a+b": "a b", "code": ""} {
		got, err := csoauth.ParseCallback(query)
		require.NoError(t, err)
		require.Equal(t, code, got.Get("code"), query)
	}
}

// TestCallbackIsBounded: anyone can begin a login, and then send whatever they like with its state.
//
// Law: P4
func TestCallbackIsBounded(t *testing.T) {
	for name, row := range map[string]struct {
		params url.Values
		want   string
	}{
		"a code of 4 KiB":             {url.Values{"code": {strings.Repeat("c", 4<<10)}}, errSent.Error()},
		"a code of a byte more":       {url.Values{"code": {strings.Repeat("c", 4<<10+1)}}, "the callback's code has 4097 bytes, at most 4096 are taken"},
		"8 KiB in all":                {url.Values{"code": {"c"}, "x": {strings.Repeat("x", 8<<10-54)}}, errSent.Error()},
		"a byte more in all":          {url.Values{"code": {"c"}, "x": {strings.Repeat("x", 8<<10-53)}}, "the callback has 8193 bytes, at most 8192 are read"},
		"many parameters":             {url.Values{"code": {"c"}, "x": slices.Repeat([]string{""}, 9<<10)}, "at most 8192 are read"},
		"a long name":                 {url.Values{"code": {"c"}, strings.Repeat("x", 9<<10): {""}}, "at most 8192 are read"},
		"a long description":          {url.Values{"error": {"e"}, "error_description": {strings.Repeat("d", 9<<10)}}, "at most 8192 are read"},
		"a description of all it may": {url.Values{"error": {"e"}, "error_description": {strings.Repeat("d ", 4040)}}, "csoauth: authorize: e: d d"},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := sentTo()
			r, err := c.NewAuthRequest(nil)
			require.NoError(t, err)
			row.params.Set("state", r.State)
			_, err = c.Exchange(t.Context(), r, row.params)
			require.ErrorContains(t, err, row.want)
			require.Less(t, len(err.Error()), 700)
		})
	}
	c, _ := sentTo()
	_, err := c.ExchangeCode(t.Context(), strings.Repeat("c", 4<<10), rfcVerifier, nil)
	require.ErrorIs(t, err, errSent)
	_, err = c.ExchangeCode(t.Context(), strings.Repeat("c", 4<<10+1), rfcVerifier, nil)
	require.ErrorContains(t, err, "csoauth: exchange: the code has 4097 bytes, at most 4096 are taken")
}

// Law: P5
func TestCallbackRegionCanBeIgnored(t *testing.T) {
	for _, callback := range []string{"location=EU", "region=EU", "location=EU&region=NA", "location=evil"} {
		c, hosts := sentTo()
		c.IgnoreCallbackRegion = true
		r, err := c.NewAuthRequest(nil)
		require.NoError(t, err)
		q, err := csoauth.ParseCallback(callback + "&code=c0de&state=" + r.State)
		require.NoError(t, err)
		_, err = c.Exchange(t.Context(), r, q)
		require.ErrorIs(t, err, errSent)
		require.Equal(t, []string{"app.example.org"}, *hosts, callback)
	}
	c, hosts := sentTo()
	c.IgnoreCallbackRegion = true
	_, err := c.ExchangeCode(t.Context(), "c0de", rfcVerifier, &csoauth.ExchangeOptions{Location: "EU"})
	require.ErrorIs(t, err, errSent)
	require.Equal(t, []string{"app.example.org"}, *hosts)
}

// Law: P4
func FuzzCallback(f *testing.F) {
	for _, q := range []string{
		"", "code=c", "code=c&state=S", "state=S&state=S", "error=access_denied&state=S", "code=c&state=S&location=EU&region=NA",
		"code=c&code=c&state=S", "state=S&error=%00%1b[31m&error_description=S", "state=S&code=c&location=evil.example",
	} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, query string) {
		c, hosts := sentTo()
		r, err := c.NewAuthRequest(nil)
		require.NoError(t, err)
		callback, err := csoauth.ParseCallback(strings.ReplaceAll(query, "S", r.State))
		if err != nil {
			require.ErrorIs(t, err, csoauth.ErrState)
			return
		}
		_, err = c.Exchange(t.Context(), r, callback)
		require.Error(t, err)
		require.NotContains(t, err.Error(), r.State)
		require.NotContains(t, err.Error(), string(r.Verifier))
		require.Equal(t, len(*hosts) == 1, errors.Is(err, errSent))
		for _, host := range *hosts {
			require.Contains(t, []string{"app.example.org", "eu-app.example.org"}, host)
			require.Equal(t, []string{r.State}, callback["state"])
			require.Len(t, callback["code"], 1)
			require.NotContains(t, callback, "error")
		}
		for _, char := range err.Error() {
			require.GreaterOrEqual(t, char, ' ')
		}
	})
}

// BenchmarkRefusedCallback is the callback of cases that took minutes once: code and description of
// backslashes, up to what is read at all. Compare the sizes: the cost grows as they do.
func BenchmarkRefusedCallback(b *testing.B) {
	c, _ := sentTo()
	r, err := c.NewAuthRequest(nil)
	require.NoError(b, err)
	for _, size := range []int{500, 1000, 2000, 4000} {
		slashes := strings.Repeat(`\`, size)
		query := "state=" + r.State + "&error=e&code=" + slashes + "X&error_description=" + slashes + "X"
		b.Run("impl=csoauth/bytes="+strconv.Itoa(size), func(b *testing.B) {
			for b.Loop() {
				callback, err := csoauth.ParseCallback(query)
				if err != nil {
					b.Fatal(err)
				}
				_, err = c.Exchange(context.Background(), r, callback)
				sink = err.Error()
			}
		})
	}
}
