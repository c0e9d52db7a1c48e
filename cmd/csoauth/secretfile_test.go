package main

import (
	"errors"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

func TestSecretsAsTheyAreWritten(t *testing.T) {
	for name, content := range map[string]string{
		"alone":           "s3cret",
		"with a line end": "s3cret\n",
		"with CRLF":       "s3cret\r\n",
		"with CR":         "s3cret\r",
		"with a mark":     "\xef\xbb\xbfs3cret\n",
		"UTF-16, little":  "\xff\xfes\x003\x00c\x00r\x00e\x00t\x00\r\x00\n\x00",
		"UTF-16, big":     "\xfe\xff\x00s\x003\x00c\x00r\x00e\x00t",
	} {
		secret, err := readSecret(strings.NewReader(content))
		require.NoError(t, err, name)
		require.Equal(t, "s3cret", secret, name)
	}
}

func TestWhatIsNoSecret(t *testing.T) {
	for name, row := range map[string]struct{ content, why string }{
		"nothing":               {"", "is empty"},
		"a line end":            {"\r\n", "is empty"},
		"a mark":                {"\xef\xbb\xbf", "is empty"},
		"two line ends":         {"s3cret\n\n", "has a space, a line break"},
		"two lines":             {"s3cret\nother\n", "has a space, a line break"},
		"a space":               {"s3 cret", "has a space"},
		"a space behind":        {"s3cret ", "has a space"},
		"a space without break": {"s3\u00a0cret", "has a space"},
		"an escape":             {"s3cret\x1b[0m", "another character"},
		"UTF-16 without a mark": {"s\x003\x00", "UTF-16 without a mark"},
		"half a character":      {"\xff\xfes", "cut off"},
		"too long":              {strings.Repeat("s", maxSecret+1), "over 65536 bytes"},
	} {
		_, err := readSecret(strings.NewReader(row.content))
		require.ErrorContains(t, err, row.why, name)
		require.NotContains(t, err.Error(), "s3", name)
	}
	_, err := readSecret(iotest.ErrReader(errors.New("gone")))
	require.ErrorContains(t, err, "cannot be read: gone")
}
