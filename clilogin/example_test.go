package clilogin_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/clilogin"
	"github.com/contentstack/csoauth/csoauthtest"
	"github.com/contentstack/csoauth/loopback"
)

// The first run of a program logs its user in. A later run goes on with that login.
func ExampleOpen() {
	config, options, end := terminal() // your app, and Options{Program: "mytool"}
	defer end()
	ctx := context.Background()
	for run := range 2 {
		session, err := clilogin.Open(ctx, config, options)
		if err != nil {
			fmt.Println(err)
			return
		}
		user, err := session.API().User(ctx)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("run %d: logged in as %s\n", run+1, user.Email)
		if err := session.Close(); err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// run 1: logged in as ada@example.com
	// run 2: logged in as ada@example.com
}

// NoLogin is for a program that must not open a browser, such as one that runs from cron.
func ExampleOptions_noLogin() {
	config, options, end := terminal() // your app, and Options{Program: "mytool"}
	defer end()
	ctx := context.Background()
	options.NoLogin = true
	session, err := clilogin.Open(ctx, config, options)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer session.Close()
	_, err = session.Token(ctx)
	fmt.Println("the user must log in:", errors.Is(err, csoauth.ErrLoginRequired))
	// Output: the user must log in: true
}

// The commands login, status and logout of a program.
func ExampleSession_Login() {
	config, options, end := terminal() // your app, and Options{Program: "mytool"}
	defer end()
	ctx := context.Background()
	options.NoLogin = true // Login opens the browser, Open does not
	session, err := clilogin.Open(ctx, config, options)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer session.Close()

	fmt.Println("login:", session.Login(ctx, nil))
	status, err := session.Status(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("status:", status.State, status.Email)
	fmt.Println("logout:", session.Logout(ctx)) // at Contentstack, too; Forget only removes it here
	// Output:
	// login: <nil>
	// status: valid ada@example.com
	// logout: <nil>
}

// terminal starts an emulated Contentstack, a terminal, and a browser whose user allows everything.
func terminal() (config *csoauth.Config, o *clilogin.Options, end func()) {
	t := &exampleT{}
	server := csoauthtest.NewServer(t, nil)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	listener.Close()
	dir, err := os.MkdirTemp("", "clilogin")
	if err != nil {
		panic(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	t.Cleanup(clilogin.SetForeground(true))
	var visits sync.WaitGroup
	t.Cleanup(visits.Wait)
	allow := func(_ context.Context, address string) error {
		visits.Go(func() {
			if page, err := server.Browser().Get(address); err == nil {
				page.Body.Close()
			}
		})
		return nil
	}
	return server.Config("http://" + listener.Addr().String() + "/callback"), &clilogin.Options{
		Program: "mytool", Dir: filepath.Join(dir, "mytool"),
		Loopback: &loopback.Options{OpenBrowser: allow, Out: new(lockedBuffer)},
	}, t.end
}

// An exampleT takes the place of a *testing.T, which an Example does not have.
type exampleT struct {
	testing.TB
	cleanups []func()
}

func (t *exampleT) Helper()                           {}
func (t *exampleT) Context() context.Context          { return context.Background() }
func (t *exampleT) Cleanup(f func())                  { t.cleanups = append(t.cleanups, f) }
func (t *exampleT) Errorf(format string, args ...any) { fmt.Printf(format+"\n", args...) }
func (t *exampleT) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

// end does what happens at the end of a test.
func (t *exampleT) end() {
	for _, f := range slices.Backward(t.cleanups) {
		f()
	}
}
