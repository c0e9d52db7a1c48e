package httplogin

import (
	"errors"
	"fmt"
	"log/slog"
)

// Keys seal the cookies of [Handlers]. A [][]byte can be assigned to them. They print as their
// number, also in Handlers that stand by value in an exported field: fmt does not call the Format
// of those.
type Keys [][]byte

// Format prints how many keys there are, under every verb.
func (k Keys) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "%d keys", len(k)) }

// LogValue logs how many keys there are.
func (k Keys) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(k)) }

// MarshalText fails. It keeps encoding/json and other encoders from writing the keys.
func (k Keys) MarshalText() ([]byte, error) {
	return nil, errors.New("httplogin: Keys are secret and do not marshal")
}
