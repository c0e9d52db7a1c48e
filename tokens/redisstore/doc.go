// Package redisstore stores tokens in Redis, for a backend with several replicas:
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
// A swap that has returned must survive a crash. Otherwise a user may have to log in again. Redis
// keeps this promise with these settings:
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
// If the Redis user lacks a right, the error says which right to grant. The Store does not notice a
// maxmemory-policy that evicts keys, so check it yourself.
//
// A replica that becomes the master lacks the writes that had not reached it. No setting prevents
// this, but min-replicas-to-write makes it rarer. If the newest pair of a login is lost, a process
// that has it in memory writes it back. If no process has it, the user must log in again.
//
// A Load is a command that writes nothing but that only a master accepts. So no Load can read from
// a replica that lags behind. The price: while Redis refuses writes, because replicas are missing
// or the disk is full, it refuses Loads too. A process that starts at that time has no tokens.
// Writable replicas, and replication between several masters, break the contract of a Store.
//
// # What Redis holds
//
// There is one hash per login. Its name is the prefix and {the SHA-256 of the key}, so a login is
// in one slot of a cluster. Its fields are the key and the value.
//
// Without [tokens.Sealed] the value is the token. Everyone who can read the database, SLOWLOG,
// MONITOR, the append-only file or a backup can then read the token. With tokens.Sealed they read
// only a sealed value and the key, which may be a name of your user.
package redisstore
