package main

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/contentstack/csoauth"
	"github.com/contentstack/csoauth/internal/atomicfile"
)

// Settings are what a login needs to know of the app. They are in a file of the profile, without a
// secret, so that the next login is "csoauth login".
type settings struct {
	AppUID           string   `json:"app_uid,omitempty"`
	ClientID         string   `json:"client_id,omitempty"`
	RedirectURI      string   `json:"redirect_uri,omitempty"`
	Region           string   `json:"region,omitempty"`
	Scopes           []string `json:"scopes,omitempty"`
	ClientSecretFile string   `json:"client_secret_file,omitempty"`
	Organization     string   `json:"organization,omitempty"`
	Server           string   `json:"server,omitempty"`
}

const (
	settingsName = "settings.json"
	maxSettings  = 64 << 10 // bytes
)

// readSettings reads the settings in a profile's directory. There may be none.
func readSettings(dir string) (s settings, err error) {
	path := filepath.Join(dir, settingsName)
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return s, nil
	case err != nil:
		return s, fmt.Errorf("the settings cannot be read: %w", err)
	case !info.Mode().IsRegular(): // a pipe would be waited for
		return s, fmt.Errorf("the settings cannot be read: %s is no file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return s, fmt.Errorf("the settings cannot be read: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSettings+1))
	if err == nil && len(text) > maxSettings {
		err = fmt.Errorf("over %d bytes", maxSettings)
	}
	if err == nil {
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields() // one that is mistyped would count for nothing
		if err = d.Decode(&s); err == nil && d.More() {
			err = errors.New("something stands behind the object")
		}
	}
	if err != nil {
		return s, fmt.Errorf("the settings in %s cannot be read (%w): correct the file, or remove it and name the app again with csoauth login", path, err)
	}
	return s, nil
}

// write writes the settings of a profile, if they have changed. A link leads to the file that is
// replaced.
func (s settings) write(dir string) error {
	if s.isIn(dir) {
		return nil
	}
	return inSettingsDir(dir, func(root *os.Root, name string) error {
		return atomicfile.Write(root, name, s.text(), 0o600)
	})
}

// checkWritable returns why write would fail: it is better known before a login than after it.
func (s settings) checkWritable(dir string) error {
	if s.isIn(dir) {
		return nil
	}
	return inSettingsDir(dir, func(root *os.Root, name string) error {
		try := name + "." + rand.Text()[:8] + ".try" // another login may try at the same time
		f, err := root.OpenFile(try, os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		return errors.Join(f.Close(), root.Remove(try))
	})
}

// isIn reports whether a profile has these settings already.
func (s settings) isIn(dir string) bool {
	before, err := readSettings(dir)
	return err == nil && bytes.Equal(before.text(), s.text())
}

func (s settings) text() []byte {
	text, _ := json.MarshalIndent(s, "", "\t") // strings always marshal
	return append(text, '\n')
}

func inSettingsDir(dir string, do func(root *os.Root, name string) error) error {
	path := filepath.Join(dir, settingsName)
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	err := os.MkdirAll(filepath.Dir(path), 0o700)
	if err == nil {
		var root *os.Root
		if root, err = os.OpenRoot(filepath.Dir(path)); err == nil {
			err = errors.Join(do(root, filepath.Base(path)), root.Close())
		}
	}
	if err != nil {
		return fmt.Errorf("the settings cannot be kept in %s: %w", path, err)
	}
	return nil
}

// A setting is one that a flag of login, a variable of the environment and the profile may have.
type setting struct {
	flag, variable, usage string
	of                    func(*settings) *string
}

var allSettings = []setting{
	{"app-uid", "CSOAUTH_APP_UID", "the app's `UID`: Developer Hub, your app, Basic Information", func(s *settings) *string { return &s.AppUID }},
	{"client-id", "CSOAUTH_CLIENT_ID", "the app's client `ID`: Developer Hub, your app, OAuth", func(s *settings) *string { return &s.ClientID }},
	{"redirect-uri", "CSOAUTH_REDIRECT_URI", "the redirect `URI` as it is registered there, such as http://localhost:8184/callback", func(s *settings) *string { return &s.RedirectURI }},
	{"region", "CSOAUTH_REGION", "the `region`: na (default), eu, au, azure-na, azure-eu, gcp-na or gcp-eu", func(s *settings) *string { return &s.Region }},
	{"client-secret-file", "CSOAUTH_CLIENT_SECRET_FILE", "a `file` with the client secret, if the app needs it; the profile keeps its name alone", func(s *settings) *string { return &s.ClientSecretFile }},
	{"organization", "", "the organization to log in for, by its `UID`", func(s *settings) *string { return &s.Organization }},
	{"server", "CSOAUTH_SERVER", "the `URL` of an emulator or a gateway that has all of Contentstack's services", func(s *settings) *string { return &s.Server }},
}

// registerSettings gives a command a flag for each setting.
func registerSettings(cmd *cobra.Command) {
	for _, one := range allSettings {
		usage := one.usage
		if one.variable != "" {
			usage += " (or " + one.variable + ")"
		}
		cmd.Flags().String(one.flag, "", usage)
	}
	cmd.Flags().StringSlice("scope", nil, "a `scope` to ask for; may be repeated (default: all that the app has)")
	_ = cmd.RegisterFlagCompletionFunc("region", cobra.FixedCompletions(regionNames(), cobra.ShellCompDirectiveNoFileComp))
}

func regionNames() (names []string) {
	for _, r := range csoauth.Regions() {
		names = append(names, r.String())
	}
	return names
}

// withEnvironment returns the settings changed by the environment. A variable that is empty counts
// as unset.
func (s settings) withEnvironment(getenv func(string) string) settings {
	for _, one := range allSettings {
		if one.variable != "" {
			*one.of(&s) = cmp.Or(getenv(one.variable), *one.of(&s))
		}
	}
	return s
}

// withFlags returns the settings changed by the flags of a command that were set. An empty one
// takes a setting away.
func (s settings) withFlags(cmd *cobra.Command) (settings, error) {
	flags := cmd.Flags()
	for _, one := range allSettings {
		if flags.Changed(one.flag) {
			value, err := flags.GetString(one.flag)
			if err != nil {
				return s, err
			}
			*one.of(&s) = value
		}
	}
	if flags.Changed("scope") {
		scopes, err := flags.GetStringSlice("scope")
		if err != nil {
			return s, err
		}
		s.Scopes = slices.DeleteFunc(scopes, func(scope string) bool { return scope == "" })
	}
	return s, nil
}

// missing names the settings that a login cannot do without; empty: all are there.
func (s settings) missing() string {
	var names []string
	for _, one := range allSettings[:3] {
		if *one.of(&s) == "" {
			names = append(names, "--"+one.flag)
		}
	}
	return strings.Join(names, ", ")
}
