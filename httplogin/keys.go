package httplogin

import (
	"errors"
	"fmt"
	"log/slog"
)

// Keys seal the cookies of [Handlers]. You can assign a [][]byte to Keys. fmt prints only how many
// keys there are. This also protects Handlers that another struct holds by value, because fmt does
// not call the Format method of such Handlers.
type Keys [][]byte

// Format prints how many keys there are, under every verb.
func (k Keys) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "%d keys", len(k)) }

// LogValue logs how many keys there are.
func (k Keys) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(k)) }

// MarshalText always fails, so that encoding/json and other encoders do not write the keys.
func (k Keys) MarshalText() ([]byte, error) {
	return nil, errors.New("httplogin: Keys are secret and do not marshal")
}
