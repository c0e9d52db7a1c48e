package redisstore_test

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"
)

// The SHA-1 of the scripts that the fake server has in Go. A script that changes must change in
// server.load or server.swap too, and then here.
const (
	loadSum = "da82e5e4ce39493fa9d8c5f409b0a5cf8a712d89"
	swapSum = "6da0f969f8be67ee477d0a995b76dbad1a624ddf"
)

// A server stands in for Redis. It cannot run Lua: it has the meaning of both scripts in Go, and
// knows them by their SHA-1. What the real server does with them is tested in internal/integration.
type server struct {
	mu      sync.Mutex
	hashes  map[string]hash
	scripts map[string]bool // those it was sent since its start, by SHA-1
	steps   []step          // for the next commands, one each; later ones just run
	sent    [][]any
}

type hash struct {
	key, value string
	end        time.Time // zero: it stays
}

// A step decides what happens to one command. run does what the server would do.
type step func(ctx context.Context, run func() (any, error)) (any, error)

// replies is a command with this reply, or this error, which changes nothing.
func replies(reply any) step {
	return func(context.Context, func() (any, error)) (any, error) {
		err, _ := reply.(error)
		return reply, err
	}
}

// isLost is a command that the server runs, and whose reply does not come.
func isLost(err error) step {
	return func(_ context.Context, run func() (any, error)) (any, error) {
		_, _ = run()
		return nil, err
	}
}

// ends is a step after which the caller's context ends, and the client reports that.
func ends(cancel func(), then step) step {
	return func(ctx context.Context, run func() (any, error)) (any, error) {
		_, _ = then(ctx, run)
		cancel()
		return nil, ctx.Err()
	}
}

// do sends a command, as the functions that NewFunc takes.
func (s *server) do(ctx context.Context, args ...any) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent = append(s.sent, args)
	run := func() (any, error) {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return s.run(args)
	}
	if len(s.steps) == 0 {
		return run()
	}
	next := s.steps[0]
	s.steps = s.steps[1:]
	return next(ctx, run)
}

func (s *server) run(args []any) (any, error) {
	var a []string
	for _, arg := range args {
		a = append(a, arg.(string))
	}
	if len(a) < 5 || a[2] != "1" {
		return nil, errors.New("ERR want a script, one key and arguments")
	}
	if s.hashes == nil {
		s.hashes = map[string]hash{}
	}
	if s.scripts == nil {
		s.scripts = map[string]bool{}
	}
	sum := a[1]
	switch a[0] {
	case "EVAL":
		of := sha1.Sum([]byte(a[1]))
		sum = hex.EncodeToString(of[:])
		s.scripts[sum] = true
	case "EVALSHA":
		if !s.scripts[sum] {
			return nil, errors.New("NOSCRIPT No matching script.")
		}
	default:
		return nil, fmt.Errorf("ERR unknown command %s", a[0])
	}
	name, argv := a[3], a[4:]
	if end := s.hashes[name].end; !end.IsZero() && !time.Now().Before(end) {
		delete(s.hashes, name)
	}
	switch {
	case sum == loadSum && len(argv) == 1:
		return s.load(name), nil
	case sum == swapSum && len(argv) == 6:
		return s.swap(name, argv)
	}
	return nil, fmt.Errorf("fake_test.go does not know the script %s with %d arguments", sum, len(argv))
}

func (s *server) load(name string) any {
	h, ok := s.hashes[name]
	if !ok {
		return []any{}
	}
	return []any{h.key, h.value}
}

func (s *server) swap(name string, argv []string) (any, error) {
	h, is := s.hashes[name]
	hadOld, hasNew := argv[1] == "1", argv[3] == "1"
	switch {
	case is == hasNew && (!is || h.value == argv[4]):
		return int64(1), nil
	case is != hadOld || is && h.value != argv[2]:
		return int64(0), nil
	case !hasNew:
		delete(s.hashes, name)
		return int64(1), nil
	}
	ms, err := strconv.ParseInt(argv[5], 10, 64)
	if err != nil {
		return nil, errors.New("ERR value is not an integer or out of range")
	}
	h = hash{key: argv[0], value: argv[4]}
	if ms != 0 {
		h.end = time.Now().Add(time.Duration(ms) * time.Millisecond)
	}
	s.hashes[name] = h
	return int64(1), nil
}

// A cmd is a reply as go-redis has it.
type cmd struct {
	reply any
	err   error
}

func (c cmd) Result() (any, error) { return c.reply, c.err }

// goRedis sends a command, as the Do that New takes.
func (s *server) goRedis(ctx context.Context, args ...any) cmd {
	reply, err := s.do(ctx, args...)
	return cmd{reply, err}
}

// redigo sends a command with []byte for each string of the reply, as that client does.
func (s *server) redigo(ctx context.Context, args ...any) (any, error) {
	reply, err := s.do(ctx, args...)
	fields, _ := reply.([]any)
	for i, field := range fields {
		fields[i] = []byte(field.(string))
	}
	return reply, err
}
