package natsstore_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/csoauthtest"
	"github.com/contentstack/csoauth/examples/natsstore"
	"github.com/contentstack/csoauth/tokens"
	"github.com/contentstack/csoauth/tokens/storetest"
)

// patience is how long a server may take to start on a busy machine.
const patience = 2 * time.Minute

func TestStore(t *testing.T) {
	for _, size := range []int{1, 3} {
		t.Run(fmt.Sprintf("servers=%d", size), func(t *testing.T) {
			servers := start(t, size)
			opened := 0
			storetest.Run(t, func(t testing.TB, dir string) tokens.Store {
				opened++ // each handle talks to another server of a cluster
				store, err := natsstore.Open(t.Context(), connect(t, servers[opened%size]), bucketOf(dir), size)
				require.NoError(t, err)
				return store
			})
		})
	}
}

// bucketOf returns a name for the bucket that dir stands for.
func bucketOf(dir string) string {
	sum := sha256.Sum256([]byte(dir))
	return hex.EncodeToString(sum[:8])
}

// TestReplicasRefreshOnce has two processes that need a new token at the same moment. A second use
// of a refresh token would end the login, and is a finding that fails the test.
func TestReplicasRefreshOnce(t *testing.T) {
	servers := start(t, 1)
	contentstack := csoauthtest.NewServer(t, nil)
	config := contentstack.Config("https://app.example/callback")
	token := contentstack.Login(config)
	token.Expiry = time.Now() // so that the first use refreshes it
	replica := func() *tokens.Manager {
		store, err := natsstore.Open(t.Context(), connect(t, servers[0]), "logins", 1)
		require.NoError(t, err)
		users, err := tokens.New(config, store, nil)
		require.NoError(t, err)
		t.Cleanup(func() { assert.NoError(t, users.Close()) })
		return users
	}
	replicas := []*tokens.Manager{replica(), replica()}
	require.NoError(t, replicas[0].Put(t.Context(), "ada", token))
	got, errs := make([]*csoauth.Token, 2), make([]error, 2)
	var both sync.WaitGroup
	for i, users := range replicas {
		both.Go(func() { got[i], errs[i] = users.Token(t.Context(), "ada") })
	}
	both.Wait()
	require.NoError(t, errors.Join(errs...))
	assert.NotEqual(t, token.AccessToken, got[0].AccessToken, "it was refreshed")
	assert.Equal(t, got[0].AccessToken, got[1].AccessToken)
}

func TestSwapSurvivesARestart(t *testing.T) {
	options := optionsOf(t)
	first := run(t, options)
	require.True(t, first.ReadyForConnections(patience))
	store, err := natsstore.Open(t.Context(), connect(t, first), "logins", 1)
	require.NoError(t, err)
	require.NoError(t, store.CompareAndSwap(t.Context(), "ada", nil, []byte("value")))
	first.Shutdown()
	first.WaitForShutdown()

	second := run(t, options)
	require.True(t, second.ReadyForConnections(patience))
	store, err = natsstore.Open(t.Context(), connect(t, second), "logins", 1)
	require.NoError(t, err)
	value, err := store.Load(t.Context(), "ada")
	require.NoError(t, err)
	assert.Equal(t, "value", string(value))
}

func TestBucketThatCouldLoseALoginIsRefused(t *testing.T) {
	js := connect(t, start(t, 1)[0])
	good := jetstream.StreamConfig{
		Name: "KV_logins", Subjects: []string{"$KV.logins.>"}, MaxMsgsPerSubject: 1,
		Discard: jetstream.DiscardNew, AllowRollup: true, AllowMsgTTL: true,
	}
	for want, change := range map[string]func(c *jetstream.StreamConfig){
		"":                              func(c *jetstream.StreamConfig) { c.Description = "made by someone else" },
		"a follower could serve an old": func(c *jetstream.StreamConfig) { c.AllowDirect = true },
		"set max_age to 0":              func(c *jetstream.StreamConfig) { c.MaxAge = time.Hour },
		"and discard to new":            func(c *jetstream.StreamConfig) { c.Discard = jetstream.DiscardOld },
		"set storage to file":           func(c *jetstream.StreamConfig) { c.Storage = jetstream.MemoryStorage },
		"set allow_rollup_hdrs":         func(c *jetstream.StreamConfig) { c.AllowRollup = false },
		"and allow_msg_ttl":             func(c *jetstream.StreamConfig) { c.AllowMsgTTL = false },
		"and persist_mode to default":   func(c *jetstream.StreamConfig) { c.PersistMode = jetstream.AsyncPersistMode },
		"is a copy of another stream":   func(c *jetstream.StreamConfig) { c.Sources = []*jetstream.StreamSource{{Name: "KV_other"}} },
	} {
		config := good
		change(&config)
		_, err := js.CreateStream(t.Context(), config)
		require.NoError(t, err, want)
		_, err = natsstore.Open(t.Context(), js, "logins", 1)
		if want == "" {
			assert.NoError(t, err)
		} else {
			assert.ErrorContains(t, err, want)
		}
		require.NoError(t, js.DeleteStream(t.Context(), config.Name))
	}
}

// start returns servers that have begun to serve JetStream, as a cluster if there are several.
func start(t *testing.T, size int) (servers []*server.Server) {
	if size == 1 {
		servers = []*server.Server{run(t, optionsOf(t))}
	} else {
		// A server that is to have peers wants the address of one. The first has only this.
		routes := server.RoutesFromStr("nats://127.0.0.1:1")
		for i := range size {
			options := optionsOf(t)
			options.ServerName = fmt.Sprintf("server-%d", i)
			options.Cluster = server.ClusterOpts{Name: "cluster", Host: "127.0.0.1", Port: -1}
			options.Routes = routes
			servers = append(servers, run(t, options))
			if i == 0 {
				routes = server.RoutesFromStr("nats://" + clusterAddr(t, servers[0]))
			}
		}
	}
	for _, s := range servers {
		require.True(t, s.ReadyForConnections(patience), "a server does not start")
	}
	js := connect(t, servers[0])
	eventually(t, func() bool {
		_, err := js.AccountInfo(t.Context())
		return err == nil && !slices.ContainsFunc(servers, func(s *server.Server) bool { return size > 1 && !s.JetStreamIsCurrent() })
	}, "the servers are no cluster")
	return servers
}

func clusterAddr(t *testing.T, s *server.Server) string {
	eventually(t, func() bool { return s.ClusterAddr() != nil }, "the server does not listen for its peers")
	return s.ClusterAddr().String()
}

func eventually(t *testing.T, done func() bool, otherwise string) {
	t.Helper()
	require.Eventually(t, done, patience, 20*time.Millisecond, otherwise)
}

func optionsOf(t *testing.T) *server.Options {
	return &server.Options{
		Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: t.TempDir(), SyncAlways: true,
	}
}

func run(t *testing.T, options *server.Options) *server.Server {
	t.Helper()
	s, err := server.NewServer(options)
	require.NoError(t, err)
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	return s
}

func connect(t testing.TB, s *server.Server) jetstream.JetStream {
	t.Helper()
	conn, err := nats.Connect(s.ClientURL())
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	require.NoError(t, err)
	return js
}
