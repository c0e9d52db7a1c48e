package loopback_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"regexp"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/internal/emulator"
	"github.com/contentstack/csoauth/loopback"
)

// A program logs its user in.
func Example() {
	config, browser, end := emulated(emulator.Visitor{}) // your app, and a user who allows it
	defer end()
	token, err := loopback.Login(context.Background(), config, &loopback.Options{
		OpenBrowser: opens(browser), // nil: the user's own browser
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("logged in to organization", token.OrganizationUID)
	// Output: logged in to organization blt1a2b3c4d5e6f7081
}

// What to do with an error.
func ExampleLogin() {
	config, browser, end := emulated(emulator.Visitor{Deny: true}) // your app, and a user who denies access
	defer end()
	_, err := loopback.Login(context.Background(), config, &loopback.Options{
		Program:     "mytool", // on the page that the browser shows
		Out:         io.Discard,
		OpenBrowser: opens(browser), // nil: the user's own browser
	})
	switch {
	case errors.Is(err, csoauth.ErrDenied):
		fmt.Println("you denied access")
	case errors.Is(err, loopback.ErrTimeout):
		fmt.Println("the login took too long: start it again")
	case errors.Is(err, loopback.ErrPortInUse):
		fmt.Println("end the other program:", err)
	case err != nil:
		fmt.Println(err)
	}
	// Output: you denied access
}

// A login on a machine without a browser. The user opens the address on another machine, and pastes
// the address at which that browser ends.
func ExampleOptions_manual() {
	config, browser, end := emulated(emulator.Visitor{}) // your app, and a user who allows it
	defer end()
	in, out := elsewhere(config, browser)
	token, err := loopback.Login(context.Background(), config, &loopback.Options{
		Manual: true,
		In:     in,  // nil: standard input
		Out:    out, // nil: standard error
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("logged in to organization", token.OrganizationUID)
	// Output: logged in to organization blt1a2b3c4d5e6f7081
}

// emulated starts a Contentstack for an example, and a browser with this user.
func emulated(user emulator.Visitor) (config *csoauth.Config, browser *http.Client, end func()) {
	e, err := emulator.New(emulator.Options{})
	if err != nil {
		log.Fatal(err)
	}
	server := httptest.NewServer(e)
	app := emulator.DefaultApp()
	config = &csoauth.Config{
		AppUID: app.UID, ClientID: app.ClientID, RedirectURI: "http://localhost:" + freePort() + "/callback",
		Endpoints: map[csoauth.Region]csoauth.Endpoints{csoauth.NA: {App: server.URL}},
	}
	if err := e.Register(app.UID, config.RedirectURI); err != nil {
		log.Fatal(err)
	}
	return config, &http.Client{Transport: &emulator.Browser{Emulator: server.URL, Visitor: user}}, server.Close
}

// opens returns an OpenBrowser for an emulated browser.
func opens(browser *http.Client) func(context.Context, string) error {
	return func(_ context.Context, address string) error {
		go func() {
			page, err := browser.Get(address)
			if err != nil {
				log.Fatal(err)
			}
			page.Body.Close()
		}()
		return nil
	}
}

// elsewhere returns the In and Out of a user with a browser on another machine.
func elsewhere(config *csoauth.Config, browser *http.Client) (in io.Reader, out io.Writer) {
	in, paste := io.Pipe()
	return in, writerFunc(func(text []byte) (int, error) {
		if address := regexp.MustCompile(`http\S+/authorize\S+`).FindString(string(text)); address != "" {
			go func() {
				back, _, err := emulator.SentBack(context.Background(), browser, config.Endpoints[csoauth.NA].App, address)
				if err != nil {
					log.Fatal(err)
				}
				fmt.Fprintf(paste, "%s?%s\n", config.RedirectURI, back.Encode())
			}()
		}
		return len(text), nil
	})
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
