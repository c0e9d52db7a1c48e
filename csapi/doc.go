// Package csapi is for what comes after the login: who the user is, which organizations and stacks
// there are, requests to any of Contentstack's APIs, and the end of the login.
//
//	api := csapi.New(config, manager.For("user-17"), nil)
//	user, err := api.User(ctx)
//	for stack, err := range api.Stacks(ctx) { … }
//	err = api.Stack(stack.APIKey).Get(ctx, "/v3/content_types", &types)
//	err = api.Revoke(ctx)
//
// The host, the organization_uid header and the access token of a request come from one and the
// same token, whatever its region. A 401 gets another token and one more try. A 429 pauses all
// requests of the Client to that organization; a wait of more than a minute is an error at once,
// unless the context's deadline is later. A GET that fails with 5xx is sent again.
//
// For a token that is kept nowhere, such as one that package loopback has just got, use [Static].
//
// None of this was run against Contentstack itself. Which of it is documented, and which is only
// read from the code of Contentstack's clients, is in docs/emulator.md.
package csapi
