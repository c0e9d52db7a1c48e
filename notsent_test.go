package csoauth_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
)

func TestRefreshSaysWhenNothingWasSent(t *testing.T) {
	ended, end := context.WithCancel(t.Context())
	end()
	fails := func(err error) *csoauth.Config {
		transport := httpmock.NewMockTransport()
		transport.RegisterNoResponder(func(*http.Request) (*http.Response, error) { return nil, err })
		return &csoauth.Config{AppUID: "app", ClientID: "client", RedirectURI: "http://localhost/cb", HTTPClient: &http.Client{Transport: transport}}
	}
	plain := fails(nil)
	plain.Endpoints = map[csoauth.Region]csoauth.Endpoints{csoauth.NA: {App: "http://example.com"}}
	token := &csoauth.Token{AccessToken: "access", RefreshToken: "refresh"}
	tests := []struct {
		name    string
		ctx     context.Context
		config  *csoauth.Config
		token   *csoauth.Token
		notSent bool
	}{
		{"context that has ended", ended, fails(nil), token, true},
		{"token of another client", t.Context(), fails(nil), &csoauth.Token{RefreshToken: "refresh", ClientID: "other"}, true},
		{"endpoint that is not safe", t.Context(), plain, token, true},
		{"proxy that cannot be reached", t.Context(), fails(&net.OpError{Op: "proxyconnect", Err: context.DeadlineExceeded}), token, true},
		{"dial that takes too long", t.Context(), fails(&net.OpError{Op: "dial", Err: context.DeadlineExceeded}), token, true},
		{"connection that broke", t.Context(), fails(&net.OpError{Op: "read", Err: errors.New("reset by peer")}), token, false},
		{"anything else", t.Context(), fails(errors.New("no idea")), token, false},
		{"no refresh token", t.Context(), fails(nil), &csoauth.Token{AccessToken: "access"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tt.config.Refresh(tt.ctx, tt.token)
			require.Error(t, err)
			assert.Equal(t, tt.notSent, errors.Is(err, csoauth.ErrNotSent), "%v", err)
		})
	}
}
