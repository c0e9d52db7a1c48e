package tokens_test

import (
	"context"
	"fmt"
	"hash/fnv"
	"testing"
	"time"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/tokens"
	"github.com/contentstack/csoauth/tokens/storetest"
)

// shards is a Store over several databases. A hash of its key names the database of a login. The
// list must stay as it is: with one more database, most logins would be looked for in another one.
type shards []tokens.Store

func (s shards) of(key string) tokens.Store {
	hash := fnv.New32a()
	hash.Write([]byte(key))
	return s[hash.Sum32()%uint32(len(s))]
}

func (s shards) Load(ctx context.Context, key string) ([]byte, error) {
	return s.of(key).Load(ctx, key)
}

func (s shards) CompareAndSwap(ctx context.Context, key string, old, new []byte) error {
	return s.of(key).CompareAndSwap(ctx, key, old, new)
}

func ExampleStore_shards() {
	store := shards{new(tokens.Memory), new(tokens.Memory), new(tokens.Memory)} // for example one pgstore for each database
	config := &csoauth.Config{AppUID: "app", ClientID: "client", RedirectURI: "https://app.example.com/callback"}
	manager, err := tokens.New(config, store, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer manager.Close()

	ctx := context.Background()
	for user := range 300 {
		token := &csoauth.Token{AccessToken: fmt.Sprintf("access-%d", user), RefreshToken: fmt.Sprintf("refresh-%d", user), Expiry: time.Now().Add(time.Hour)}
		if err := manager.Put(ctx, fmt.Sprintf("user-%d", user), token); err != nil {
			fmt.Println(err)
		}
	}
	found := 0
	for user := range 300 {
		if _, err := store.of(fmt.Sprintf("user-%d", user)).Load(ctx, fmt.Sprintf("user-%d", user)); err == nil {
			found++
		}
	}
	fmt.Println(found, "users, each in one of", len(store), "databases")
	// Output: 300 users, each in one of 3 databases
}

func TestShardsAreAStore(t *testing.T) {
	storetest.Run(t, func(_ testing.TB, dir string) tokens.Store {
		return shards{tokens.Dir(dir + "/a"), tokens.Dir(dir + "/b"), tokens.Dir(dir + "/c")}
	})
}
