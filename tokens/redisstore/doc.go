// Package redisstore keeps tokens in Redis, for the replicas of a backend:
//
//	rdb := redis.NewClient(&redis.Options{Addr: "localhost:6379"}) // github.com/redis/go-redis/v9
//	store, err := tokens.Sealed(redisstore.New(rdb.Do, nil), key)
//	users := tokens.New(config, store, nil)
//
// It imports no client. [New] takes the Do of github.com/redis/go-redis/v9 as it is, and [NewFunc] a function over any other.
//
// # What the server must keep
//
// A swap that has returned must outlive a crash, or a user may have to log in again. Redis keeps that promise with
//
//	appendonly yes
//	appendfsync always
//	maxmemory-policy noeviction
//
// With appendfsync everysec, its default, or no-appendfsync-on-rewrite, a crash of the machine loses what was written in the last second or
// more; without appendonly, all since the last snapshot. When memory is full, the allkeys policies delete logins, and the volatile ones those with a
// TTL. A replica that is promoted lacks what had not reached it: no setting rules that out, min-replicas-to-write makes it rarer. A login whose newest pair
// is lost goes on while a process has that pair in memory, and writes it back; otherwise its user logs in again.
//
// A Load is a command that writes nothing and that only a master takes, so that nobody reads a replica that is behind. The price: while Redis refuses
// writes, for want of replicas or of disk, it refuses Loads, too, and a process that starts then has no tokens. A replica that may be written, and
// replication between several masters, cannot keep the contract of a Store at all.
//
// # What is in it
//
// One hash per login: its name is the prefix and {the SHA-256 of the key}, its fields are the key and the value. So all of a login
// is in one slot of a cluster. Without [tokens.Sealed], the value is the token, which whoever may read the database reads, and with it SLOWLOG,
// MONITOR, the append-only file and every backup. With it, they hold a sealed value, and the key: a name for your user.
package redisstore
