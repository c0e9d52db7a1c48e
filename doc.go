// Package csoauth logs users in to Contentstack with OAuth 2.0 and PKCE (RFC 7636), and renews
// their tokens.
//
// A login has three steps. First, the app makes an [AuthRequest] with a fresh state and code
// verifier, and sends the user's browser to its authorize URL. Then the user consents, and
// Contentstack sends the browser back to the app's redirect URI with a code. Finally, the app
// trades the code for a [Token]. The verifier proves that the same app began the login:
//
//	config := &csoauth.Config{
//		AppUID:      "your app's uid",
//		ClientID:    "your app's client id",
//		RedirectURI: "https://app.example.com/callback",
//
//		AuthorizeRoute: csoauth.RoutePath, // works for users who are not logged in yet
//	}
//	request, err := config.NewAuthRequest(nil)
//	session[request.State] = request // the user's own
//	http.Redirect(w, r, config.AuthorizeURL(request), http.StatusFound)
//	// … and when the browser is back at the redirect URI:
//	callback, err := csoauth.ParseCallback(r.URL.RawQuery)
//	request := session[callback.Get("state")]
//	delete(session, callback.Get("state"))
//	token, err := config.Exchange(ctx, request, callback)
//
// [Config.Exchange] checks the callback before it sends anything, so you cannot forget a check.
// [Config.Refresh] trades the refresh token for the next Token. [Config.EndpointsFor] returns the
// hosts that accept a Token.
//
// This package implements the protocol and stores nothing. It sends client_secret if the Config has
// one, and sends it again at the refresh if it was sent for the token.
//
// [ErrState], [ErrAttemptExpired], [ErrDenied], [ErrLoginRequired] and [ErrConfig] say what to do
// next. An [*Error] holds what Contentstack said. Errors contain no secrets. fmt and log/slog print
// no secret of a Config, an AuthRequest, a Verifier or a Token.
//
// Contentstack documents the flow in
// https://www.contentstack.com/docs/developer-hub/pkce-for-contentstack-oauth. Package tokens
// builds on this package: it stores users' tokens and refreshes them. Package csoauthtest runs an
// emulated Contentstack for your tests.
package csoauth
