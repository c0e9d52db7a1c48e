// Package clilogin logs in the user of a program, such as a command-line tool, and remembers the
// login. Later runs of the program use the login until it ends.
//
//	session, err := clilogin.Open(ctx, config, &clilogin.Options{Program: "mytool"})
//	if err != nil {
//		return err
//	}
//	defer session.Close()
//	user, err := session.API().User(ctx)
//
// The first run in a terminal opens the user's browser. Any number of runs may work at the same
// time. One of them logs in, and the others wait for it. Only one at a time refreshes the token.
//
// # Where the login is stored
//
// The token is in a directory of the user (Options.Dir), sealed with a key. The key is in the
// operating system's keyring. This protects the token in a backup and on a stolen disk, but not
// from the user's other programs.
//
// If no keyring is available, the key is in a file that only the user can read. The login says so
// once. Options.RequireKeyring refuses such a file.
//
// The directory records which of the two places has the key, and the package never looks in the
// other. If the key is in a keyring that this run cannot reach, such as from cron or over SSH, the
// login stays as it is. The error is then [ErrKeyUnreachable], which does not end the login. If the
// key is lost, the user must log in again.
//
// # When a browser opens
//
// [Session.Login] opens a browser. [Open] does so only if the program is in the foreground of a
// terminal. That terminal is standard error, or Options.Loopback.Out. In any other case Open
// succeeds, and the calls that need a token return [csoauth.ErrLoginRequired]. After a login that
// the user denied or did not complete, Open does not begin another one for ten minutes.
package clilogin
