package tokens

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"

	"github.com/contentstack/csoauth"
)

// A Login is the login of one key of a Manager. It remembers where the Manager has the key in
// memory, so a program that uses a key often should keep its Login. There may be any number of
// Logins for one key. A Login is safe for concurrent use, and must not be copied.
//
// The key of a Login need not have a token. Without a token, the methods return
// [csoauth.ErrLoginRequired].
type Login struct {
	m     *Manager
	key   string
	state atomic.Pointer[keyState]
}

// For returns the Login of key. It asks neither the store nor Contentstack, and never fails. If the
// key is not allowed, the methods of the Login return an error.
func (m *Manager) For(key string) *Login { return &Login{m: m, key: key} }

// Format keeps secrets out of what fmt prints.
func (l *Login) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "tokens.Login") }

// Put calls [Manager.Put] for this key.
func (l *Login) Put(ctx context.Context, t *csoauth.Token) error { return l.m.Put(ctx, l.key, t) }

// Token calls [Manager.Token] for this key.
func (l *Login) Token(ctx context.Context) (*csoauth.Token, error) {
	v, err := l.view(ctx)
	if err != nil {
		return nil, err
	}
	return &v.token, nil
}

// Invalidate reports that an API has rejected an access token of this login as invalid, and gets
// another token. It is for callers who send the token themselves, such as with an oauth2.Transport,
// gRPC or an SDK. Call it only if the API's response is about the token. [Login.Transport] checks
// that for you. After Invalidate, call Token again and repeat the request once.
//
// Invalidate does nothing if accessToken is no longer the current one, so ten callers cause one
// refresh. It returns an error if no token is left: [csoauth.ErrLoginRequired] if Contentstack
// refused the refresh token too. Token continues to return the rejected token in two cases: the
// refresh failed for another reason, or the rejected token is less than a minute old and itself
// replaced a rejected one.
func (l *Login) Invalidate(ctx context.Context, accessToken string) error {
	_, err := l.m.replace(ctx, l.key, rejection{accessToken: accessToken, host: "Invalidate", clear: true})
	return err
}

// Delete calls [Manager.Delete] for this key.
func (l *Login) Delete(ctx context.Context) error { return l.m.Delete(ctx, l.key) }

// view returns the view whose token is to be used, refreshed if that is due.
func (l *Login) view(ctx context.Context) (*view, error) {
	if v := l.hit(); v != nil {
		return v, nil
	}
	v, k, err := l.m.ask(ctx, l.key)
	if k != nil {
		l.state.Store(k)
	}
	return v, err
}

// hit returns the view if memory has one whose token needs nothing.
func (l *Login) hit() *view {
	if k := l.state.Load(); k != nil {
		if v := k.hit(l.m.now()); v != nil {
			return v
		}
	}
	k := l.m.cache.find(l.key)
	if k == nil {
		return nil
	}
	l.state.Store(k)
	return k.hit(l.m.now())
}

// TokenSource returns a source of this key's tokens for code that uses golang.org/x/oauth2. That
// package passes no context, so ctx limits every wait of the source. The tokens have no refresh
// token, because only the Manager may use it. All callers share a token, so do not change it.
//
// The Expiry of these tokens is 10 seconds after the Manager's next read of the store, or the true
// expiry if that is earlier. So an oauth2.ReuseTokenSource, which oauth2.NewClient uses, asks again
// in time to see that a token was replaced. Neither of the two reacts to a 401. Use
// [Login.Transport] for that, or call [Login.Invalidate].
func (l *Login) TokenSource(ctx context.Context) oauth2.TokenSource {
	return &tokenSource{login: l, ctx: ctx}
}

type tokenSource struct {
	login *Login
	ctx   context.Context // x/oauth2's interface leaves no other place for it
	last  atomic.Pointer[converted]
}

// Format prints neither the key nor what ctx carries.
func (s *tokenSource) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "tokens.TokenSource") }

// converted is a view as x/oauth2 knows it.
type converted struct {
	from *view
	to   *oauth2.Token
}

func (s *tokenSource) Token() (*oauth2.Token, error) {
	if last := s.last.Load(); last != nil && last.from == s.login.hit() {
		return last.to, nil
	}
	v, err := s.login.view(s.ctx)
	if err != nil {
		return nil, err
	}
	next := &converted{v, v.token.OAuth2()}
	next.to.RefreshToken = ""
	if look := s.nextLook(v); next.to.Expiry.IsZero() || look.Before(next.to.Expiry) {
		next.to.Expiry = look
	}
	s.last.Store(next)
	return next.to, nil
}

// reuseMargin is how long before its Expiry package oauth2 takes a token for ended.
const reuseMargin = 10 * time.Second

// nextLook returns until when a caller may go on with v's token before it asks again. A look that
// is overdue comes with the next call.
func (s *tokenSource) nextLook(v *view) time.Time {
	look := v.fresh
	if now := s.login.m.now(); !now.before(look) {
		look = now.add(time.Second)
	}
	return look.add(reuseMargin).time()
}
