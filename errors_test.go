package csoauth_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/contentstack/csoauth"
)

func TestErrorIsFoundAsWhatItIsAndNothingElse(t *testing.T) {
	c := testConfig()
	c.HTTPClient = &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
		return answered(400, "7", `{"error":"invalid_grant"}`), nil
	})}
	_, err := c.Refresh(t.Context(), old())
	var retrieve, again *oauth2.RetrieveError
	require.ErrorAs(t, err, &retrieve)
	require.Equal(t, "400 Bad Request", retrieve.Response.Status)
	require.Equal(t, "7", retrieve.Response.Header.Get("Retry-After"))
	retrieve.Response.Header.Set("Retry-After", "changed")
	require.ErrorAs(t, err, &again)
	require.Equal(t, "7", again.Response.Header.Get("Retry-After"), "each has a header of its own")

	var other *json.SyntaxError
	require.False(t, errors.As(err, &other))
	require.Nil(t, other)

	r, err := c.NewAuthRequest(nil)
	require.NoError(t, err)
	_, err = c.Exchange(t.Context(), r, url.Values{"state": {r.State}, "error": {"access_denied"}})
	var said *csoauth.Error
	require.ErrorAs(t, err, &said)
	require.False(t, errors.As(err, &retrieve), "a callback is no response of the token endpoint")

	c.HTTPClient.Transport = roundTrip(func(*http.Request) (*http.Response, error) { return nil, refused() })
	_, err = c.Refresh(t.Context(), old())
	require.False(t, errors.As(err, &other))
	require.False(t, errors.As(err, &said), "Contentstack said nothing")
}
