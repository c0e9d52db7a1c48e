package tokens

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"

	"golang.org/x/oauth2"

	"github.com/contentstack/csoauth"
)

// A Login is the login of one key of a [Manager]. It remembers where the Manager has the key in
// memory, so a program that uses a key often should keep its Login. It is safe for concurrent use,
// and any number of Logins of one key do as well as one. It must not be copied.
//
// A Login exists whether or not the key has a token: without one, its methods return
// [csoauth.ErrLoginRequired].
type Login struct {
	m     *Manager
	key   string
	state atomic.Pointer[keyState]
}

// For returns the Login of key. It asks neither the store nor Contentstack, and never fails: a key
// that is not allowed is an error of the Login's methods.
func (m *Manager) For(key string) *Login { return &Login{m: m, key: key} }

// Format keeps secrets out of what fmt prints.
func (l *Login) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "tokens.Login") }

// Put is [Manager.Put] for this key.
func (l *Login) Put(ctx context.Context, t *csoauth.Token) error { return l.m.Put(ctx, l.key, t) }

// Token is [Manager.Token] for this key.
func (l *Login) Token(ctx context.Context) (*csoauth.Token, error) {
	v, err := l.view(ctx)
	if err != nil {
		return nil, err
	}
	return &v.token, nil
}

// Delete is [Manager.Delete] for this key.
func (l *Login) Delete(ctx context.Context) error { return l.m.Delete(ctx, l.key) }

// view returns the view whose token is to be used, refreshed if that is due.
func (l *Login) view(ctx context.Context) (*view, error) {
	if k := l.state.Load(); k != nil {
		if v := k.hit(l.m.now()); v != nil {
			return v, nil
		}
	}
	if k := l.m.cache.find(l.key); k != nil {
		l.state.Store(k)
		if v := k.hit(l.m.now()); v != nil {
			return v, nil
		}
	}
	v, k, err := l.m.ask(ctx, l.key)
	if k != nil {
		l.state.Store(k)
	}
	return v, err
}

// TokenSource returns this key's tokens to callers of golang.org/x/oauth2. That package passes no
// context, so ctx bounds every wait of the source. The tokens have no refresh token: only the
// Manager may use that. All callers share a token, so do not change it.
//
// Do not wrap the source in an [oauth2.ReuseTokenSource], as [oauth2.NewClient] does: it goes on
// with a token that the Manager has replaced. Use an [oauth2.Transport] whose Source is this one,
// or [Login.Transport], which also acts on a 401.
func (l *Login) TokenSource(ctx context.Context) oauth2.TokenSource {
	return &tokenSource{login: l, ctx: ctx}
}

type tokenSource struct {
	login *Login
	ctx   context.Context // x/oauth2's interface leaves no other place for it
	last  atomic.Pointer[converted]
}

// converted is a view as x/oauth2 knows it.
type converted struct {
	from *view
	to   *oauth2.Token
}

func (s *tokenSource) Token() (*oauth2.Token, error) {
	v, err := s.login.view(s.ctx)
	if err != nil {
		return nil, err
	}
	last := s.last.Load()
	if last == nil || last.from != v {
		last = &converted{v, v.token.OAuth2()}
		last.to.RefreshToken = ""
		s.last.Store(last)
	}
	return last.to, nil
}
