package tokens

import (
	"log/slog"
	"sync"
)

// A pathSet remembers paths for this process, up to maxPaths of them. Then each new one takes the
// place of any other.
type pathSet struct {
	mu    sync.Mutex
	paths map[string]struct{}
}

const maxPaths = 1024

// knownDirs has the absolute paths of the directories that this process has seen in use. Of one
// that was forgotten, it does not notice that it is gone.
var knownDirs pathSet

// said has what was said of a path. What was forgotten is said again.
var said pathSet

func (s *pathSet) has(path string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.paths[path]
	return ok
}

// add reports whether path is new.
func (s *pathSet) add(path string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.paths[path]; ok {
		return false
	}
	if s.paths == nil {
		s.paths = map[string]struct{}{}
	}
	for other := range s.paths {
		if len(s.paths) < maxPaths {
			break
		}
		delete(s.paths, other)
	}
	s.paths[path] = struct{}{}
	return true
}

// sayOnce tells the operator what a Dir changed or does without. It is not an error, because the
// call succeeds. A Dir is only a path and has no logger, and the Manager's events are about logins,
// so it goes where the program's other lines go, once: a platform may make the same change at each
// start, and a call may come each second.
// What was said of about is not said again of any path.
func sayOnce(about, path, what string, args ...any) {
	if said.add(about + "\x00" + what) {
		slog.Default().Warn("csoauth: tokens: "+what, append([]any{"path", path}, args...)...)
	}
}
