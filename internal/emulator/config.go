package emulator

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"
)

// A config is the file of "csoauth emulate --config". What it leaves out is as in its preset.
type config struct {
	Preset               string   `json:"preset"`
	Tolerate             []string `json:"tolerate"` // besides what the preset tolerates
	Refuse               []string `json:"refuse"`   // what the preset tolerates
	Region               string   `json:"region"`
	AccessTokenLifetime  Duration `json:"access_token_lifetime"`
	RefreshTokenLifetime Duration `json:"refresh_token_lifetime"`
	CodeLifetime         Duration `json:"code_lifetime"`
	Unknowns             Unknowns `json:"unknowns"`
	Apps                 []App    `json:"apps"`
	Users                []User   `json:"users"`
}

// ReadConfig reads Options from a JSON file, over those of a preset: the one of that name, or else
// the one that the file names, or else realistic. A member that nobody knows is an error: a
// mistyped one would change nothing and leave its writer wondering. What the members mean together
// is checked by New.
func ReadConfig(r io.Reader, preset string) (Options, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return Options{}, fmt.Errorf("config: %w", err)
	}
	var named struct {
		Preset string `json:"preset"`
	}
	json.Unmarshal(data, &named) // below is told what is wrong with it
	o, err := Preset(cmp.Or(preset, named.Preset, "realistic"))
	if err != nil {
		return Options{}, fmt.Errorf("config: %w", err)
	}
	c := config{Unknowns: o.Unknowns}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&c); err != nil {
		return Options{}, fmt.Errorf("config: %w", err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return Options{}, fmt.Errorf("config: something follows the object")
	}
	for _, id := range c.Tolerate {
		o.SetTolerated(id, true) // New checks it
	}
	for _, id := range c.Refuse {
		if err := CheckTolerable(id); err != nil {
			return Options{}, fmt.Errorf("config: refuse %w", err)
		}
		o.SetTolerated(id, false)
	}
	o.Location = c.Region
	o.AccessTokenLifetime = time.Duration(c.AccessTokenLifetime)
	o.RefreshTokenLifetime = time.Duration(c.RefreshTokenLifetime)
	o.CodeLifetime = time.Duration(c.CodeLifetime)
	o.Unknowns, o.Apps, o.Users = c.Unknowns, c.Apps, c.Users
	return o, nil
}

// SetTolerated puts the ID of a Rule into Tolerate, or takes it out.
func (o *Options) SetTolerated(id string, tolerated bool) {
	o.Tolerate = slices.DeleteFunc(slices.Clone(o.Tolerate), func(other string) bool { return other == id })
	if tolerated {
		o.Tolerate = append(o.Tolerate, id)
	}
}
