package csoauthtest

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/contentstack/csoauth/internal/emulator"
)

// Format prints the App under every verb, its client secret masked.
func (a App) Format(f fmt.State, verb rune) { emulator.App(a).Format(f, verb) }

// LogValue logs the App, its client secret masked.
func (a App) LogValue() slog.Value { return emulator.App(a).LogValue() }

// MarshalText always fails, because an App may hold a client secret. This keeps encoding/json and
// other encoders from writing the secret.
func (a App) MarshalText() ([]byte, error) {
	return nil, errors.New("csoauthtest: an App may hold a client secret and does not marshal: write the fields you need")
}

// Format prints the Options as %+v does, under every verb. This masks the secrets of the Apps under
// every verb. fmt alone would not call their Format under a verb that does not fit, such as %s for
// a pointer.
func (o Options) Format(f fmt.State, _ rune) {
	type options Options
	fmt.Fprintf(f, "%+v", options(o))
}

// Format prints only the Server's URL under every verb, and none of its secrets.
func (s Server) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "csoauthtest.Server(%s)", s.URL) }
