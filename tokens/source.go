package tokens

import (
	"context"
	"sync/atomic"

	"golang.org/x/oauth2"
)

// A handle is one key of a Manager. It remembers the key's entry, which saves a hit the search for it.
type handle struct {
	m     *Manager
	key   string
	entry atomic.Pointer[entry]
}

func (h *handle) view(ctx context.Context) (*view, error) {
	if e := h.entry.Load(); e != nil {
		if v := e.hit(h.m.now()); v != nil {
			return v, nil
		}
	}
	if e := h.m.cache.find(h.key); e != nil {
		h.entry.Store(e)
		if v := e.hit(h.m.now()); v != nil {
			return v, nil
		}
	}
	v, e, err := h.m.ask(ctx, h.key)
	if e != nil {
		h.entry.Store(e)
	}
	return v, err
}

// TokenSource returns key's tokens to callers of golang.org/x/oauth2, which cannot pass a context: ctx bounds every wait
// of the source. Its tokens have no refresh token, for only the Manager may spend that. They must not be changed: all
// callers share them. Put no [oauth2.ReuseTokenSource] around it, which would go on with a token that the Manager has replaced.
// [oauth2.NewClient] does that: use an [oauth2.Transport] with it as its Source, or [Manager.Transport], which also minds a 401.
func (m *Manager) TokenSource(ctx context.Context, key string) oauth2.TokenSource {
	return &tokenSource{handle: handle{m: m, key: key}, ctx: ctx}
}

type tokenSource struct {
	handle
	ctx  context.Context // x/oauth2's interface leaves no other place for it
	last atomic.Pointer[converted]
}

// converted is a view as x/oauth2 knows it.
type converted struct {
	from *view
	to   *oauth2.Token
}

func (s *tokenSource) Token() (*oauth2.Token, error) {
	v, err := s.view(s.ctx)
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
