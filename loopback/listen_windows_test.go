package loopback_test

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
)

// WSAEADDRNOTAVAIL, WSAEAFNOSUPPORT; WSAEADDRINUSE; WSAEACCES.
var (
	lackingErrors = []error{syscall.Errno(10049), syscall.Errno(10047)}
	inUseErrors   = []error{syscall.Errno(10048)}
	refusedErrors = []error{syscall.Errno(10013)}
)

// The user cannot end a program that does not exist.
func TestPortThatWindowsReservesIsTold(t *testing.T) {
	for _, test := range []struct {
		host   string
		before int // addresses of localhost that can be had
		at     string
		family string
	}{
		{"localhost", 0, "127.0.0.1", "ipv4"},
		{"localhost", 1, "[::1]", "ipv6"},
		{"127.0.0.1", 0, "127.0.0.1", "ipv4"},
		{"[::1]", 0, "[::1]", "ipv6"},
	} {
		port := freePort()
		_, err := listenRefused(t, "http://"+test.host+":"+port+"/callback", test.before)
		assert.ErrorContains(t, err, "the port of "+test.at+":"+port+" is reserved by Windows")
		assert.ErrorContains(t, err, "netsh interface "+test.family+" show excludedportrange protocol=tcp")
		assert.ErrorContains(t, err, "register a redirect URI with another port")
		assert.NotContains(t, err.Error(), "listens")
	}
}
