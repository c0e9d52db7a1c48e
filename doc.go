// Package csoauth logs users in to Contentstack with OAuth 2.0 and PKCE (RFC 7636), and renews
// their tokens.
//
// A login has three steps. The app makes an [AuthRequest], which has a fresh state and code
// verifier, and sends the user's browser to its authorize URL. The user consents, and Contentstack
// sends the browser back to the app's redirect URI with a code. The app trades the code for a
// [Token]; the verifier proves that it is the app that asked:
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
// [Config.Exchange] checks the callback before it sends anything, so that no step can be left out.
// [Config.Refresh] trades the refresh token for the next Token. [Config.EndpointsFor] returns the
// hosts that accept a Token.
//
// This package is the protocol and keeps nothing. It sends client_secret if the Config has one, and
// repeats it at the refresh if it was sent for the token. Errors that say what to do next are
// [ErrState], [ErrAttemptExpired], [ErrDenied], [ErrLoginRequired] and [ErrConfig]; what
// Contentstack said is in an [*Error]. No secret appears in an error, nor in what fmt and log/slog
// print of a Config, an AuthRequest, a Verifier or a Token.
//
// Contentstack documents the flow in
// https://www.contentstack.com/docs/developer-hub/pkce-for-contentstack-oauth. Package tokens keeps
// users' tokens on top of this one, and refreshes them. Package csoauthtest is a Contentstack to
// test against.
package csoauth
