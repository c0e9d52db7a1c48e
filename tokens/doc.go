// Package tokens stores the Contentstack tokens of many users and returns access tokens that work.
//
// An access token lives for an hour. A refresh token buys the next one. It may work only once, and
// a second use may end the login. So there are three rules. Only one process at a time may refresh
// a login. The new pair must be stored before anyone uses it. A refresh token whose response was
// lost must not be sent again blindly. A [Manager] follows these rules, for all goroutines and
// processes that share a [Store]:
//
//	config := &csoauth.Config{…}                                 // your app
//	users, err := tokens.New(config, tokens.Dir("tokens"), nil)  // one for the whole program
//	defer users.Close()                                          // check its error
//
//	// Once for each user, in the callback handler of the login:
//	token, err := config.Exchange(ctx, request, callback)
//	err = users.Put(ctx, "ada", token)
//
//	// From then on, anywhere and as often as you like:
//	resp, err := users.For("ada").Client().Do(req) // refreshes Ada's token first if it is due
//
// # Many users
//
// A key names one login of one user, for one organization. If your users work in several
// organizations, make the key from both, such as "user/organization". A Store cannot list its keys,
// so keep them in your table of users.
//
// [Manager.For] returns the [Login] of a key. Its Client and Transport send the token with each
// request to Contentstack, or to one of Options.Hosts. If an API responds with 401, they get
// another token and send the request again. Its Token, like [Manager.Token], returns the token. Use
// its OrganizationUID in headers, and [csoauth.Config.EndpointsFor] for the hosts of the user's
// region. Its TokenSource is for code that takes the types of golang.org/x/oauth2. All of these are
// cheap, and safe for concurrent use.
//
// # What to do with an error
//
// [csoauth.ErrLoginRequired]: only a new login by the user helps. Either there is no login for the
// key, and the error is ErrNotFound as well. Or Contentstack refused the refresh token, and the
// access token has expired. Tell the user. After the new login, Put the new token under the same
// key. Do not try again before that. You need not delete anything first.
//
// No other error is a logout. Try again later: the store may be down, or Contentstack may be busy.
// Some errors need an operator, and their texts say so: a wrong key of [Sealed], or a client that
// Contentstack does not know ([csoauth.ErrConfig]).
//
// You may call as often as you like. The Manager waits longer after each failure. Until its next
// try, callers without a valid token get the last error at once.
//
// Client returns a 401 unchanged if no other token helps. But if the API calls the access token
// invalid and Contentstack refuses the refresh token, the login is over. Then the request fails
// with ErrLoginRequired.
//
// [ErrUnreadable]: the store has a value for the key that this program cannot read, most often
// because the key of Sealed was replaced. Put and Delete replace it, so a new login helps here too.
//
// # Where tokens are stored
//
//   - [Dir] has one file for each key, for the processes of one machine.
//   - [Sealed] encrypts what another Store stores: tokens.Sealed(tokens.Dir(path), key). Keep the
//     key somewhere else.
//   - [Memory] loses its tokens when the process ends. It is for tests, and for programs whose
//     users log in again.
//   - For a tool with one login, use a Dir and one key. All runs of the tool may share it.
//   - [Single] is for a tool that must store its only token itself, and has only one Manager. It
//     calls a function of the tool to save the token.
//   - Packages redisstore and pgstore are for several machines.
//   - Your own Store has two methods, Load and CompareAndSwap. The tests in package storetest check
//     that it keeps the promises of a Store. A Manager cannot make up for one that does not. The
//     folder examples/natsstore has one, and docs/guides/many-users.md explains it.
//
// Unless it is sealed, the content of a Store is as secret as a password.
//
// # Several processes
//
// Any number of Managers may share a store. Before a refresh a Manager puts a lease on the key's
// record. The others see it and return the old token while that is valid; a caller without a valid
// token waits. If the process with the lease dies, another process takes over. With a [Locker],
// such as Dir, it does so at once. Otherwise it waits for Options.Lease, by default 30 seconds, and
// an eighth of that.
//
// Another process may replace or delete a login. A Manager notices this at the next use of the key
// after its cached copy is older than Options.Recheck, by default a minute. A missing record is a
// logout, because a Manager cannot tell a Delete from an emptied store. So FLUSHALL in Redis logs
// out all users, including those whose tokens are still in memory.
//
// # When a token is refreshed
//
// A Manager refreshes a token only when someone asks for it. An idle Manager has no goroutine. In
// the last ten minutes of a token's life, the refresh runs in the background, and callers get the
// old token. Options.SoftWindow sets this time. In the last half minute, callers wait for the new
// token. Both times are shorter for tokens with a short life. If a caller's context ends, the call
// returns, and the refresh continues for later callers.
//
// # Events and logs
//
// Options.OnEvent and Options.Logger report each refresh and failure, without secrets. An [Event]
// has the key, for your table of users. Logs and errors name it only by its [KeyHash]. Raise an
// alarm for EventSaveFailed: the store did not save a new pair, and only this process has it.
// EventLoginRequired names a user whose login has ended.
//
// # What is not promised
//
// If a process dies before it has stored a response, that response is lost. A user may have to log
// in again
//
//   - if the process is killed, closed or stopped after Contentstack sends its response to a
//     refresh and before that response is stored;
//   - if other processes' writes to the store always win over this process's writes;
//   - if the system stops the process for longer than the lease, just before it sends the refresh
//     token;
//   - if the store loses a change that it has confirmed, and another process asks next;
//   - if the network loses Contentstack's response. The Manager then asks once more after a second
//     or two, and a last time when the access token has expired, in case Contentstack accepts the
//     refresh token again.
//
// # At the end
//
// [Manager.Close] waits for running refreshes, and tries once more to save the tokens that the
// store did not save. Call it before the program ends, and log its error: it names the keys whose
// new tokens are lost.
//
// The folder examples has complete programs: worker, for many users; web, for users in a browser;
// and wrap, for a tool that stores its own token. In tests, use a Memory and the Config from
// package csoauthtest.
package tokens
