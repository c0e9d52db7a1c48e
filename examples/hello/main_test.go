package main

import (
	"testing"

	"go.uber.org/goleak"

	_ "github.com/contentstack/csoauth/internal/offline"
)

// This file is only for the tests of csoauth itself. Leave it out of yours.

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
