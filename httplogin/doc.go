// Package httplogin logs users in to Contentstack in a web server. There are two handlers, for any
// router, and nothing to keep between them:
//
//	login := &httplogin.Login{
//		Config: config,              // your app; its RedirectURI is where Callback is served
//		Keys:   [][]byte{key},       // 32 random bytes, the same in all replicas
//		OnToken: func(w http.ResponseWriter, r *http.Request, token *csoauth.Token) error {
//			return session(w, r, token) // set your cookie, keep the token
//		},
//	}
//	mux.HandleFunc("/login", login.Start)       // a link to /login?return_to=/where/the/user/was
//	mux.HandleFunc("/callback", login.Callback)
//
// An attempt to log in travels in a sealed cookie of its own, so two tabs do not end each other's,
// any replica can answer, and a flood of requests leaves nothing behind. A callback is checked
// against that cookie before anything is sent: one that was forged, or made for another browser,
// finds none.
//
// The token is the application's from there on. Package tokens keeps it and refreshes it.
package httplogin
