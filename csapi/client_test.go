package csapi_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csapi"
)

// TestClientsOfManyLogins share the pauses of an organization, and nothing else.
func TestClientsOfManyLogins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{answer: func(n int, _ *http.Request) *http.Response {
			if n > 1 {
				return response(200, inJSON, "{}")
			}
			return with(response(429, inJSON, "{}"), "Retry-After", "10")
		}}
		apis := csapi.New(aConfig(), nil, &csapi.Options{Base: s})
		get := func(s csapi.Source) error { return apis.For(s).Get(t.Context(), csapi.ContentManagement, "/x", nil) }
		began := time.Now()
		go func() { _ = get(csapi.Static(numbered(1))) }()
		synctest.Wait()
		elsewhere := numbered(3)
		elsewhere.OrganizationUID = shop
		require.NoError(t, get(csapi.Static(elsewhere)))
		require.Zero(t, time.Since(began), "another organization")
		require.NoError(t, get(csapi.Static(numbered(2))))
		require.GreaterOrEqual(t, time.Since(began), 10*time.Second)
		time.Sleep(time.Second)
		sent := map[string]int{}
		for _, r := range s.requests {
			sent[r.Header.Get("Authorization")]++
		}
		require.Equal(t, map[string]int{"Bearer the-access-token-1": 2, "Bearer the-access-token-2": 1, "Bearer the-access-token-3": 1}, sent)

		err := apis.Get(t.Context(), csapi.ContentManagement, "/x", nil)
		require.ErrorIs(t, err, csoauth.ErrLoginRequired, "it has no login of its own")
	})
}
