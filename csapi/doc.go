// Package csapi calls Contentstack's APIs after the login. It returns the user, the organizations
// and the stacks, sends requests to any of the APIs, and revokes the login.
//
//	api := csapi.New(config, manager.For("user-17"), nil)
//	user, err := api.User(ctx)
//	for stack, err := range api.Stacks(ctx) { … }
//	err = api.Stack(stack.APIKey).Get(ctx, "/v3/content_types", &types)
//	err = api.Revoke(ctx)
//
// The host, the organization_uid header and the access token of a request always come from the same
// token, whatever its region. After a 401, the Client gets another token and repeats the request
// once. A 429 pauses all requests of the Client to that organization. If the wait is more than a
// minute, the request fails at once, unless the context's deadline is later. The Client repeats a
// GET that fails with 5xx.
//
// For a token that you do not store, such as one from package loopback, use [Static].
//
// This package was never run against Contentstack itself. docs/emulator.md says which behavior is
// documented, and which is only known from the code of Contentstack's clients.
package csapi
