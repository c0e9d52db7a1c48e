package integration_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A nodeScript is a clients.mjs in a process of its own. Each order and each response is a line of
// JSON.
type nodeScript struct {
	t       *testing.T
	orders  *json.Encoder
	answers *json.Decoder
}

// A nodeAnswer is what an order came to.
type nodeAnswer struct {
	Result json.RawMessage
	Error  string
}

// startNodeScript starts the clients.mjs of dir, until the end of the test. It needs an npm package
// of dir, and has further environment variables.
func startNodeScript(t *testing.T, dir, npmPackage string, env ...string) *nodeScript {
	t.Helper()
	node := needPackage(t, dir, npmPackage, "make setup")
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute) // a bug of a client may hang
	cmd := exec.CommandContext(ctx, node, "clients.mjs")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		stdin.Close() // ends the script
		cancel()      // and if it does not, this kills it
		cmd.Wait()    // the error is that we may have killed it
		if t.Failed() {
			t.Logf("%s wrote to stderr:\n%s", dir, &stderr)
		}
	})
	return &nodeScript{t, json.NewEncoder(stdin), json.NewDecoder(stdout)}
}

// send gives an order that gets no response.
func (n *nodeScript) send(order map[string]any) {
	n.t.Helper()
	require.NoError(n.t, n.orders.Encode(order))
}

// ask gives an order, and returns what it came to.
func (n *nodeScript) ask(order map[string]any) (answer nodeAnswer) {
	n.t.Helper()
	n.send(order)
	require.NoError(n.t, n.answers.Decode(&answer), "the process of %v ended or was killed", order["do"])
	return answer
}

// needPackage returns where node is, if that and an npm package in dir are there. make installs
// both.
func needPackage(t *testing.T, dir, name, make string) (node string) {
	t.Helper()
	node, err := exec.LookPath("node")
	if err == nil {
		_, err = os.Stat(filepath.Join(dir, "node_modules", filepath.FromSlash(name)))
	}
	if err != nil {
		skipSuite(t, dir+": run `"+make+"` or install Node.js 20 and run `npm ci` in internal/integration/"+dir)
	}
	return node
}
