// Package clilogin logs in the one user of a program, such as a command-line tool, and remembers
// the login: later runs go on with it until it ends.
//
//	session, err := clilogin.Open(ctx, config, &clilogin.Options{Program: "mytool"})
//	if err != nil {
//		return err
//	}
//	defer session.Close()
//	user, err := session.API().User(ctx)
//
// The first run in a terminal opens the user's browser. Any number of runs may go on at once: one
// of them logs in, the others wait for it, and only one at a time refreshes the token.
//
// # Where the login is
//
// The token is in a directory of the user's, sealed with a key that is in the operating system's
// keyring. That protects it in a backup or on a stolen disk, and not from the user's other
// programs. On a machine whose keyring is not available the key is in a file that only the user can
// read, which the login says once; [Options.RequireKeyring] refuses that.
//
// Which of the two it is stands in the directory, and the other is never asked: a login whose key
// is in a keyring that cannot be reached, as from cron or over SSH, is left alone. That is
// [ErrKeyUnreachable], and no end of the login. If the key is lost, the user has to log in again.
//
// # When a browser opens
//
// For [Session.Login], and for [Open] if the program is in the foreground of a terminal: of the one
// that standard error is, or Options.Loopback.Out. Otherwise Open succeeds, and what needs a token
// returns [csoauth.ErrLoginRequired]. After a login that the user did not complete, or denied, Open
// does not begin another one for ten minutes.
package clilogin
