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
// Each login travels in a sealed cookie of its own. So two tabs do not end each other's login, any
// replica can finish it, and a flood of requests leaves nothing behind. A callback is checked
// against that cookie before anything is sent. A callback that was forged, or made for another
// browser, finds none.
//
// Contentstack shows apps in frames. Neither handler can be used there: Contentstack's login page
// and the cookies of most browsers do not work in a frame of another site. Let the app open a
// window instead, such as window.open("/login"), and close it on the page that return_to names.
//
// After OnToken the token belongs to the application. Package tokens stores it and refreshes it.
package httplogin
