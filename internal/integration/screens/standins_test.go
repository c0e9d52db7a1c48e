package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestStandInsAreEqualWhereTheValuesAre(t *testing.T) {
	a, b := strings.Repeat("a", 43), strings.Repeat("b", 43)
	text := "state=***00000001 code=***00000002 state=***00000001 http://127.0.0.1:31999 state=" + a + "&code_challenge=" + b + "&x=y"
	got := string(replace([]byte(text)))
	assert.Len(t, got, len(text), "lines break where they did")
	other := strings.NewReplacer("00000001", "12345678", "00000002", "abcdef01", "31999", "40000", a, b, b, a).Replace(text)
	assert.NotEqual(t, text, other)
	assert.Equal(t, got, string(replace([]byte(other))), "two runs show the same")
	words := strings.Fields(got)
	assert.Equal(t, words[0], words[2], "equal values stay equal")
	assert.NotEqual(t, strings.TrimPrefix(words[0], "state="), strings.TrimPrefix(words[1], "code="))
}

func TestTimesAreThoseOfOneLogin(t *testing.T) {
	got := string(replace([]byte("Waiting for the browser, until 23:59:59.\r\n" +
		"Logged in     2026-11-27 22:31:09 on some-machine\r\n" +
		"Token         until 2026-11-27 23:31:09, and refreshed before\r\n" +
		"Logged in as Ada Lovelace in Emulated Press.\r\n")))
	assert.Equal(t, "Waiting for the browser, until 09:35:00.\r\n"+
		"Logged in     2026-01-15 09:30:00 on laptop\r\n"+
		"Token         until 2026-01-15 10:30:00, and refreshed before\r\n"+
		"Logged in as Ada Lovelace in Emulated Press.\r\n", got)
}
