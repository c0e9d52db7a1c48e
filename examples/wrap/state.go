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

// A State is the content of the tool's state file. The login is one part of it.
type State struct {
	Resources map[string]string
	Login     *csoauth.Token // nil: no login yet

	path string
}

// stateJSON is the form of the file. A Token cannot be marshaled as JSON, so that it does not get
// into a log by mistake. The file contains its binary form instead.
type stateJSON struct {
	Resources map[string]string `json:"resources"`
	Login     []byte            `json:"login,omitempty"` // secret: only the user may read the file
}

// Open reads the state file. If the file does not exist, the state is empty.
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

// SaveLogin writes the state with a new login, or without one if t is nil. It returns when the file
// is safely on the disk, because the refresh token in the old file may not work any more.
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
	defer os.Remove(temporary.Name()) // fails if the file was renamed
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
