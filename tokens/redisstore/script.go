package redisstore

import (
	"crypto/sha1"
	"encoding/hex"
)

// A script runs in Redis, and nothing else runs meanwhile.
type script struct {
	text string
	sum  string // by which Redis finds it: SHA-1, and not a matter of safety
}

func newScript(text string) script {
	sum := sha1.Sum([]byte(text))
	return script{text, hex.EncodeToString(sum[:])}
}

// load returns the key and the value, or nothing. A replica could serve that, and might be behind.
// Therefore load begins with HDEL of a field that never exists: it changes nothing, and a replica
// refuses it.
var load = newScript(`
redis.call('HDEL', KEYS[1], 'none')
local kept = redis.call('HMGET', KEYS[1], 'key', 'value')
if not kept[2] then
	return {}
end
return kept
`)

// swap returns 1 if the value is new now, and 0 if it is neither old nor new. Its arguments are the
// key; whether there is an old value, and that; whether there is a new one, and that; and how many
// milliseconds the login stays, or 0.
var swap = newScript(`
local value = redis.call('HGET', KEYS[1], 'value')
local old, new = false, false
if ARGV[2] == '1' then
	old = ARGV[3]
end
if ARGV[4] == '1' then
	new = ARGV[5]
end
if value == new then
	return 1
end
if value ~= old then
	return 0
end
if not new then
	redis.call('DEL', KEYS[1])
	return 1
end
redis.call('HSET', KEYS[1], 'key', ARGV[1], 'value', new)
if ARGV[6] == '0' then
	redis.call('PERSIST', KEYS[1])
else
	redis.call('PEXPIRE', KEYS[1], ARGV[6])
end
return 1
`)
