package wrap

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/contentstack/csoauth"
)

// A State is what the tool keeps in its state file. The login is one part of it.
type State struct {
	Resources map[string]string
	Login     *csoauth.Token // nil: nobody has logged in yet

	path string
}

// stateJSON is the file. A Token refuses to marshal as JSON, lest it get into a log, so its stored form stands in it.
type stateJSON struct {
	Resources map[string]string `json:"resources"`
	Login     []byte            `json:"login,omitempty"` // secret: the file is for its user alone
}

// Open reads the state file. One that is not there is an empty state.
func Open(path string) (*State, error) {
	s := &State{path: path}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	var file stateJSON
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, err
	}
	s.Resources = file.Resources
	if file.Login != nil {
		s.Login = new(csoauth.Token)
		err = s.Login.UnmarshalBinary(file.Login)
	}
	return s, err
}

// SaveLogin writes the state with another login, nil for none. It does not return before the disk has it: the refresh
// token in the old state is worth nothing any more.
func (s *State) SaveLogin(_ context.Context, t *csoauth.Token) (err error) {
	file := stateJSON{Resources: s.Resources}
	if t != nil {
		if file.Login, err = t.MarshalBinary(); err != nil {
			return err
		}
	}
	text, err := json.MarshalIndent(file, "", "  ")
	if err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(s.path), ".state-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name()) // gone already if all went well
	_, err = temporary.Write(text)
	if err := errors.Join(err, temporary.Sync(), temporary.Close()); err != nil {
		return err
	}
	if err := os.Rename(temporary.Name(), s.path); err != nil {
		return err
	}
	s.Login = t
	return nil
}
