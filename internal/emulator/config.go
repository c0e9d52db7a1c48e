package emulator

import (
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// A config is the file of "csoauth emulate --config". What it leaves out is as in the zero Options.
type config struct {
	Region               string   `json:"region"`
	AccessTokenLifetime  Duration `json:"access_token_lifetime"`
	RefreshTokenLifetime Duration `json:"refresh_token_lifetime"`
	CodeLifetime         Duration `json:"code_lifetime"`
	Unknowns             Unknowns `json:"unknowns"`
	Apps                 []App    `json:"apps"`
	Users                []User   `json:"users"`
}

// ReadConfig reads Options from a JSON file. A member that nobody knows is an error: a mistyped one
// would change nothing and leave its writer wondering. What the members mean together is checked by
// New.
func ReadConfig(r io.Reader) (Options, error) {
	var c config
	decoder := json.NewDecoder(r)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&c); err != nil {
		return Options{}, fmt.Errorf("config: %w", err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return Options{}, fmt.Errorf("config: something follows the object")
	}
	return Options{
		Location:             c.Region,
		AccessTokenLifetime:  time.Duration(c.AccessTokenLifetime),
		RefreshTokenLifetime: time.Duration(c.RefreshTokenLifetime),
		CodeLifetime:         time.Duration(c.CodeLifetime),
		Unknowns:             c.Unknowns,
		Apps:                 c.Apps,
		Users:                c.Users,
	}, nil
}
