package databases

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// CPUOfChildren returns the CPU time that the running processes under this one have had, children
// of children among them. It needs Linux's /proc. One process counts in steps of 10 ms.
func CPUOfChildren() (sum time.Duration, err error) {
	const tick = 10 * time.Millisecond // of the times in /proc, on every Linux of today
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(files) == 0 {
		return 0, errors.Join(err, errors.New("databases: there is no /proc, which tells the CPU time of other processes"))
	}
	parents, times := map[string]string{}, map[string]time.Duration{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		_, after, _ := strings.Cut(string(text), ") ")
		fields := strings.Fields(after) // from the third on, the state
		user, _ := strconv.Atoi(fields[11])
		system, _ := strconv.Atoi(fields[12])
		pid := filepath.Base(filepath.Dir(file))
		parents[pid], times[pid] = fields[1], time.Duration(user+system)*tick
	}
	us := strconv.Itoa(os.Getpid())
	for pid, spent := range times {
		for at := parents[pid]; at != ""; at = parents[at] {
			if at == us {
				sum += spent
				break
			}
		}
	}
	return sum, nil
}
