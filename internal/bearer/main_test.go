package bearer

import (
	"testing"

	"go.uber.org/goleak"

	_ "github.com/contentstack/csoauth/internal/offline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
