// Package loopback logs in the user of a program that runs on the same machine as the user's
// browser: a terminal program or a desktop application (RFC 8252).
//
//	config := &csoauth.Config{
//		AppUID: "…", ClientID: "…", RedirectURI: "http://localhost:8184/callback",
//		AuthorizeRoute: csoauth.RoutePath,
//	}
//	token, err := loopback.Login(ctx, config, nil)
//
// Login listens at the redirect URI, opens the browser, and waits for the browser to return with a
// code. Only the callback with this login's state ends it. Other requests get a page that says so,
// and the login goes on. Login also prints the address, for browsers that do not open. With
// [Options.Manual] the user opens it on any machine, and pastes the address at which the browser
// ends. At a terminal the user may do that without Manual, too: over SSH, or outside of a
// container, a browser cannot reach the listener. Then the text also names the command that makes a
// tunnel. On macOS and Windows a Read of the terminal cannot be interrupted, so there only Manual
// reads: the line that the user types next is the program's. (None of this was run on macOS.)
//
// The redirect URI is registered for the app with its port, and is sent to Contentstack exactly as
// written. A program that has registered several can offer them all, in case a port is taken.
//
// For a moment the address is in the list of processes. On a machine with other users, one of them
// could open it and return with a code of their own. The program would then be logged in as that
// user. The Token names its user; [csoauth.AuthOptions] can require an organization.
//
// After Login the token belongs to the program. Package tokens stores it and refreshes it.
package loopback
