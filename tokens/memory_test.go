package tokens_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/tokens"
	"github.com/contentstack/csoauth/tokens/storetest"
)

// TestMemory has one Memory for each dir, as one process would.
func TestMemory(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	stores := map[string]*tokens.Memory{}
	storetest.Run(t, func(_ testing.TB, dir string) tokens.Store {
		mu.Lock()
		defer mu.Unlock()
		if stores[dir] == nil {
			stores[dir] = &tokens.Memory{}
		}
		return stores[dir]
	})
}

func TestMemoryPrintsNoValues(t *testing.T) {
	const key, value = "session-KKKK", "VVVV"
	holder := struct{ Store tokens.Memory }{}
	require.NoError(t, holder.Store.CompareAndSwap(t.Context(), key, nil, []byte(value)))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, text := range []string{fmt.Sprintf(verb, &holder.Store), fmt.Sprintf(verb, &holder)} {
			for _, secret := range []string{"VVVV", "KKKK", "86 86", "56565656", "0x56, 0x56"} {
				assert.NotContains(t, text, secret, verb)
			}
		}
	}
}
