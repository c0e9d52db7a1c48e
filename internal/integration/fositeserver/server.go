// Package fositeserver is an OAuth server made of github.com/ory/fosite. It serves Contentstack's
// paths, treats tokens as Contentstack does, and has no pages: the user is always logged in and
// says yes.
package fositeserver

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/ory/fosite"
	"github.com/ory/fosite/compose"
	"github.com/ory/fosite/storage"
	"golang.org/x/crypto/bcrypt"
)

// A Client is one app that is registered at the server.
type Client struct {
	ID          string
	Secret      string // empty: a public client, which must use PKCE
	RedirectURI string
	Scopes      []string // it may ask for these alone
}

// Options vary the server. Nil is fine.
type Options struct {
	AccessTokenLifetime time.Duration // zero: 1 hour
}

// New returns a server that keeps everything in memory. It serves:
//
//	GET  /apps/authorize              sends a code back, or access_denied for login_hint=deny
//	POST /apps-api/apps/token         authorization_code and refresh_token; refresh tokens rotate
//	POST /apps-api/apps/token/revoke  RFC 7009
//
// An error is about a client: its secret is too long.
func New(clients []Client, o *Options) (http.Handler, error) {
	store := storage.NewMemoryStore()
	for _, c := range clients {
		registered, err := c.register()
		if err != nil {
			return nil, fmt.Errorf("fositeserver: client %s: %w", c.ID, err)
		}
		store.Clients[c.ID] = registered
	}
	config := o.config()
	s := &server{provider: compose.Compose(config, store,
		&compose.CommonStrategy{CoreStrategy: compose.NewOAuth2HMACStrategy(config)},
		compose.OAuth2AuthorizeExplicitFactory,
		compose.OAuth2RefreshTokenGrantFactory,
		compose.OAuth2PKCEFactory,
		compose.OAuth2TokenRevocationFactory,
	)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /apps/authorize", s.authorize)
	mux.HandleFunc("POST /apps-api/apps/token", s.token)
	mux.HandleFunc("POST /apps-api/apps/token/revoke", s.revoke)
	return mux, nil
}

func (c Client) register() (*fosite.DefaultClient, error) {
	var hash []byte
	if c.Secret != "" {
		var err error
		if hash, err = bcrypt.GenerateFromPassword([]byte(c.Secret), bcrypt.MinCost); err != nil {
			return nil, err
		}
	}
	return &fosite.DefaultClient{
		ID:            c.ID,
		Public:        c.Secret == "",
		Secret:        hash,
		RedirectURIs:  []string{c.RedirectURI},
		ResponseTypes: fosite.Arguments{"code"},
		GrantTypes:    fosite.Arguments{"authorization_code", "refresh_token"},
		Scopes:        c.Scopes,
	}, nil
}

func (o *Options) config() *fosite.Config {
	secret := make([]byte, 32)
	rand.Read(secret) // never fails: crypto/rand ends the program instead
	config := &fosite.Config{
		GlobalSecret:                   secret,
		AuthorizeCodeLifespan:          time.Minute,
		AccessTokenLifespan:            time.Hour,
		RefreshTokenLifespan:           24 * time.Hour,
		RefreshTokenScopes:             []string{}, // empty but not nil: no offline scope is needed for one
		EnforcePKCEForPublicClients:    true,
		EnablePKCEPlainChallengeMethod: true, // an absent method is plain, then
		SendDebugMessagesToClients:     true, // the more it says, the more there is to keep secrets out of
	}
	if o != nil && o.AccessTokenLifetime != 0 {
		config.AccessTokenLifespan = o.AccessTokenLifetime
	}
	return config
}

type server struct {
	provider fosite.OAuth2Provider
	mu       sync.Mutex // one token request at a time: the MemoryStore reads refresh tokens while it writes them
}

func (s *server) authorize(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	request, err := s.provider.NewAuthorizeRequest(ctx, r)
	if err == nil && r.Form.Get("login_hint") == "deny" {
		err = fosite.ErrAccessDenied.WithHint("The user said no.")
	}
	if err != nil {
		s.provider.WriteAuthorizeError(ctx, w, request, err)
		return
	}
	if len(request.GetRequestedScopes()) == 0 {
		request.SetRequestedScopes(request.GetClient().GetScopes()) // all that the app may have, as at Contentstack
	}
	for _, scope := range request.GetRequestedScopes() {
		request.GrantScope(scope)
	}
	response, err := s.provider.NewAuthorizeResponse(ctx, request, &fosite.DefaultSession{Subject: "user-1"})
	if err != nil {
		s.provider.WriteAuthorizeError(ctx, w, request, err)
		return
	}
	s.provider.WriteAuthorizeResponse(ctx, w, request, response)
}

func (s *server) token(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx := r.Context()
	request, err := s.provider.NewAccessRequest(ctx, r, new(fosite.DefaultSession))
	if err != nil {
		s.provider.WriteAccessError(ctx, w, request, err)
		return
	}
	response, err := s.provider.NewAccessResponse(ctx, request)
	if err != nil {
		s.provider.WriteAccessError(ctx, w, request, err)
		return
	}
	s.provider.WriteAccessResponse(ctx, w, request, response)
}

func (s *server) revoke(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx := r.Context()
	s.provider.WriteRevocationResponse(ctx, w, s.provider.NewRevocationRequest(ctx, r))
}
