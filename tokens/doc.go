// Package tokens stores the Contentstack tokens of many users and returns access tokens that work.
//
// An access token lives for an hour. A refresh token buys the next one. It may work only once, and
// a second use may end the login. So only one process at a time may refresh a login, the new pair
// must be stored before anyone uses it, and a refresh token whose response was lost must not be
// sent again blindly. A [Manager] does this, for all goroutines and processes that share a [Store]:
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
// A key stands for one login: of one user, for one organization. If your users work in several
// organizations, make keys of both, such as "user/organization". A Store does not list its keys:
// keep them in your table of users.
//
// [Manager.For] returns the [Login] of a key. Its Client and Transport send the token with each
// request to Contentstack, or to one of Options.Hosts. If an API responds with 401, they get
// another token and send the request again. Its Token, like [Manager.Token], returns the token: the
// OrganizationUID goes into headers, and [csoauth.Config.EndpointsFor] returns the hosts of the
// user's region. Its TokenSource is for code that takes golang.org/x/oauth2's types. All of them
// are cheap, and safe for concurrent use.
//
// # What to do with an error
//
// [csoauth.ErrLoginRequired]: only a new login by the user helps. Either there is no login for the
// key (the error is [ErrNotFound] as well), or Contentstack refused the refresh token and the
// access token has expired. Tell the user. Do not try again before you Put the new token under the
// same key. You need not delete anything first.
//
// No other error is a logout. Try again later: the store may be down, or Contentstack busy. An
// error that does not pass by itself says so: a wrong key of [Sealed], or a client that
// Contentstack does not know ([csoauth.ErrConfig]). You may ask as often as you like. The Manager
// waits longer after each failure, and callers without a valid token get the last error at once
// meanwhile.
//
// Client returns a 401 as it is if no other token helps. But if the API calls the access token
// invalid and Contentstack refuses the refresh token, the login is over, and the request ends in
// ErrLoginRequired.
//
// [ErrUnreadable]: the store has a value for the key that this program cannot read, most often
// because the key of Sealed was replaced. Put and Delete replace it, so a new login helps here too.
//
// # Where tokens are stored
//
//   - [Dir] has one file for each key, for the processes of one machine.
//   - [Sealed] encrypts what another Store stores: tokens.Sealed(tokens.Dir(path), key). Keep the
//     key somewhere else.
//   - [Memory] ends with the process. It is for tests, and for programs whose users log in again.
//   - For a tool with one login, take a Dir and one key. The runs of the tool may share it.
//   - [Single] is for a tool that has to store its one token itself, and has one Manager: it calls
//     the tool's function.
//   - Packages redisstore and pgstore are for several machines.
//   - Your own Store has two methods, Load and CompareAndSwap. The tests in package storetest check
//     that it keeps the promises of a Store. A Manager cannot make up for one that does not. The
//     folder examples/natsstore has one, and docs/guides/many-users.md explains it.
//
// Unless it is sealed, what a Store stores is as secret as a password.
//
// # Several processes
//
// Any number of Managers may share a store. Before a refresh a Manager puts a lease on the key's
// record. The others see it and return the old token while that is valid; a caller without a valid
// token waits. If the process with the lease dies, another takes over: at once if the store is
// a [Locker], such as Dir, and otherwise after Options.Lease, 30 seconds, and an eighth of it.
//
// If another process replaced or deleted a login, a Manager notices when the key is used and its
// cached copy is older than Options.Recheck, a minute. A record that is gone is a logout, for a
// Manager cannot tell a Delete from a store that was emptied: FLUSHALL in Redis logs all users out,
// those whose tokens are still in memory as well.
//
// # When a token is refreshed
//
// A token is refreshed when someone asks for it: a Manager at rest has no goroutine. In the last
// ten minutes of a token the refresh runs in the background, and callers get the old token.
// Options.SoftWindow sets this time. In the last half minute they wait for the new one. Both times
// are shorter for tokens with a short life. A caller whose context ends leaves, and the refresh
// goes on for those who come later.
//
// # Events and logs
//
// Options.OnEvent and Options.Logger report each refresh and failure, without secrets. An [Event]
// has the key, for your table of users; logs and errors name it by its [KeyHash] alone. Raise an
// alarm at [EventSaveFailed]: the store did not take a new pair, and only this process has it.
// [EventLoginRequired] names a user whose login has ended.
//
// # What is not promised
//
// If a process dies before it has stored a response, that response is lost. A user may have to log
// in again
//
//   - if the process is killed, closed or stopped after Contentstack has sent its response to a
//     refresh and before that is stored, or if the store takes the writes of others all the time
//     and not this process's;
//   - if the system stops the process for that long just before it sends the refresh token;
//   - if the store forgets a change that it has confirmed, and another process asks next;
//   - if the network loses Contentstack's response. The Manager then asks once more after a second
//     or two, and at last when the access token has expired, in case Contentstack accepts the
//     refresh token again.
//
// # At the end
//
// [Manager.Close] waits for refreshes under way, and tries once more to save what the store did not
// take. Call it before the program ends, and log its error: it names the keys whose new tokens are
// lost.
//
// The folder examples has complete programs: worker, for many users; web, for users in a browser;
// and wrap, for a tool that stores its own token. In tests, use a Memory and the Config of package
// csoauthtest.
package tokens
