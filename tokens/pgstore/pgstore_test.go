package pgstore_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/contentstack/csoauth/tokens/pgstore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// What needs a server is tested in internal/integration.

func TestTableIsAName(t *testing.T) {
	for table, want := range map[string]string{
		"":                      `"csoauth_tokens"`,
		"logins":                `"logins"`,
		"app.logins_2":          `"app"."logins_2"`,
		"_x":                    `"_x"`,
		`x"; DROP y; `:          "",
		"Logins":                "",
		"a.b.c":                 "",
		"1a":                    "",
		".":                     "",
		"a.":                    "",
		"log ins":               "",
		"über":                  "",
		strings.Repeat("a", 64): "",
	} {
		s := pgstore.New(nil, &pgstore.Options{Table: table})
		if want != "" {
			assert.Contains(t, s.Schema(), "EXISTS "+want+" (")
			continue
		}
		_, err := s.Load(t.Context(), "key")
		require.ErrorContains(t, err, "pgstore: load: Options.Table", table)
		require.ErrorContains(t, s.CompareAndSwap(t.Context(), "key", nil, []byte{}), "pgstore: swap: Options.Table", table)
		require.ErrorContains(t, s.Migrate(t.Context()), "pgstore: migrate: Options.Table", table)
	}
	assert.Contains(t, pgstore.New(nil, &pgstore.Options{Table: `x"; DROP y`}).Schema(), `EXISTS "x""; DROP y" (`, "it stays one name")
}
