// Package wrap shows how to use csoauth in a tool that already stores a state, such as a proxy with
// one login. csoauth refreshes the login in that state. The rest of the tool uses the types of
// golang.org/x/oauth2. TokenSource is all that the tool needs; state.go is the tool's own state.
//
// Only one process may use the state, with one Manager. A tool that runs several times at once, or
// a plugin that is configured twice, such as a Terraform provider with an alias, takes a
// [tokens.Dir] and one key instead.
package wrap

import (
	"context"

	"golang.org/x/oauth2"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

// TokenSource returns a source of valid tokens, which works until ctx ends. It saves each new token
// in the state before it returns it. Call closeSource at the end: it waits for a running refresh.
// The error says why the config cannot work.
//
// Use it as &http.Client{Transport: &oauth2.Transport{Source: source}}. Do not use
// oauth2.NewClient: it caches each token until its expiry, even if the token has been replaced
// before.
func TokenSource(ctx context.Context, config *csoauth.Config, state *State) (source oauth2.TokenSource, closeSource func() error, err error) {
	manager, err := tokens.New(config, tokens.Single(state.Login, state.SaveLogin), nil)
	if err != nil {
		return nil, nil, err
	}
	return manager.For("the login").TokenSource(ctx), manager.Close, nil
}
