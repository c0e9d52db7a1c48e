package tokens_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
)

// eventLog is an OnEvent that keeps what it is told.
type eventLog struct {
	mu  sync.Mutex
	all []tokens.Event
}

func (l *eventLog) add(e tokens.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, e)
}

func (l *eventLog) types() (types []tokens.EventType) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.all {
		types = append(types, e.Type)
	}
	return types
}

func TestEventsTellWhatBecameOfARefresh(t *testing.T) {
	for name, row := range map[string]struct {
		arrange func(p *provider, store *hooked)
		want    []tokens.EventType
		levels  []string
	}{
		"refreshed": {
			arrange: func(*provider, *hooked) {},
			want:    []tokens.EventType{tokens.EventRefreshed},
			levels:  []string{"DEBUG"},
		},
		"refresh failed": {
			arrange: func(p *provider, _ *hooked) { refusalOf(p, http.StatusInternalServerError, "text/plain", "oops") },
			want:    []tokens.EventType{tokens.EventRefreshFailed},
			levels:  []string{"WARN"},
		},
		"save failed": {
			arrange: func(_ *provider, store *hooked) {
				store.swap = func(n int, _ string, _, _ []byte) error {
					if n > 2 { // Put's and the lease pass
						return errors.New("disk full")
					}
					return nil
				}
			},
			want:   []tokens.EventType{tokens.EventSaveFailed},
			levels: []string{"ERROR"},
		},
		"login required": {
			arrange: func(p *provider, _ *hooked) { refusalOf(p, http.StatusBadRequest, "application/json", refusalDead) },
			want:    []tokens.EventType{tokens.EventRefreshFailed, tokens.EventLoginRequired},
			levels:  []string{"WARN", "INFO"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, store, events, lines := newProvider(), &hooked{Store: new(tokens.Memory)}, new(eventLog), new(bytes.Buffer)
				row.arrange(p, store)
				m := newManager(p.config(), store, &tokens.Options{
					OnEvent: events.add,
					Logger:  slog.New(slog.NewJSONHandler(lines, &slog.HandlerOptions{Level: slog.LevelDebug})),
				})
				require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
				time.Sleep(p.lives)
				_, err := m.Token(t.Context(), "user")
				synctest.Wait()

				assert.Equal(t, row.want, events.types())
				var levels []string
				for line := range strings.Lines(lines.String()) {
					var logged struct {
						Level, Msg, Key, Err string
						Took                 time.Duration
					}
					require.NoError(t, json.Unmarshal([]byte(line), &logged))
					event := events.all[len(levels)]
					levels = append(levels, logged.Level)
					assert.Equal(t, "tokens: "+string(event.Type), logged.Msg)
					assert.Equal(t, tokens.KeyHash("user"), logged.Key)
					assert.Equal(t, "user", event.Key)
					assert.Equal(t, event.Took, logged.Took)
					assert.Equal(t, event.Type == tokens.EventRefreshed, event.Err == nil)
					if event.Err != nil {
						assert.Equal(t, event.Err.Error(), logged.Err)
					}
				}
				assert.Equal(t, row.levels, levels)
				if name == "refreshed" || name == "save failed" {
					assert.NoError(t, err)
					assert.Equal(t, p.takes, events.all[0].Took)
				} else {
					assert.Error(t, err)
				}
				store.mu.Lock()
				store.swap = nil
				store.mu.Unlock()
				require.NoError(t, m.Close())
				if name == "save failed" {
					assert.Equal(t, tokens.EventRefreshed, events.types()[1], "in the end it is stored")
				}
			})
		})
	}
}

func TestFailureOfTheStoreIsAnEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store, events := newProvider(), &hooked{Store: new(tokens.Memory)}, new(eventLog)
		m := replicas(t, 1, p, store, &tokens.Options{OnEvent: events.add})[0]
		atEnd(p)
		store.swap = func(int, string, []byte, []byte) error { return errStoreDown }
		_, err := m.Token(t.Context(), "user")
		require.ErrorIs(t, err, errStoreDown)
		synctest.Wait()
		require.Equal(t, []tokens.EventType{tokens.EventRefreshFailed}, events.types())
		assert.Zero(t, events.all[0].Took, "the token endpoint was not asked")
		assert.Zero(t, p.asked())
	})
}

func TestEndOfALoginElsewhereIsAnEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store, events := newProvider(), new(tokens.Memory), new(eventLog)
		here := replicas(t, 1, p, store, &tokens.Options{OnEvent: events.add})[0]
		require.NoError(t, replica(t, p, store, nil).Delete(t.Context(), "user"))
		time.Sleep(time.Minute)
		access(t, here) // has the store looked at
		synctest.Wait()
		require.Equal(t, []tokens.EventType{tokens.EventLoginRequired}, events.types())
		assert.ErrorIs(t, events.all[0].Err, csoauth.ErrLoginRequired)

		_, err := here.Token(t.Context(), "user")
		require.ErrorIs(t, err, csoauth.ErrLoginRequired)
		synctest.Wait()
		assert.Len(t, events.types(), 1, "somebody who was never there does not end")
	})
}

func TestLogoutIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, events := newProvider(), new(eventLog)
		refusalOf(p, http.StatusBadRequest, "application/json", refusalDead)
		m := replicas(t, 1, p, new(tokens.Memory), &tokens.Options{OnEvent: events.add})[0]
		for range 3 * 60 {
			time.Sleep(time.Minute)
			_, _ = m.Token(t.Context(), "user")
		}
		synctest.Wait()
		ends := slices.DeleteFunc(events.types(), func(e tokens.EventType) bool { return e != tokens.EventLoginRequired })
		assert.Len(t, ends, 1)
	})
}

func TestOnEventMayUseTheManager(t *testing.T) {
	for name, use := range map[string]func(context.Context, *tokens.Manager) error{
		"Token": func(ctx context.Context, m *tokens.Manager) error { _, err := m.Token(ctx, "user"); return err },
		"Put": func(ctx context.Context, m *tokens.Manager) error {
			return m.Put(ctx, "user", &csoauth.Token{AccessToken: "a"})
		},
		"Delete": func(ctx context.Context, m *tokens.Manager) error { return m.Delete(ctx, "user") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newProvider()
				var m *tokens.Manager
				used := make(chan error, 1)
				m = newManager(p.config(), new(tokens.Memory), &tokens.Options{OnEvent: func(tokens.Event) { used <- use(context.Background(), m) }})
				require.NoError(t, m.Put(t.Context(), "user", p.login("user")))
				atEnd(p)
				access(t, m)
				assert.NoError(t, <-used)
				require.NoError(t, m.Close())
			})
		})
	}
}

func TestKeyHashTellsKeysApartAndNotWhatTheyAre(t *testing.T) {
	assert.Equal(t, "04f8996da763b7a9", tokens.KeyHash("user"), "it must stay as it is: people have it in their logs")
	assert.NotEqual(t, tokens.KeyHash("user"), tokens.KeyHash("user2"))
	assert.Len(t, tokens.KeyHash(strings.Repeat("k", 512)), 16)
}

func TestEventPrintsTheHashOfItsKey(t *testing.T) {
	const key, hash = "ada@example.com", "b5fc85e55755f9e0"
	event := tokens.Event{Type: tokens.EventRefreshFailed, Key: key, Err: errors.New("oops"), Took: 2 * time.Second}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		for _, value := range []any{event, &event, []tokens.Event{event}, struct{ E tokens.Event }{event}} {
			text := fmt.Sprintf(format, value)
			assert.NotContains(t, text, "ada", format)
			assert.Contains(t, text, hash, format)
		}
	}
	assert.Equal(t, "key "+hash+": refresh failed in 2s: oops", fmt.Sprint(event))
	assert.Equal(t, "key "+hash+": refreshed", fmt.Sprint(tokens.Event{Type: tokens.EventRefreshed, Key: key}))

	lines := new(bytes.Buffer)
	slog.New(slog.NewTextHandler(lines, nil)).Info("event", "e", event)
	assert.Contains(t, lines.String(), `e.type="refresh failed" e.key=`+hash+` e.took=2s e.err=oops`)
}
