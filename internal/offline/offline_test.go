package offline_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	_ "github.com/contentstack/csoauth/internal/offline"
)

func TestOnlyLoopbackIsReachedDirectly(t *testing.T) {
	for url, direct := range map[string]bool{
		"http://127.0.0.1:80/":         true,
		"http://[::1]:80/":             true,
		"http://localhost:80/":         true,
		"https://localhost/":           true,
		"http://app.contentstack.com/": false,
		"https://192.0.2.1/":           false,
	} {
		r, err := http.NewRequest(http.MethodGet, url, nil)
		require.NoError(t, err)
		proxy, err := http.ProxyFromEnvironment(r)
		require.NoError(t, err)
		assert.Equal(t, direct, proxy == nil, "%s goes to %v", url, proxy)
	}
}
