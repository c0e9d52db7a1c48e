package emulator_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/internal/emulator"
)

const configFile = `{
	"region": "AZURE_EU",
	"access_token_lifetime": "90s",
	"refresh_token_lifetime": "24h",
	"code_lifetime": "10s",
	"unknowns": {"error_shape": "nestjs", "reuse": "none"},
	"apps": [{"uid": "u1", "client_id": "c1", "client_secret": "s1", "name": "One",
		"redirect_uris": ["http://localhost:3000/cb"], "allow_pkce": true, "scopes": ["user:read"]}],
	"users": [{"uid": "b1", "email": "b@example.com", "first_name": "Bea", "last_name": "Two",
		"organizations": [{"uid": "o1", "name": "Org"}]}]
}`

func TestConfigIsReadWhole(t *testing.T) {
	o, err := emulator.ReadConfig(strings.NewReader(configFile), "strict")
	require.NoError(t, err)
	require.Equal(t, emulator.Options{
		Location: "AZURE_EU", AccessTokenLifetime: 90 * time.Second, RefreshTokenLifetime: 24 * time.Hour, CodeLifetime: 10 * time.Second,
		Unknowns: emulator.Unknowns{ErrorShape: "nestjs", Reuse: "none"},
		Apps: []emulator.App{{
			UID: "u1", ClientID: "c1", ClientSecret: "s1", Name: "One",
			RedirectURIs: []string{"http://localhost:3000/cb"}, AllowPKCE: true, Scopes: []string{"user:read"},
		}},
		Users: []emulator.User{{
			UID: "b1", Email: "b@example.com", FirstName: "Bea", LastName: "Two",
			Organizations: []emulator.Organization{{UID: "o1", Name: "Org"}},
		}},
	}, o)
	_, err = emulator.New(o)
	require.NoError(t, err)

	o, err = emulator.ReadConfig(strings.NewReader("{}"), "")
	require.NoError(t, err)
	require.Equal(t, emulator.Realistic(), o)
}

func TestPresetOfAConfig(t *testing.T) {
	for name, row := range map[string]struct {
		file, preset string
		want         emulator.Options
	}{
		"of the file":     {`{"preset": "strict"}`, "", emulator.Strict()},
		"of the caller":   {`{"preset": "realistic"}`, "strict", emulator.Strict()},
		"of both":         {`{"preset": "strict"}`, "realistic", emulator.Realistic()},
		"with tolerance":  {`{"preset": "strict", "tolerate": ["scope-widened"]}`, "", emulator.Options{Tolerate: []string{"scope-widened"}}},
		"named twice":     {`{"preset": "strict", "tolerate": ["scope-widened", "scope-widened"]}`, "", emulator.Options{Tolerate: []string{"scope-widened"}}},
		"without any":     {`{"preset": "strict", "tolerate": ["scope-widened"], "refuse": ["scope-widened"]}`, "", emulator.Options{Tolerate: []string{}}},
		"with an unknown": {`{"preset": "strict", "unknowns": {"reuse": "refuse"}}`, "", emulator.Options{Unknowns: emulator.Unknowns{Reuse: "refuse"}}},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := emulator.ReadConfig(strings.NewReader(row.file), row.preset)
			require.NoError(t, err)
			require.Equal(t, row.want, o)
		})
	}
	_, err := emulator.ReadConfig(strings.NewReader(`{"preset": "stricter"}`), "")
	require.EqualError(t, err, `config: preset "stricter": want one of strict, realistic`)
}

func TestConfigThatCannotBeRead(t *testing.T) {
	for want, file := range map[string]string{
		"config: EOF":                           "",
		`config: json: unknown field "aps"`:     `{"aps": []}`,
		`config: json: unknown field "secret"`:  `{"apps": [{"secret": "x"}]}`,
		`config: time: invalid duration "soon"`: `{"code_lifetime": "soon"}`,
		"config: something follows the object":  "{} {}",
		"config: json: cannot unmarshal number into Go struct field config.region of type string": `{"region": 1}`,
	} {
		_, err := emulator.ReadConfig(strings.NewReader(file), "")
		require.EqualError(t, err, want)
	}
}

func TestRefusalInAConfigThatRefusesNothing(t *testing.T) {
	for _, id := range []string{"secret-in-ulr", "no-state"} {
		_, err := emulator.ReadConfig(strings.NewReader(`{"refuse": ["`+id+`"]}`), "")
		require.ErrorContains(t, err, `config: refuse "`+id+`": want a rule that can be tolerated: `)
	}
}
