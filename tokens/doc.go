// Package tokens keeps the Contentstack tokens of many users, and hands out access tokens that work.
//
// An access token lives an hour. The refresh token that buys the next one may work only once, and a second use may end the
// login. So a refresh must happen in one place at a time, the new pair must be stored before anybody uses it, and after a
// lost answer nobody may blindly ask again. A [Manager] sees to that, for all goroutines and processes that share a [Store]:
//
//	config := &csoauth.Config{…}                            // your app
//	users := tokens.New(config, tokens.Dir("tokens"), nil)  // one for the whole program
//	defer users.Close()                                     // look at its error
//
//	// Once for each user, in the callback handler of the log-in:
//	token, err := config.Exchange(ctx, request, callback)
//	err = users.Put(ctx, "ada", token)
//
//	// From then on, anywhere and as often as you like:
//	resp, err := users.Client("ada").Do(req) // sends Ada's access token, a new one when that is due
//
// # Many users
//
// A key stands for one login, and a login is of one user for one organization. Where users work in several organizations,
// make the key of both, such as "user/organization". A Store does not list its keys: keep them in your table of users.
//
// [Manager.Client] and [Manager.Transport] send the token with each request, and if an API answers 401 they get another and
// send the request again. [Manager.Token] is for a look at it: its OrganizationUID goes into headers, and
// [csoauth.Config.EndpointsFor] tells the hosts of the user's region. [Manager.TokenSource] is for what knows
// golang.org/x/oauth2. Make any of them whenever you need one, or keep it: they are cheap, and safe for concurrent use.
//
// # What to do with an error
//
// If errors.Is finds [csoauth.ErrLoginRequired], only a new log-in by the user helps: there is no login for the key (then it
// is [ErrNotFound] as well), or Contentstack refused the refresh token, and the access token has ended. Tell the user, and
// do not try again before you Put the new token under the same key. Nothing needs to be deleted first.
//
// No other error is a logout. Try again later: the store may be down, or Contentstack busy. What does not pass by itself, such
// as a wrong key of [Sealed], or a client that Contentstack does not know, says so. You may ask as often as you like: the
// Manager waits longer after each failure, and whoever has no valid token gets the last error at once meanwhile.
//
// A 401 that no other token mends is returned by Client as it is. If it means that the login is over, the next request ends
// in ErrLoginRequired.
//
// # Where tokens are kept
//
//   - [Dir] keeps one file per key, for the processes of one machine.
//   - [Sealed] encrypts what another Store keeps: tokens.Sealed(tokens.Dir(path), key). Keep the key elsewhere.
//   - [Memory] ends with the process. It is for tests, and for programs whose users then log in again.
//   - [Single] is for a tool with one login in a state of its own: it calls the tool's function to save that.
//   - A Store of your own, over a database, has two methods, Load and CompareAndSwap. The tests in package storetest tell
//     whether it keeps what a Store promises. A Manager cannot make up for one that does not.
//
// Unless it is sealed, what a Store keeps is as secret as a password.
//
// # Several processes
//
// Any number of Managers may share a store. Before a refresh a Manager puts a mark on the key's record. The others see it, and
// hand out the old token while that is valid; a caller without one waits. If the process that made the mark dies, others
// take over: at once where the store is a [Locker], such as Dir, and otherwise after Options.Lease, 30 seconds.
//
// A login that another process replaced or deleted is noticed when the key is used and what is known of it is older than
// Options.Recheck, a minute.
//
// # When a token is refreshed
//
// When somebody asks for it: a Manager at rest has no goroutine. In the last ten minutes of a token a refresh goes on in the
// background, and callers get the old one. In the last half minute they wait for the new one. That is Options.SoftWindow
// and Options.HardWindow; both are shorter for tokens that live shorter. A caller whose context ends leaves, and the refresh
// goes on for those who come after.
//
// # Events and logs
//
// Options.OnEvent and Options.Logger tell of each refresh and failure. No secret is in them, and the key only as its
// [KeyHash]. Raise an alarm at [SaveFailed]: the store did not take a new pair, and this process alone has it. [LoginRequired]
// counts users who are logged in no longer.
//
// # What is not promised
//
// No program can store an answer that it does not live to see. A user may have to log in again
//
//   - if the process is killed, or cut off from the store for longer than the lease, after Contentstack has answered a refresh
//     and before the answer is stored;
//   - if the system stops the process for that long just before it sends the refresh token;
//   - if the store forgets a change that it has confirmed, and the next to ask is not the process that made the change;
//   - if the network loses Contentstack's answer. The Manager then goes on with the access token for as long as that is
//     valid, and tries the refresh token again at its end, in case Contentstack lets it pass.
//
// # In the end
//
// [Manager.Close] waits for refreshes that are under way, and saves once more what the store did not take. Call it before
// the program ends, when nobody asks any more, and log its error: it names the keys whose new tokens are lost.
//
// The module's folder examples has whole programs: worker, for many users, web, for users in a browser, and wrap, for a tool
// with its own state. In tests, use a Memory, and the Config of package csoauthtest.
package tokens
