package redisstore_test

import (
	"context"
	"fmt"
	"time"

	"github.com/contentstack/csoauth/tokens/redisstore"
)

// A Store with a client of github.com/redis/go-redis/v9. It is for tokens.New, best under
// tokens.Sealed.
func ExampleNew() {
	rdb := redisClient() // redis.NewClient(&redis.Options{Addr: "localhost:6379", ContextTimeoutEnabled: true})
	store, err := redisstore.New(rdb.Do, &redisstore.Options{
		Prefix: "myapp:",
		TTL:    90 * 24 * time.Hour,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	fmt.Println(store.CompareAndSwap(ctx, "ada", nil, []byte("a value")))
	value, err := store.Load(ctx, "ada")
	fmt.Println(string(value), err)
	// Output:
	// <nil>
	// a value <nil>
}

// A Store with any other client. The function sends one command, and returns its reply.
func ExampleNewFunc() {
	send := redisClient().send // such as Do of your client
	store, err := redisstore.NewFunc(func(ctx context.Context, args ...any) (any, error) {
		return send(ctx, args...)
	}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = store.Load(context.Background(), "ada")
	fmt.Println(err)
	// Output: redisstore: load: not found
}

// redisClient returns a client of a Redis in memory.
func redisClient() *client { return &client{new(server)} }

type client struct{ server *server }

func (c *client) Do(ctx context.Context, args ...any) cmd { return c.server.goRedis(ctx, args...) }

func (c *client) send(ctx context.Context, args ...any) (any, error) {
	return c.server.do(ctx, args...)
}
