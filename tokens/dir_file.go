package tokens

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// A file of a [Dir] is one line of text and then the value as it is. The line has five fields with
// a space between:
//
//	csoauth-token-store 1 <key, base64url> <size of the value> <SHA-256 of the value, hex>
//
// The key shows whether the file is that of the key asked for. Size and sum show damage: a value
// may be anything, so it cannot show it itself.
const (
	fileKind    = "csoauth-token-store"
	fileVersion = 1
)

func encodeFile(key string, value []byte) []byte {
	return append([]byte(fileHead(key, value)), value...)
}

func fileHead(key string, value []byte) string {
	sum := sha256.Sum256(value)
	return fmt.Sprintf("%s %d %s %d %s\n", fileKind, fileVersion,
		base64.RawURLEncoding.EncodeToString([]byte(key)), len(value), hex.EncodeToString(sum[:]))
}

// decodeFile returns the value, never nil without an error. The error continues a sentence that
// begins with the file's name, says what to do, and repeats nothing of the file.
func decodeFile(key string, data []byte) ([]byte, error) {
	if len(data) == 0 {
		return nil, unusable("is empty")
	}
	line, value, ok := bytes.Cut(data, []byte("\n"))
	fields := strings.Split(string(line), " ")
	if fields[0] != fileKind {
		return nil, unusable("was not written by csoauth, or is damaged")
	}
	if !ok || len(fields) < 2 {
		return nil, unusable("is cut off in its first line")
	}
	version, err := strconv.Atoi(fields[1])
	if err == nil && version > fileVersion {
		return nil, fmt.Errorf("has version %d, but this csoauth reads at most version %d: update every program that uses the directory", version, fileVersion)
	}
	if err != nil || version != fileVersion || len(fields) != 5 {
		return nil, unusable("is damaged in its first line")
	}
	if fields[2] != base64.RawURLEncoding.EncodeToString([]byte(key)) {
		return nil, unusable("holds the value of another key, so it was copied or renamed, or is damaged")
	}
	switch size, err := strconv.Atoi(fields[3]); {
	case err == nil && size > len(value):
		return nil, unusable("is cut off after %d of %d bytes of the value", len(value), size)
	case string(line)+"\n" != fileHead(key, value):
		return nil, unusable("is damaged, because its value is not the one that was written")
	}
	return value, nil
}

func unusable(format string, args ...any) error {
	return fmt.Errorf(format+": restore that file, or remove it, which logs its user out", args...)
}
