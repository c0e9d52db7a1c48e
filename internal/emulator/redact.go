package emulator

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
)

const redacted = "REDACTED"

// A maskedApp is an App without its secrets and without its methods.
type maskedApp App

func (a App) masked() maskedApp {
	if a.ClientSecret != "" {
		a.ClientSecret = redacted
	}
	a.RedirectURIs = slices.Clone(a.RedirectURIs)
	for i, uri := range a.RedirectURIs {
		if strings.Contains(uri, "@") { // it may hold a password
			a.RedirectURIs[i] = redacted
		}
	}
	return maskedApp(a)
}

// Format prints the App under every verb, its client secret masked.
func (a App) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "%+v", a.masked()) }

// LogValue logs the App, its client secret masked.
func (a App) LogValue() slog.Value { return slog.AnyValue(a.masked()) }

// MarshalText fails. It keeps encoding/json and other encoders from writing the client secret.
func (a App) MarshalText() ([]byte, error) {
	return nil, errors.New("emulator: an App may hold a client secret and does not marshal")
}

// Format prints the Options as %+v does, under every verb. Under a verb that does not fit, such as
// %s for a pointer in a slice, fmt would not call the Format of the Apps in them.
func (o Options) Format(f fmt.State, _ rune) {
	type options Options
	fmt.Fprintf(f, "%+v", options(o))
}

// Format keeps secrets, codes and tokens out of what fmt prints.
func (e *Emulator) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "emulator.Emulator") }
