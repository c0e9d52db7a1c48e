package storetest

import "time"

// SetPatience sets how long the tests of Run wait for what must happen.
func SetPatience(d time.Duration) { patience = d }

// HostileKeys are the keys that testKeys tries.
var HostileKeys = hostileKeys
