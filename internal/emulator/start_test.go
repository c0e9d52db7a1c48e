package emulator_test

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPagesAreNotMadeAtStart: every csoauth command links the emulator, and most show no page. The
// runtime reports what each package allocates before main. Making the pages takes more than 1,000
// allocations.
func TestPagesAreNotMadeAtStart(t *testing.T) {
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	var trace bytes.Buffer
	cmd.Stderr = &trace
	require.NoError(t, cmd.Run())
	require.Contains(t, trace.String(), "init net/http ", "the runtime reports packages")
	ours := regexp.MustCompile(`init github\.com/contentstack/csoauth/internal/emulator .* (\d+) allocs`).FindStringSubmatch(trace.String())
	if ours == nil {
		return // the package does nothing at start
	}
	allocs, err := strconv.Atoi(ours[1])
	require.NoError(t, err)
	require.Less(t, allocs, 200, ours[0])
}
