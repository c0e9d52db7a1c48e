package main

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// ownHeaders are those that a request gets from csoauth, or from HTTP itself.
var ownHeaders = []string{"Authorization", "Authtoken", "Host", "Content-Length", "Transfer-Encoding", "Connection", "Trailer", "Te", "Upgrade"}

func parseHeader(line string) (name, value string, err error) {
	name, value, ok := strings.Cut(line, ":")
	name = http.CanonicalHeaderKey(name)
	switch {
	case !ok || name == "" || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r >= 0x7F || strings.ContainsRune(`()<>@,;:\"/[]?={}`, r) }):
		return "", "", errors.New(`--header: want "Name: value"`) // it may be a secret
	case slices.Contains(ownHeaders, name):
		return "", "", fmt.Errorf("--header %s: csoauth sets it", name)
	}
	value = strings.TrimSpace(value)
	if err := checkHeaderValue(value); err != nil {
		return "", "", fmt.Errorf("--header %s: %w", name, err)
	}
	return name, value, nil
}

func checkHeaderValue(value string) error {
	if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7F }) {
		return errors.New("the value has a line break or another control character")
	}
	return nil
}
