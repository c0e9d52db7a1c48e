package integration_test

import (
	"bufio"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestCurlLoginAtTheCommand runs the script against "csoauth emulate" itself, with what that
// prints.
func TestCurlLoginAtTheCommand(t *testing.T) {
	t.Parallel()
	stdout := startProgram(t, os.Stderr, buildProgram(t, "./cmd/csoauth"), "emulate", "--addr", "127.0.0.1:0", "--quiet")

	told := map[string]string{}
	for lines := bufio.NewScanner(stdout); told["User API"] == "" && lines.Scan(); {
		if columns := regexp.MustCompile(`\s{2,}`).Split(strings.TrimSpace(lines.Text()), 3); len(columns) > 1 {
			told[columns[0]] = columns[1]
		}
	}
	base := strings.TrimSuffix(told["User API"], "/v3/user")
	printed, stderr, code := curlLogin(t, base, told["App UID"], told["Client ID"], told["Redirect URIs"])
	assert.Zero(t, code, stderr)
	assert.Contains(t, printed, "7. the used refresh token is refused with 400\n8. the login goes on: ")
}
