package csoauthtest

import "testing"

// On returns s as if tb had started it, so that a test can watch it fail.
func On(tb testing.TB, s *Server) *Server {
	c := *s
	c.tb = tb
	return &c
}
