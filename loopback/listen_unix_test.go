//go:build unix

package loopback_test

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
)

var (
	lackingErrors = []error{syscall.EADDRNOTAVAIL, syscall.EAFNOSUPPORT}
	inUseErrors   = []error{syscall.EADDRINUSE}
	refusedErrors = []error{syscall.EACCES}
)

func TestPortThatIsForPrivilegedProgramsIsTold(t *testing.T) {
	at := "127.0.0.1:" + freePort()
	_, err := listenRefused(t, "http://"+at+"/callback", 0)
	assert.ErrorContains(t, err, "the system does not let this program listen at "+at)
	assert.ErrorContains(t, err, "register a redirect URI with another port")
	assert.ErrorContains(t, err, syscall.EACCES.Error())
}
