package httplogin_test

import (
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/httplogin"
)

// Nobody has to be logged in to send these requests, so whatever one of them left behind, a flood
// would use up the memory.
func TestFloodLeavesNothingBehind(t *testing.T) {
	const requests = 20_000
	h := httpsHandlers()
	require.NoError(t, h.Validate())
	flood(t, h, 100) // whatever is made once
	before := heap()
	flood(t, h, requests)
	after := heap()
	runtime.KeepAlive(h)
	const bound = 512 << 10 // 26 bytes a request
	assert.Less(t, int64(after)-int64(before), int64(bound), "bytes more after %d requests", requests)
}

// flood sends that many requests, from as many browsers: one begins an attempt, one brings a
// callback to a browser that has begun none, and one brings the attempt's callback and a cookie
// that was changed.
func flood(t *testing.T, h *httplogin.Handlers, requests int) {
	t.Helper()
	for n := range requests / 3 {
		started := httptest.NewRecorder()
		h.Start(started, httptest.NewRequest(http.MethodGet, "/login?return_to=/"+strconv.Itoa(n), nil))
		require.Equal(t, http.StatusSeeOther, started.Code)

		callback(t, h, "forged"+strconv.Itoa(n), nil)

		cookie := started.Result().Cookies()[0]
		at := len(cookie.Value) - 8 // in the tag
		changed := map[bool]string{true: "B", false: "A"}[cookie.Value[at] == 'A']
		cookie.Value = cookie.Value[:at] + changed + cookie.Value[at+1:]
		callback(t, h, stateOf(t, started.Header().Get("Location")), cookie)
	}
}

// callback sends a forged one.
func callback(t *testing.T, h *httplogin.Handlers, state string, cookie *http.Cookie) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/callback?code=stolen&state="+state, nil)
	if cookie != nil {
		r.AddCookie(&http.Cookie{Name: cookie.Name, Value: cookie.Value})
	}
	w := httptest.NewRecorder()
	h.Callback(w, r)
	require.Equal(t, http.StatusBadRequest, w.Code)
}

// heap returns how many bytes are in use. The second collection empties what the first left in
// pools.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
