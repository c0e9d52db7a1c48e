package csapi_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csapi"
	"github.com/contentstack/csoauth/csoauthtest"
)

// The user who logged in, and the organization of the login.
func ExampleClient_User() {
	config, token, end := loggedIn() // by package loopback, for example
	defer end()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	api := csapi.New(config, csapi.Static(token), nil) // with package tokens: csapi.New(config, users.For(key), nil)
	user, err := api.User(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(user.FirstName, user.LastName, user.Email)
	organization, err := api.Organization(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("logged in to", organization.Name)
	// Output:
	// Ada Lovelace ada@example.com
	// logged in to Emulated Press
}

// All stacks of the organization. The Client reads them page by page.
func ExampleClient_Stacks() {
	config, token, end := loggedIn()
	defer end()
	api := csapi.New(config, csapi.Static(token), nil)
	count := 0
	for stack, err := range api.Stacks(context.Background()) {
		if err != nil {
			fmt.Println(err)
			return
		}
		if count++; count == 1 {
			fmt.Println("the first one:", stack.Name)
		}
	}
	fmt.Println(count, "stacks")
	// Output:
	// the first one: Emulated Press stack 1
	// 230 stacks
}

// The content of one stack.
func ExampleClient_Stack() {
	config, token, end := loggedIn()
	defer end()
	api := csapi.New(config, csapi.Static(token), nil)
	var list struct {
		ContentTypes []struct{ UID, Title string } `json:"content_types"`
	}
	stack := api.Stack("blt824ac30d96b574ed") // or the APIKey of one of api.Stacks
	if err := stack.Get(context.Background(), "/v3/content_types", &list); err != nil {
		fmt.Println(err)
		return
	}
	for _, contentType := range list.ContentTypes {
		fmt.Println(contentType.UID, contentType.Title)
	}
	// Output: page Page
}

// Any request to any of Contentstack's APIs.
func ExampleClient_Call() {
	config, token, end := loggedIn()
	defer end()
	ctx := context.Background()
	api := csapi.New(config, csapi.Static(token), nil)

	project := map[string]string{"name": "My site"}
	var created struct {
		Project struct {
			UID  string `json:"uid"`
			Name string `json:"name"`
		} `json:"project"`
	}
	if err := api.Call(ctx, http.MethodPost, csapi.Launch, "/projects", project, &created); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(created.Project.UID, created.Project.Name)
	// Output: 6489 My site
}

// What to do with an error.
func ExampleError() {
	config, token, end := loggedIn()
	defer end()
	api := csapi.New(config, csapi.Static(token), nil)

	err := api.Get(context.Background(), csapi.Launch, "/projects/unknown", nil)
	var said *csapi.Error
	switch {
	case errors.Is(err, csoauth.ErrLoginRequired):
		fmt.Println("send the user to log in again")
	case errors.Is(err, csapi.ErrRateLimited) && errors.As(err, &said):
		fmt.Println("try again in", said.RetryAfter)
	case errors.Is(err, csapi.ErrForbidden):
		fmt.Println("this user may not do this:", err)
	case errors.Is(err, csapi.ErrNotFound):
		fmt.Printf("there is no such project:\n%v\n", err)
	case err != nil:
		fmt.Println("the request failed:", err)
	}
	// Output:
	// there is no such project:
	// csapi: GET /projects/unknown: 404 Not Found: The project was not found
}

// For another SDK: a client that adds the token, and the base URL of the token's region.
func ExampleClient_HTTPClient() {
	config, token, end := loggedIn()
	defer end()
	ctx := context.Background()
	api := csapi.New(config, csapi.Static(token), nil)

	base, err := api.BaseURL(ctx, csapi.ContentManagement)
	if err != nil {
		fmt.Println(err)
		return
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/v3/user", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	response, err := api.HTTPClient().Do(request)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer response.Body.Close()
	fmt.Println(response.StatusCode, csapi.CheckResponse(response))
	// Output: 200 <nil>
}

// Revoke ends the login at Contentstack, on all machines of the user.
func ExampleClient_Revoke() {
	config, token, end := loggedIn()
	defer end()
	ctx := context.Background()
	api := csapi.New(config, csapi.Static(token), nil)
	if err := api.Revoke(ctx); err != nil {
		fmt.Println(err)
		return
	}
	_, err := api.User(ctx)
	var said *csapi.Error
	fmt.Println("the token is refused:", errors.As(err, &said) && said.StatusCode == http.StatusUnauthorized)
	// Output: the token is refused: true
}

// loggedIn logs the user in to an emulated Contentstack.
func loggedIn() (config *csoauth.Config, token *csoauth.Token, end func()) {
	t := &exampleT{}
	server := csoauthtest.NewServer(t, nil)
	server.API("POST /projects", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"project":{"uid":"6489","name":"My site"}}`)
	})
	server.API("GET /projects/unknown", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"message":"The project was not found"}`)
	})
	server.API("GET /v3/content_types", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"content_types":[{"uid":"page","title":"Page"}]}`)
	})
	config = server.Config("http://localhost:8184/callback")
	return config, server.Login(config), t.end
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
