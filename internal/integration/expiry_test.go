package integration_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/contentstack/csoauth/internal/integration/fositeserver"
)

func TestExpiryIsThatOfTheAnswer(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name           string
		lifetime, want time.Duration
		valid          bool
	}{
		{"shorter than it takes to use it", 5 * time.Second, 5 * time.Second, false},
		{"twenty minutes", 20 * time.Minute, 20 * time.Minute, true},
		{"longer than a day is not believed", 48 * time.Hour, 24 * time.Hour, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFront(t, startFosite(t, &fositeserver.Options{AccessTokenLifetime: test.lifetime}))
			c := f.config(publicApp)
			token := f.logIn(t, c, nil)
			assert.WithinDuration(t, time.Now().Add(test.want), token.Expiry, 4*time.Second)
			assert.Equal(t, test.valid, token.Valid())

			renewed := refresh(t, c, token)
			assert.WithinDuration(t, time.Now().Add(test.want), renewed.Expiry, 4*time.Second)
			assert.Equal(t, test.valid, renewed.Valid())
		})
	}
}
