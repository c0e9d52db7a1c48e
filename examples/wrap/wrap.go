// Package wrap shows how a tool that has a state of its own, such as a Terraform provider, an SDK or a proxy, lets csoauth
// keep the login in that state alive. The tool goes on with the types of golang.org/x/oauth2. All there is to it is
// TokenSource; state.go is a tool as it may have been before.
package wrap

import (
	"context"

	"golang.org/x/oauth2"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

// TokenSource returns tokens that work, for as long as ctx lasts. Each new one is in the state before anybody gets it.
//
// Use it as &http.Client{Transport: &oauth2.Transport{Source: source}}. oauth2.NewClient would keep a token of its own
// until its expiry, and not notice that it was replaced before. Close waits for a refresh that is under way.
func TokenSource(ctx context.Context, config *csoauth.Config, state *State) (source oauth2.TokenSource, closeSource func() error) {
	manager := tokens.New(config, tokens.Single(state.Login, state.SaveLogin), nil)
	return manager.TokenSource(ctx, "the login"), manager.Close
}
