package tokens_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	_ "github.com/contentstack/csoauth/internal/offline"
	"github.com/contentstack/csoauth/tokens"
)

// childEnv names, in the environment of a process that a test starts, the row of children that it
// runs.
const childEnv = "CSOAUTH_TOKENS_CHILD"

// children are the other processes of the tests: this test binary, doing something else than
// testing.
var children = map[string]func(){
	"crowd":         childOfCrowd,
	"kill-at":       childDiesAt,
	"kill-busy":     childIsBusy,
	"dir-increment": childIncrements,
	"dir-die":       childDiesAtStep,
	"dir-swap":      childSwapsForever,
	"dir-turns":     childTakesTurns,
}

func TestMain(m *testing.M) {
	if name := os.Getenv(childEnv); name != "" {
		children[name]()
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// newManager is tokens.New for arguments that it takes.
func newManager(r tokens.Refresher, s tokens.Store, o *tokens.Options) *tokens.Manager {
	m, err := tokens.New(r, s, o)
	if err != nil {
		panic(err)
	}
	return m
}
