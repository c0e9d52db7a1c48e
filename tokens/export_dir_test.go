package tokens

import (
	"path/filepath"
	"strings"
)

// Queued returns how many goroutines of this process hold a lock in dir or wait for one.
func Queued(dir string) (n int) {
	queues.Lock()
	defer queues.Unlock()
	for path, q := range queues.byPath {
		if strings.HasPrefix(path, filepath.Clean(dir)+string(filepath.Separator)) {
			n += q.users
		}
	}
	return n
}

// ForceUnlock frees the locks in dir whose holders lost their unlock.
func ForceUnlock(dir string) {
	queues.Lock()
	lost := map[string]*queue{}
	for path, q := range queues.byPath {
		if strings.HasPrefix(path, filepath.Clean(dir)+string(filepath.Separator)) && q.file != nil {
			lost[path] = q
		}
	}
	queues.Unlock()
	for path, q := range lost {
		giveBack(path, q)
	}
}

// PathSet is pathSet.
type PathSet struct{ pathSet }

func (s *PathSet) Add(path string) bool { return s.add(path) }
func (s *PathSet) Has(path string) bool { return s.has(path) }
func (s *PathSet) Len() int             { return len(s.paths) }

// LockAfter opens the directory at path for a lock, and locks a file in it when between is done.
func LockAfter(path string, between func()) error {
	dir, err := folder{path: path}.openWith(locksFolder)
	if err != nil {
		return err
	}
	defer dir.Close()
	between()
	file, err := dir.lockFile(locksFolder + "/00")
	if err == nil {
		err = file.Close()
	}
	return err
}
