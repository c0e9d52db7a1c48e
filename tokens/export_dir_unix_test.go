//go:build unix

package tokens

// CheckOwner is checkOwner.
var CheckOwner = checkOwner
