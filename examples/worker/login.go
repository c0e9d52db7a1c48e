package main

import (
	"context"
	"log/slog"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/loopback"
	"github.com/contentstack/csoauth/tokens"
)

// login logs in the user at this terminal, and stores the token. In a web application, call keep in
// httplogin's OnToken.
func (w *worker) login(ctx context.Context, o *loopback.Options) (key string, err error) {
	token, err := loopback.Login(ctx, w.config, o)
	if err != nil {
		return "", err
	}
	return w.keep(ctx, token)
}

// keep stores a token under the user's key.
func (w *worker) keep(ctx context.Context, token *csoauth.Token) (key string, err error) {
	key = token.UserUID + "/" + token.OrganizationUID // each login is for one user in one organization
	if err := w.tokens.Put(ctx, key, token); err != nil {
		return "", err
	}
	slog.Info("logged in", "user", key, "key", tokens.KeyHash(key)) // the Manager logs this hash instead of the key
	return key, nil
}
