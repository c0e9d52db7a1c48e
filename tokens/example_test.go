package tokens_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

// A worker handles many users. One of them never logged in, and the worker goes on with the others.
func ExampleManager() {
	contentstack := newProvider() // takes the place of Contentstack: your program needs only a Config
	config := contentstack.config()
	ctx := context.Background()

	users, err := tokens.New(config, new(tokens.Memory), nil) // a Memory ends with the process: use Dir, Sealed, or a database
	if err != nil {
		fmt.Println(err)
		return
	}
	defer users.Close() // a real program checks its error

	// In the callback handler of the login, once for each user:
	token := contentstack.login("ada") // token, err := config.Exchange(ctx, request, callback)
	if err := users.Put(ctx, "ada", token); err != nil {
		fmt.Println(err)
	}

	// From then on, anywhere and as often as you like:
	for _, key := range []string{"ada", "alan"} {
		token, err := users.Token(ctx, key)
		switch {
		case errors.Is(err, csoauth.ErrLoginRequired):
			fmt.Println(key, "has to log in")
		case err != nil:
			fmt.Println(key, "will be tried again later:", err)
		default:
			fmt.Println(key, "has", token.AccessToken)
		}
	}
	// Output:
	// ada has access-ada-1
	// alan has to log in
}

// Token refreshes a token that has expired. It stores the new one before it returns it.
func ExampleManager_Token() {
	contentstack := newProvider()
	ctx, store := context.Background(), new(tokens.Memory)
	yesterday := contentstack.login("ada")
	yesterday.Expiry = time.Now().Add(-23 * time.Hour)

	users, err := tokens.New(contentstack.config(), store, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := users.Put(ctx, "ada", yesterday); err != nil {
		fmt.Println(err)
	}
	token, err := users.Token(ctx, "ada")
	fmt.Println(token.AccessToken, err)

	// Another process has the same store.
	others, err := tokens.New(contentstack.config(), store, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err = others.Token(ctx, "ada")
	fmt.Println(token.AccessToken, err)

	fmt.Println(users.Close(), others.Close(), contentstack.asked(), "refresh")
	// Output:
	// access-ada-2 <nil>
	// access-ada-2 <nil>
	// <nil> <nil> 1 refresh
}

// Client adds the user's access token to each request. If an API responds with 401, it repeats the
// request with a new token.
func ExampleLogin_Client() {
	contentstack := newProvider()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer access-ada-2" { // the first one was revoked
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		io.WriteString(w, "hello, Ada")
	}))
	defer api.Close()
	ctx := context.Background()
	// A Config knows the hosts of Contentstack. This host stands for an API of your own.
	users, err := tokens.New(contentstack.config(), new(tokens.Memory), &tokens.Options{Hosts: []string{"127.0.0.1"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer users.Close()
	if err := users.Put(ctx, "ada", contentstack.login("ada")); err != nil {
		fmt.Println(err)
	}

	resp, err := users.For("ada").Client().Get(api.URL + "/v3/user")
	if err != nil {
		fmt.Println(err) // errors.Is finds csoauth.ErrLoginRequired in it
		return
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	fmt.Println(resp.StatusCode, string(text), err)
	// Output:
	// 200 hello, Ada <nil>
}

// Transport is for a client with a transport of its own, such as one that retries or traces.
func ExampleLogin_Transport() {
	contentstack := newProvider()
	users, err := tokens.New(contentstack.config(), new(tokens.Memory), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer users.Close()
	if err := users.Put(context.Background(), "ada", contentstack.login("ada")); err != nil {
		fmt.Println(err)
	}
	tracing := roundTripperFunc(func(r *http.Request) (*http.Response, error) {
		fmt.Println(r.Method, r.URL, r.Header.Get("Authorization"))
		return httptest.NewRecorder().Result(), nil
	})

	client := &http.Client{Transport: users.For("ada").Transport(tracing), Timeout: time.Minute}
	resp, err := client.Get("https://api.contentstack.io/v3/user")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(resp.Status, resp.Body.Close())
	// Output:
	// GET https://api.contentstack.io/v3/user Bearer access-ada-1
	// 200 OK <nil>
}

// TokenSource is for libraries that use golang.org/x/oauth2.
func ExampleLogin_TokenSource() {
	contentstack := newProvider()
	users, err := tokens.New(contentstack.config(), new(tokens.Memory), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer users.Close()
	ctx := context.Background()
	if err := users.Put(ctx, "ada", contentstack.login("ada")); err != nil {
		fmt.Println(err)
	}

	var source oauth2.TokenSource = users.For("ada").TokenSource(ctx)
	// oauth2.NewClient(ctx, source) would keep each token until its expiry. This asks the Manager
	// each time:
	client := &http.Client{Transport: &oauth2.Transport{Source: source}}
	_ = client

	token, err := source.Token()
	fmt.Println(token.AccessToken, err)
	fmt.Printf("%q: only the Manager may use it\n", token.RefreshToken)
	// Output:
	// access-ada-1 <nil>
	// "": only the Manager may use it
}

// Invalidate is for code that sends the token itself, such as an SDK: it reports a 401.
func ExampleLogin_Invalidate() {
	contentstack := newProvider() // takes the place of Contentstack: your program needs only a Config
	ctx := context.Background()
	users, err := tokens.New(contentstack.config(), new(tokens.Memory), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer users.Close()
	ada := users.For("ada")
	if err := ada.Put(ctx, contentstack.login("ada")); err != nil {
		fmt.Println(err)
	}

	token, err := ada.Token(ctx)
	fmt.Println("the API rejects", token.AccessToken, err)
	if err := ada.Invalidate(ctx, token.AccessToken); err != nil {
		fmt.Println(err) // csoauth.ErrLoginRequired if there is no other token
	}
	token, err = ada.Token(ctx)
	fmt.Println("once more, with", token.AccessToken, err)
	// Output:
	// the API rejects access-ada-1 <nil>
	// once more, with access-ada-2 <nil>
}

// Delete removes a login. Contentstack still accepts its tokens: Revoke of package csapi ends them.
func ExampleManager_Delete() {
	contentstack := newProvider() // takes the place of Contentstack: your program needs only a Config
	ctx := context.Background()
	users, err := tokens.New(contentstack.config(), new(tokens.Memory), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer users.Close()
	fmt.Println(users.Put(ctx, "ada", contentstack.login("ada")))
	fmt.Println(users.Delete(ctx, "ada"))
	_, err = users.Token(ctx, "ada")
	fmt.Println("the user must log in:", errors.Is(err, csoauth.ErrLoginRequired))
	// Output:
	// <nil>
	// <nil>
	// the user must log in: true
}

// The rotation of a seal key: add the new key, reseal every user's value, drop the old key.
func ExampleReseal() {
	ctx := context.Background()
	older, newer := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32) // random in a real program
	memory := new(tokens.Memory)
	before, err := tokens.Sealed(memory, older)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(before.CompareAndSwap(ctx, "ada", nil, []byte("a value")))

	both, err := tokens.Sealed(memory, newer, older) // the first key seals, every key opens
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, key := range []string{"ada", "alan"} { // your table of users; alan has no login
		fmt.Println(key, tokens.Reseal(ctx, both, key))
	}
	after, err := tokens.Sealed(memory, newer)
	if err != nil {
		fmt.Println(err)
		return
	}
	value, err := after.Load(ctx, "ada")
	fmt.Println(string(value), err)
	// Output:
	// <nil>
	// ada <nil>
	// alan <nil>
	// a value <nil>
}

// A tool keeps its only login in its own state. It gives the Manager a function that writes the
// state.
func ExampleSingle() {
	contentstack := newProvider()
	state := contentstack.login("ada") // from the file of the tool, with Token.UnmarshalBinary
	state.Expiry = time.Now().Add(-time.Hour)
	save := func(_ context.Context, t *csoauth.Token) error {
		fmt.Println("the state now has", t.AccessToken) // t.MarshalBinary, os.WriteFile, Sync, Rename
		return nil
	}

	manager, err := tokens.New(contentstack.config(), tokens.Single(state, save), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err := manager.Token(context.Background(), "any key, but always the same")
	fmt.Println("and so has the caller:", token.AccessToken, err)
	fmt.Println(manager.Close())
	// Output:
	// the state now has access-ada-1
	// the state now has access-ada-2
	// and so has the caller: access-ada-2 <nil>
	// <nil>
}

// A directory of sealed files. Someone who reads them without the key learns who is logged in, but
// no token.
func ExampleSealed_manager() {
	contentstack := newProvider()
	dir, err := os.MkdirTemp("", "tokens-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	key := make([]byte, 32)
	rand.Read(key) // make it once with "openssl rand 32", and keep it away from the files

	store, err := tokens.Sealed(tokens.Dir(dir), key)
	if err != nil {
		fmt.Println(err)
		return
	}
	users, err := tokens.New(contentstack.config(), store, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer users.Close()
	ctx := context.Background()
	if err := users.Put(ctx, "ada", contentstack.login("ada")); err != nil {
		fmt.Println(err)
	}
	value, err := tokens.Dir(dir).Load(ctx, "ada")
	fmt.Println("the file shows the token:", strings.Contains(string(value), "access-ada-1"), err)

	wrong, err := tokens.Sealed(tokens.Dir(dir), []byte("another key, also with 32 bytes."))
	if err != nil {
		fmt.Println(err)
		return
	}
	others, err := tokens.New(contentstack.config(), wrong, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = others.Token(ctx, "ada")
	fmt.Println("the wrong key is a logout:", errors.Is(err, csoauth.ErrLoginRequired))
	// Output:
	// the file shows the token: false <nil>
	// the wrong key is a logout: false
}

// Events are for metrics and alarms. If you print or log a whole Event, it shows only the hash of
// the key.
func ExampleOptions() {
	contentstack := newProvider()
	ctx := context.Background()
	users, err := tokens.New(contentstack.config(), new(tokens.Memory), &tokens.Options{
		OnEvent: func(e tokens.Event) { fmt.Println(e.Type, "for", e.Key, e.Err) },
		Logger:  slog.New(slog.DiscardHandler), // slog.Default() logs the same events
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	yesterday := contentstack.login("ada")
	yesterday.Expiry = time.Now().Add(-23 * time.Hour)
	if err := users.Put(ctx, "ada", yesterday); err != nil {
		fmt.Println(err)
	}
	if _, err := users.Token(ctx, "ada"); err != nil {
		fmt.Println(err)
	}
	if err := users.Close(); err != nil { // waits for events, too
		fmt.Println(err)
	}
	fmt.Println(tokens.KeyHash("ada"), "is ada")
	// Output:
	// refreshed for ada <nil>
	// fdee430d40bd57de is ada
}

type roundTripperFunc func(*http.Request) (*http.Response, error)

func (f roundTripperFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
