// Package loopback logs in the user of a terminal program or a desktop application (RFC 8252). The
// program runs on the same machine as the user's browser.
//
//	config := &csoauth.Config{
//		AppUID: "…", ClientID: "…", RedirectURI: "http://localhost:8184/callback",
//		AuthorizeRoute: csoauth.RoutePath,
//	}
//	token, err := loopback.Login(ctx, config, nil)
//
// Login listens at the redirect URI, opens the browser, and waits for the browser to return with a
// code. Only a callback with this login's state ends the login. Other requests get a page that says
// so, and the login continues.
//
// Login also prints the address, in case no browser opens. With Options.Manual the user opens the
// address on any machine, and pastes the address at which the browser ends. In a terminal, the user
// may paste it without Manual, too. This helps over SSH and in a container, where the browser
// cannot reach the listener. In that case Login also prints the command that makes a tunnel.
//
// On macOS and Windows, a Read of the terminal cannot be interrupted. So on these systems only
// Manual reads from the terminal. Otherwise Login would take the next line that the user types for
// the program. This package was never run on macOS.
//
// The redirect URI is registered for the app with its port, and is sent to Contentstack exactly as
// written. An app may have several redirect URIs. Then the program can offer all of them, in case a
// port is in use.
//
// For a moment the address is in the list of processes. On a machine with other users, one of them
// could open it and return with a code of their own. The program would then be logged in as that
// user. To notice this, check the Token's UserUID. [csoauth.AuthOptions] can also require an
// organization.
//
// After Login the token belongs to the program. Package tokens stores it and refreshes it.
package loopback
