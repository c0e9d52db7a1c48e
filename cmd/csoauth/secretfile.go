package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf16"
)

const maxSecret = 64 << 10 // bytes

// readSecretFile reads a file that has a secret and nothing else.
func readSecretFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	secret, err := readSecret(f)
	if err != nil {
		return "", fmt.Errorf("%s %w", path, err)
	}
	return secret, nil
}

// readSecret reads a secret as shells and editors write it: a byte order mark before it, and one
// line end behind it, are none of it. The error continues a sentence, and repeats nothing.
func readSecret(r io.Reader) (string, error) {
	content, err := io.ReadAll(io.LimitReader(r, maxSecret+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("cannot be read: %w", err)
	case len(content) > maxSecret:
		return "", fmt.Errorf("has over %d bytes, which no secret has", maxSecret)
	}
	text, err := decode(content)
	if err != nil {
		return "", err
	}
	text = strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
	switch {
	case text == "":
		return "", errors.New("is empty")
	case strings.ContainsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || r == unicode.ReplacementChar }):
		return "", errors.New("has a space, a line break or another character that no secret has: it should have the secret alone")
	}
	return text, nil
}

// decode returns the text of a file in UTF-8, or in UTF-16 as ">" in Windows PowerShell writes it.
func decode(content []byte) (string, error) {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(content, []byte{0xFF, 0xFE}):
		order = binary.LittleEndian
	case bytes.HasPrefix(content, []byte{0xFE, 0xFF}):
		order = binary.BigEndian
	case bytes.IndexByte(content, 0) >= 0:
		return "", errors.New("has zero bytes, as in UTF-16 without a mark: write it in UTF-8")
	default:
		return string(bytes.TrimPrefix(content, []byte("\uFEFF"))), nil
	}
	if len(content)%2 != 0 {
		return "", errors.New("is in UTF-16, and cut off")
	}
	units := make([]uint16, 0, len(content)/2)
	for i := 2; i < len(content); i += 2 {
		units = append(units, order.Uint16(content[i:]))
	}
	return string(utf16.Decode(units)), nil
}
