// Package httplogin logs users in to a web server with Contentstack. It has two handlers, for any
// router, and the server stores nothing between them:
//
//	login := &httplogin.Handlers{
//		Config: config,         // your app; its RedirectURI is where Callback is served
//		Keys:   [][]byte{key},  // 32 random bytes, the same in all replicas
//		OnToken: func(w http.ResponseWriter, r *http.Request, token *csoauth.Token) error {
//			return session(w, r, token) // set your cookie, store the token
//		},
//	}
//	mux.HandleFunc("/login", login.Start)       // a link to /login?return_to=/where/the/user/was
//	mux.HandleFunc("/callback", login.Callback)
//
// Each login has its own sealed cookie. So two tabs do not end each other's login, and any replica
// can finish a login. A flood of requests leaves nothing behind on the server. Callback checks the
// request against that cookie before it sends anything. A callback that is forged, or made for
// another browser, has no such cookie.
//
// Contentstack shows apps in frames, but the handlers do not work in a frame. The reason is that
// Contentstack's login page and the cookies of most browsers do not work in a frame of another
// site. Let the app open a window instead, such as window.open("/login"), and close it on the page
// that return_to names.
//
// After OnToken the token belongs to the application. Package tokens stores it and refreshes it.
package httplogin
