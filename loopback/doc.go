// Package loopback logs the user of a program in to Contentstack, where program and browser are on one machine: a terminal
// program, a desktop application (RFC 8252).
//
//	config := &csoauth.Config{AppUID: "…", ClientID: "…", RedirectURI: "http://localhost:8184/callback"}
//	token, err := loopback.Login(ctx, config, nil)
//
// Login listens at the redirect URI, opens the browser, and waits for the user to come back with a code. Only the callback with this
// attempt's state ends it: a request of anybody else's gets a plain answer, and the login goes on. The address is printed as well, for
// a browser that does not open, and with [Options.Manual] it is all there is: the user opens it on another machine and pastes the
// address that the browser ends up at.
//
// The redirect URI is registered for the app with its port, and goes to Contentstack to the byte. A program that has several registered can
// offer them all, for a machine where one port is taken.
//
// The address is in the process list for a moment. On a machine that others use, too, one of them may open it and bring a code of their own
// first: then the program is logged in as them. The Token names its user; [csoauth.AuthOptions] can require an organization.
//
// The token is the program's from there on. Package tokens keeps it and refreshes it.
package loopback
