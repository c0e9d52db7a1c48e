package redisstore_test

import (
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/tokens"
	"github.com/contentstack/csoauth/tokens/redisstore"
)

// TestRefusalSaysWhatToDo: the texts are those of Redis 6.2, 7.0 and 7.2, alone and as clients pass
// them on.
func TestRefusalSaysWhatToDo(t *testing.T) {
	const all = "+eval +evalsha +hget +hmget +hset +hdel +del +persist +pexpire"
	load := func(s *redisstore.Store) error { _, err := s.Load(t.Context(), "ada"); return err }
	swap := func(s *redisstore.Store) error { return s.CompareAndSwap(t.Context(), "ada", nil, some("a")) }
	for text, test := range map[string]struct {
		call func(*redisstore.Store) error
		want []string
	}{
		"NOPERM this user has no permissions to run the 'evalsha' command":                                       {load, []string{"may not run EVALSHA: ", " +evalsha; ", all}},
		"NOPERM this user has no permissions to run the 'evalsha' command or its subcommand":                     {load, []string{"may not run EVALSHA: "}},
		"ERR ACL failure in script: User app has no permissions to run the 'hdel' command":                       {load, []string{"may not run HDEL: ", " +hdel; "}},
		"ERR The user executing the script can't run this command or subcommand script: 08, on @user_script:2.":  {load, []string{"may not run HDEL: ", all}},
		"ERR The user executing the script can't run this command or subcommand script: 08, on @user_script:3.":  {load, []string{"may not run HMGET: "}},
		"ERR The user executing the script can't run this command or subcommand script: 08, on @user_script:20.": {swap, []string{"may not run HSET: "}},
		"ERR Error running script (call to f_08): @user_script:2: @user_script: 2: The user executing the script can't run this command or subcommand": {
			swap, []string{"may not run HGET: "}},
		"ERR The user executing the script can't run this command or subcommand script: 08, on @user_script:99.": {load, []string{"lacks one of these rights: ", all}},
		"ERR The user executing the script can't run this command or subcommand script: 08, on @user_script:1.":  {load, []string{"lacks one of these rights: ", all}},
		"NOPERM something new": {load, []string{"lacks one of these rights: ", all}},
		"NOPERM this user has no permissions to access one of the keys used as arguments":                                                           {load, []string{"ACL SETUSER … ~app:*"}},
		"NOPERM No permissions to access a key":                                                                                                     {swap, []string{"ACL SETUSER … ~app:*"}},
		"ERR The user executing the script can't access at least one of the keys mentioned in the command arguments script: 29, on @user_script:2.": {load, []string{"ACL SETUSER … ~app:*"}},
		"READONLY You can't write against a read only replica. script: 08, on @user_script:2.":                                                      {load, []string{"a read-only replica", "connect to the master"}},
		"-READONLY You can't write against a read only replica.":                                                                                    {swap, []string{"connect to the master"}},
		"OOM command not allowed when used memory > 'maxmemory'. script: d6, on @user_script:20.":                                                   {swap, []string{"maxmemory", "noeviction"}},
	} {
		cause := errors.New(text)
		err := test.call(newStore(t, (&server{steps: []step{replies(cause)}}).do, &redisstore.Options{Prefix: "app:"}))
		require.ErrorIs(t, err, cause)
		require.NotErrorIs(t, err, tokens.ErrNotFound)
		require.NotErrorIs(t, err, tokens.ErrConflict)
		for _, want := range test.want {
			require.ErrorContains(t, err, want, text)
		}
	}
	for _, text := range []string{"ERR BLOOM filter", "the room is full", "MISCONF Redis is configured to save RDB snapshots"} {
		cause := errors.New(text)
		requireFailure(t, swap(newStore(t, (&server{steps: []step{replies(cause)}}).do, nil)), cause, "redisstore: swap: ")
	}
}

// TestCommandsAreThoseOfTheScripts: what README.md and the errors have the operator grant is what
// is sent, and no more.
func TestCommandsAreThoseOfTheScripts(t *testing.T) {
	source, err := os.ReadFile("script.go")
	require.NoError(t, err)
	want := []string{"+eval", "+evalsha"}
	for _, call := range regexp.MustCompile(`redis\.call\('([A-Z]+)'`).FindAllStringSubmatch(string(source), -1) {
		want = append(want, "+"+strings.ToLower(call[1]))
	}
	slices.Sort(want)
	want = slices.Compact(want)
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	granted := regexp.MustCompile(`(?m)^ACL SETUSER csoauth on .* ~csoauth:\* (.*)$`).FindSubmatch(readme)
	require.NotNil(t, granted)
	got := strings.Fields(string(granted[1]))
	slices.Sort(got)
	assert.Equal(t, want, got)
	_, err = newStore(t, (&server{steps: []step{replies(errors.New("NOPERM something"))}}).do, nil).Load(t.Context(), "ada")
	_, said, _ := strings.Cut(err.Error(), "ACL SETUSER … ")
	got = strings.Fields(said)
	slices.Sort(got)
	assert.Equal(t, want, got)
}
