package redisstore

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// commands are all that a user of Redis's needs besides what the client sends by itself.
const commands = "+eval +evalsha +hget +hmget +hset +hdel +del +persist +pexpire"

var (
	namedCommand  = regexp.MustCompile(`'([a-zA-Z]+)(\|[a-zA-Z]+)?' command`)
	lineOfScript  = regexp.MustCompile(`user_script: ?([0-9]+)`)
	calledCommand = regexp.MustCompile(`redis\.call\('([A-Z]+)'`)
)

// explained adds to an error of Redis how to fix it, if that is the task of someone else.
func (s *Store) explained(err error, script script) error {
	text := err.Error()
	switch {
	case hasCode(text, "READONLY"):
		return fmt.Errorf("%w: the server is a read-only replica, which may be behind: connect to the master", err)
	case hasCode(text, "OOM"):
		return fmt.Errorf("%w: the memory of Redis is full: raise maxmemory, and leave maxmemory-policy at noeviction", err)
	case strings.Contains(text, "permissions to access") || strings.Contains(text, "can't access at least one of the keys"):
		return fmt.Errorf("%w: the Redis user may not use keys that begin with the Prefix: ACL SETUSER … ~%s*", err, s.prefix)
	case hasCode(text, "NOPERM") || strings.Contains(text, "ACL failure") || strings.Contains(text, "can't run this command"):
		command := refused(text, script)
		if command == "" {
			return fmt.Errorf("%w: the Redis user lacks one of these rights: ACL SETUSER … %s", err, commands)
		}
		return fmt.Errorf("%w: the Redis user may not run %s: ACL SETUSER … +%s; in all it needs %s",
			err, strings.ToUpper(command), strings.ToLower(command), commands)
	}
	return err
}

// refused returns the command that the user may not run. Redis 7.0 and earlier say only in which
// line of the script it stands.
func refused(text string, script script) string {
	if named := namedCommand.FindStringSubmatch(text); named != nil {
		return named[1]
	}
	if at := lineOfScript.FindStringSubmatch(text); at != nil {
		lines := strings.Split(script.text, "\n")
		if n, err := strconv.Atoi(at[1]); err == nil && 0 < n && n <= len(lines) {
			if called := calledCommand.FindStringSubmatch(lines[n-1]); called != nil {
				return called[1]
			}
		}
	}
	return ""
}

// hasCode reports whether an error of Redis's has this code. A client may have put words before it.
func hasCode(text, code string) bool {
	before, _, ok := strings.Cut(text, code+" ")
	return ok && (before == "" || strings.HasSuffix(before, " ") || strings.HasSuffix(before, "-"))
}
