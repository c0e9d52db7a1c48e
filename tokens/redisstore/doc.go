// Package redisstore keeps tokens in Redis, for the replicas of a backend:
//
//	rdb := redis.NewClient(&redis.Options{Addr: "localhost:6379"}) // github.com/redis/go-redis/v9
//	redisStore, err := redisstore.New(rdb.Do, nil)
//	store, err := tokens.Sealed(redisStore, key)
//	users, err := tokens.New(config, store, nil)
//
// The package imports no Redis client. [New] takes the Do method of github.com/redis/go-redis/v9,
// and [NewFunc] takes a function over any other client.
//
// # Settings of the server
//
// A swap that has returned must survive a crash, or a user may have to log in again. Redis keeps
// this promise with
//
//	appendonly yes
//	appendfsync always
//	maxmemory-policy noeviction
//
// With appendfsync everysec, the default, or with no-appendfsync-on-rewrite, a crash of the machine
// loses the writes of the last second or more. Without appendonly it loses all writes since the
// last snapshot. When memory is full, the allkeys policies delete logins, and the volatile policies
// delete logins with a TTL.
//
// An error of a user who lacks a right says what to grant. A maxmemory-policy that evicts is not
// noticed: look at it once.
//
// A replica that is promoted lacks the writes that had not reached it. No setting prevents this;
// min-replicas-to-write makes it rarer. If the newest pair of a login is lost, a process that has
// it in memory writes it back. If there is none, the user logs in again.
//
// A Load is a command that writes nothing and that only a master accepts, so nobody reads from a
// replica that is behind. Its price: while Redis refuses writes, because replicas are missing or
// the disk is full, it refuses Loads too, and a process that starts then has no tokens. Writable
// replicas, and replication between several masters, cannot keep the contract of a Store at all.
//
// # What Redis holds
//
// There is one hash per login. Its name is the prefix and {the SHA-256 of the key}, so a login is
// in one slot of a cluster. Its fields are the key and the value. Without [tokens.Sealed] the value
// is the token, which everyone can read who reads the database, SLOWLOG, MONITOR, the append-only
// file or a backup. With it they read a sealed value and the key, which may be a name of your user.
package redisstore
