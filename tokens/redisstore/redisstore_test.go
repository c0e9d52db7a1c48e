package redisstore_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/contentstack/csoauth/tokens"
	"github.com/contentstack/csoauth/tokens/redisstore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// What needs a server is tested in internal/integration.

// A client answers with replies, one after the other, and remembers what it was sent.
type client struct {
	replies []any // errors too
	sent    [][]any
}

func (c *client) do(_ context.Context, args ...any) (any, error) {
	c.sent = append(c.sent, args)
	reply := c.replies[0]
	c.replies = c.replies[1:]
	err, _ := reply.(error)
	return reply, err
}

func TestTextOfAScriptIsSentOnceItIsMissed(t *testing.T) {
	c := &client{replies: []any{errors.New("NOSCRIPT No matching script."), []any{[]byte("ada"), []byte("value")}, []any{"ada", "value"}}}
	s := redisstore.NewFunc(c.do, nil)
	for range 2 {
		value, err := s.Load(t.Context(), "ada")
		require.NoError(t, err)
		assert.Equal(t, "value", string(value))
	}
	require.Len(t, c.sent, 3)
	assert.Equal(t, "EVALSHA", c.sent[0][0], "and nobody has written into it since")
	assert.Equal(t, "EVAL", c.sent[1][0])
	assert.Equal(t, c.sent[0][2:], c.sent[1][2:])
	assert.Equal(t, c.sent[0], c.sent[2])
	for _, arg := range c.sent[0] {
		assert.IsType(t, "", arg)
	}
	assert.Regexp(t, `^csoauth:\{[0-9a-f]{64}\}$`, c.sent[0][3])
}

func TestReplyThatCannotBe(t *testing.T) {
	for want, reply := range map[string]any{
		"the reply is string":            "x",
		"want an array of two strings":   []any{"ada"},
		"the reply has string and <nil>": []any{"ada", nil},
		"is another key's":               []any{"alan", "value"},
		"the server is down":             errors.New("the server is down"),
	} {
		_, err := redisstore.NewFunc((&client{replies: []any{reply}}).do, nil).Load(t.Context(), "ada")
		require.ErrorContains(t, err, want)
		require.NotErrorIs(t, err, tokens.ErrNotFound)
	}
	err := redisstore.NewFunc((&client{replies: []any{"OK"}}).do, nil).CompareAndSwap(t.Context(), "ada", nil, []byte{})
	require.ErrorContains(t, err, "the reply is string, want an integer")
}

func TestCallsThatNeedNoServer(t *testing.T) {
	none := func(context.Context, ...any) (any, error) {
		t.Error("the server is asked")
		return nil, nil
	}
	for want, o := range map[string]*redisstore.Options{"is negative": {TTL: -1}, "less than a millisecond": {TTL: time.Microsecond}} {
		_, err := redisstore.NewFunc(none, o).Load(t.Context(), "ada")
		require.ErrorContains(t, err, want)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, redisstore.NewFunc(none, nil).CompareAndSwap(ctx, "ada", nil, []byte{}), context.Canceled)
}
