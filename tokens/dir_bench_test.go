package tokens_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/tokens"
)

// BenchmarkDir loads one value from a directory, looks for one that is not there, and swaps one for
// another.
func BenchmarkDir(b *testing.B) {
	dir := tokens.Dir(filepath.Join(b.TempDir(), "tokens"))
	values := [][]byte{make([]byte, 2000), make([]byte, 2001)}
	require.NoError(b, dir.CompareAndSwap(b.Context(), dirKey, nil, values[0]))
	b.Run("load", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := dir.Load(b.Context(), dirKey); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("miss", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := dir.Load(b.Context(), "nobody"); err == nil {
				b.Fatal("a value that nobody stored")
			}
		}
	})
	b.Run("swap", func(b *testing.B) {
		b.ReportAllocs()
		for n := 0; b.Loop(); n++ {
			value, err := dir.Load(b.Context(), dirKey)
			require.NoError(b, err)
			require.NoError(b, dir.CompareAndSwap(b.Context(), dirKey, value, values[(len(value)+1)%2]))
		}
	})
}
