// Package archtest holds the house rules that no compiler checks: which package may import which,
// that the snippets of the documentation compile and its links lead somewhere, and that no file
// names the machine it was written on.
package archtest
