// Package archtest holds the house rules that no compiler checks: which package may import which,
// that the snippets of the documentation compile, that links lead somewhere, that comments and
// pages are in plain words, that web pages look alike, and that no file names the machine it was
// written on.
package archtest
