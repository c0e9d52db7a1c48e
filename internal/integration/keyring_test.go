//go:build linux

package integration_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/contentstack/csoauth/tokens/keyring"
)

func init() { children["keyring"] = childOfKeyring }

// A keyringCall is one call of package keyring in another process.
type keyringCall struct {
	Do     string // key, find or delete
	User   string
	Within time.Duration // the deadline; zero: none
}

// A keyringAnswer is what it returned.
type keyringAnswer struct {
	Key, Err string
	Is       []string // the names of the errors that Err is
	Took     time.Duration
}

const keyringService = "csoauth test"

var keyringErrors = map[string]error{
	"ErrNotFound": keyring.ErrNotFound, "ErrUnavailable": keyring.ErrUnavailable,
	"ErrTimeout": keyring.ErrTimeout, "ErrBroken": keyring.ErrBroken,
}

// childOfKeyring makes one call after the other. What go-keyring knows of the bus, it keeps for as
// long as its process runs.
func childOfKeyring() {
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	var env map[string]string
	if in.Decode(&env) != nil {
		os.Exit(1) // the test has ended before it said anything
	}
	os.Clearenv()
	for name, value := range env {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
	for _ = out.Encode("ready"); ; {
		var c keyringCall
		if in.Decode(&c) != nil || out.Encode(c.make()) != nil {
			return
		}
	}
}

func (c keyringCall) make() (a keyringAnswer) {
	ctx, cancel := context.Background(), context.CancelFunc(func() {})
	if c.Within > 0 {
		ctx, cancel = context.WithTimeout(ctx, c.Within)
	}
	defer cancel()
	var key []byte
	var err error
	begin := time.Now()
	switch c.Do {
	case "key":
		key, err = keyring.Key(ctx, keyringService, c.User)
	case "find":
		key, err = keyring.Find(ctx, keyringService, c.User)
	case "delete":
		err = keyring.Delete(ctx, keyringService, c.User)
	default:
		panic(c.Do)
	}
	a.Took = time.Since(begin)
	a.Key = hex.EncodeToString(key)
	if err != nil {
		a.Err = err.Error()
	}
	for _, name := range slices.Sorted(maps.Keys(keyringErrors)) {
		if errors.Is(err, keyringErrors[name]) {
			a.Is = append(a.Is, name)
		}
	}
	return a
}

// A keyringUser is a process that uses package keyring.
type keyringUser struct{ *child }

// ask makes a call, and returns what became of it.
func (u keyringUser) ask(c keyringCall) keyringAnswer {
	u.t.Helper()
	u.tell(c)
	return u.answer()
}

// answer waits for what becomes of a call that the process was told of.
func (u keyringUser) answer() (a keyringAnswer) {
	u.t.Helper()
	u.hearSoon(&a)
	return a
}

// hearSoon is hear, but kills a process that says nothing.
func (u keyringUser) hearSoon(v any) {
	u.t.Helper()
	defer time.AfterFunc(pageWait, u.kill).Stop()
	u.hear(v)
}

// isError fails the test unless the call returned the error of that name, and no other, and no key.
func (a keyringAnswer) isError(t *testing.T, name string) {
	t.Helper()
	require.Equal(t, []string{name}, a.Is, "the error is %q", a.Err)
	require.Empty(t, a.Key)
}

// isKey fails the test unless the call returned a key, and no error.
func (a keyringAnswer) isKey(t *testing.T) {
	t.Helper()
	require.Empty(t, a.Err)
	require.Len(t, a.Key, 2*keyring.KeySize)
}

// A desktop is what a user has who has logged in to one: a session bus, and GNOME Keyring. It is
// private: all of it is in a temporary directory.
type desktop struct {
	t           *testing.T
	dir         string
	log         *os.File
	bus, daemon *kept
}

// startDesktop starts the bus of one that ends with the test.
func startDesktop(t *testing.T) *desktop {
	t.Helper()
	for _, program := range []string{"dbus-daemon", "dbus-send", "gnome-keyring-daemon", "secret-tool"} {
		if _, err := exec.LookPath(program); err != nil {
			skipSuite(t, "keyring: "+program+" not found: run `make setup` or install D-Bus, GNOME Keyring and libsecret's tools")
		}
	}
	dir, err := os.MkdirTemp("", "csoauth-keyring-") // shorter than the test's own, for the path of a socket
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	d := &desktop{t: t, dir: dir}
	for _, name := range []string{"home", "run", "bin"} {
		require.NoError(t, os.Mkdir(filepath.Join(dir, name), 0o700))
	}
	d.log, err = os.Create(filepath.Join(dir, "log"))
	require.NoError(t, err)
	t.Cleanup(d.end)
	d.bus = d.keep("dbus-daemon", "--session", "--nofork", "--address="+d.address())
	eventually(t, func() bool { return d.send("org.freedesktop.DBus", "/", "org.freedesktop.DBus.GetId") == nil }, "the bus responds")
	return d
}

// unlock starts the keyring as a login does, with the user's password.
func (d *desktop) unlock() {
	d.t.Helper()
	password := filepath.Join(d.dir, "password")
	require.NoError(d.t, os.WriteFile(password, []byte("opensesame"), 0o600)) // a line's end would be a part of it
	d.daemon = d.keep("sh", "-c", `exec gnome-keyring-daemon --foreground --unlock --components=secrets <"$0"`, password)
	// A call before that would make the bus start another one, which is locked.
	eventually(d.t, func() bool { _, err := d.pid(); return err == nil }, "the keyring is on the bus")
}

// keep starts a program of this desktop.
func (d *desktop) keep(program ...string) *kept {
	d.t.Helper()
	k := startKept(d.t, d.log, "env", slices.Concat([]string{"-i"}, d.environ(), program)...)
	d.t.Cleanup(k.abandon) // it ends by itself when the bus does, or by a signal
	return k
}

func (d *desktop) address() string { return "unix:path=" + filepath.Join(d.dir, "run", "bus") }

// env is the environment of the desktop's programs. There is no display.
func (d *desktop) env() map[string]string {
	return map[string]string{
		"PATH":                     filepath.Join(d.dir, "bin") + string(filepath.ListSeparator) + os.Getenv("PATH"),
		"HOME":                     filepath.Join(d.dir, "home"),
		"XDG_RUNTIME_DIR":          filepath.Join(d.dir, "run"),
		"DBUS_SESSION_BUS_ADDRESS": d.address(),
	}
}

func (d *desktop) environ() (lines []string) {
	for name, value := range d.env() {
		lines = append(lines, name+"="+value)
	}
	return lines
}

// run runs a program of this desktop to its end, and returns what it wrote.
func (d *desktop) run(stdin string, program ...string) (string, error) {
	ctx, cancel := context.WithTimeout(d.t.Context(), pageWait)
	defer cancel()
	cmd := exec.CommandContext(ctx, program[0], program[1:]...)
	cmd.Env = d.environ()
	cmd.Stdin = strings.NewReader(stdin)
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// send makes a call over the bus.
func (d *desktop) send(to, object, method string, args ...string) error {
	_, err := d.call(to, object, method, args...)
	return err
}

func (d *desktop) call(to, object, method string, args ...string) (string, error) {
	out, err := d.run("", append([]string{"dbus-send", "--session", "--print-reply=literal", "--dest=" + to, object, method}, args...)...)
	if err != nil {
		err = fmt.Errorf("%w: %s", err, out)
	}
	return out, err
}

// pid returns the process which is the keyring, by its name on the bus.
func (d *desktop) pid() (int, error) {
	out, err := d.call("org.freedesktop.DBus", "/", "org.freedesktop.DBus.GetConnectionUnixProcessID", "string:org.freedesktop.secrets")
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(out), "uint32")))
}

// lock locks the keyring, as after some time without its user.
func (d *desktop) lock() {
	d.t.Helper()
	const service = "/org/freedesktop/secrets"
	require.NoError(d.t, d.send("org.freedesktop.secrets", service, "org.freedesktop.Secret.Service.Lock", "array:objpath:"+service+"/collection/login"))
}

// signal sends one to the keyring.
func (d *desktop) signal(s syscall.Signal) {
	d.t.Helper()
	pid, err := d.pid()
	require.NoError(d.t, err)
	require.NoError(d.t, syscall.Kill(pid, s))
}

// user starts a process that uses package keyring on this desktop, with these changes of its
// environment. An empty value takes a variable away.
func (d *desktop) user(changes map[string]string, prepare ...func(*exec.Cmd)) keyringUser {
	d.t.Helper()
	u := keyringUser{startChild(d.t, "keyring", prepare...)}
	env := d.env()
	maps.Copy(env, changes)
	maps.DeleteFunc(env, func(_, value string) bool { return value == "" })
	u.tell(env)
	var ready string
	u.hearSoon(&ready)
	return u
}

// end ends what the bus has started.
func (d *desktop) end() {
	assert.Eventually(d.t, func() bool {
		left := d.processes()
		for _, pid := range left {
			_ = syscall.Kill(pid, syscall.SIGKILL) // fails if it has just ended, which is as good
		}
		return len(left) == 0
	}, pageWait, 20*time.Millisecond, "no process is left over")
	if d.t.Failed() {
		text, _ := os.ReadFile(d.log.Name())
		d.t.Logf("the desktop's programs said:\n%s", text)
	}
	d.log.Close()
}

// processes returns those that have the desktop's environment.
func (d *desktop) processes() (pids []int) {
	mark := []byte("XDG_RUNTIME_DIR=" + d.env()["XDG_RUNTIME_DIR"] + "\x00")
	paths, _ := filepath.Glob("/proc/[0-9]*/environ") // the pattern is good
	for _, path := range paths {
		environ, _ := os.ReadFile(path) // another user's, or of a process that is gone
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil && bytes.Contains(environ, mark) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// abandon kills the program if it still runs.
func (k *kept) abandon() {
	k.over = true
	_, _ = io.WriteString(k.stdin, killLine) // fails if it has ended, which is as good
	k.stdin.Close()
	<-k.ended
}

func TestKeyringKey(t *testing.T) {
	t.Parallel()
	d := startDesktop(t)
	d.unlock()
	u := d.user(nil)
	u.ask(keyringCall{Do: "find", User: "ann"}).isError(t, "ErrNotFound")
	made := u.ask(keyringCall{Do: "key", User: "ann"})
	made.isKey(t)
	other := u.ask(keyringCall{Do: "key", User: "bob"})
	other.isKey(t)
	assert.NotEqual(t, made.Key, other.Key)

	second := d.user(nil)
	for _, do := range []string{"key", "find"} {
		again := second.ask(keyringCall{Do: do, User: "ann"})
		again.isKey(t)
		assert.Equal(t, made.Key, again.Key, do)
	}

	for range 2 {
		assert.Empty(t, second.ask(keyringCall{Do: "delete", User: "ann"}).Err)
	}
	u.ask(keyringCall{Do: "find", User: "ann"}).isError(t, "ErrNotFound")
	kept := u.ask(keyringCall{Do: "find", User: "bob"})
	kept.isKey(t)
	assert.Equal(t, other.Key, kept.Key)
	fresh := u.ask(keyringCall{Do: "key", User: "ann"})
	fresh.isKey(t)
	assert.NotEqual(t, made.Key, fresh.Key)
}

// A key that is replaced would lose what the others have sealed with theirs.
func TestKeyringFirstKeyOfManyProcesses(t *testing.T) {
	t.Parallel()
	d := startDesktop(t)
	d.unlock()
	var users []keyringUser
	for range 20 {
		users = append(users, d.user(nil))
	}
	for _, u := range users {
		u.tell(keyringCall{Do: "key", User: "ann"})
	}
	keys := map[string]int{}
	for _, u := range users {
		a := u.answer()
		a.isKey(t)
		keys[a.Key]++
	}
	assert.Len(t, keys, 1)
	found := d.user(nil).ask(keyringCall{Do: "find", User: "ann"})
	found.isKey(t)
	assert.Contains(t, keys, found.Key)
}

func TestKeyringValueOfAnotherProgram(t *testing.T) {
	t.Parallel()
	d := startDesktop(t)
	d.unlock()
	out, err := d.run("hunter2", "secret-tool", "store", "--label=A password", "service", keyringService, "username", "ann")
	require.NoError(t, err, out)
	u := d.user(nil)
	for _, do := range []string{"key", "find"} {
		a := u.ask(keyringCall{Do: do, User: "ann"})
		a.isError(t, "ErrBroken")
		assert.NotContains(t, a.Err, "hunter2")
	}
	out, err = d.run("", "secret-tool", "lookup", "service", keyringService, "username", "ann")
	require.NoError(t, err, out)
	assert.Equal(t, "hunter2", out, "nobody has replaced it")

	assert.Empty(t, u.ask(keyringCall{Do: "delete", User: "ann"}).Err)
	u.ask(keyringCall{Do: "key", User: "ann"}).isKey(t)
}

// Without a display, nobody can be asked for the password. That is known at once.
func TestKeyringLocked(t *testing.T) {
	t.Parallel()
	d := startDesktop(t)
	d.unlock()
	u := d.user(nil)
	u.ask(keyringCall{Do: "key", User: "ann"}).isKey(t)
	d.lock()
	for _, do := range []string{"key", "find", "delete"} {
		for _, user := range []string{"ann", "bob"} {
			a := u.ask(keyringCall{Do: do, User: user, Within: time.Hour})
			a.isError(t, "ErrUnavailable")
			assert.Contains(t, a.Err, "failed to unlock correct collection", "the keyring's own text")
		}
	}
}

// A user without a password has no keyring that a login could unlock.
func TestKeyringThatWasNeverMade(t *testing.T) {
	t.Parallel()
	d := startDesktop(t)
	u := d.user(nil)
	for _, do := range []string{"key", "find", "delete"} {
		u.ask(keyringCall{Do: do, User: "ann", Within: time.Hour}).isError(t, "ErrUnavailable")
	}
}

func TestKeyringHangs(t *testing.T) {
	t.Parallel()
	d := startDesktop(t)
	d.unlock()
	u := d.user(nil)
	made := u.ask(keyringCall{Do: "key", User: "ann"})
	made.isKey(t)

	d.signal(syscall.SIGSTOP)
	const within = 3 * time.Second // longer than a caller in a hurry
	a := u.ask(keyringCall{Do: "find", User: "ann", Within: within})
	a.isError(t, "ErrTimeout")
	assert.GreaterOrEqual(t, a.Took, within)
	assert.Less(t, a.Took, within+30*time.Second, "a call without a deadline takes a minute")
	for _, do := range []string{"key", "find", "delete"} {
		u.ask(keyringCall{Do: do, User: "ann", Within: time.Hour}).isError(t, "ErrTimeout")
	}

	d.signal(syscall.SIGCONT)
	for end := time.Now().Add(pageWait); ; time.Sleep(20 * time.Millisecond) { // the earlier call returns first
		a = u.ask(keyringCall{Do: "find", User: "ann"})
		if a.Err == "" {
			break
		}
		a.isError(t, "ErrTimeout")
		require.True(t, time.Now().Before(end), "the process does not find the key again")
	}
	assert.Equal(t, made.Key, a.Key)
}

// The bus starts the keyring again when it is called, and it is locked then.
func TestKeyringDies(t *testing.T) {
	t.Parallel()
	d := startDesktop(t)
	d.unlock()
	u := d.user(nil)
	u.ask(keyringCall{Do: "key", User: "ann"}).isKey(t)
	before, err := d.pid()
	require.NoError(t, err)
	d.daemon.kill()
	for _, u := range []keyringUser{u, d.user(nil)} {
		u.ask(keyringCall{Do: "find", User: "ann", Within: time.Hour}).isError(t, "ErrUnavailable")
	}
	after, err := d.pid()
	require.NoError(t, err)
	assert.NotEqual(t, before, after)
}

func TestKeyringBusDies(t *testing.T) {
	t.Parallel()
	d := startDesktop(t)
	d.unlock()
	u := d.user(nil)
	u.ask(keyringCall{Do: "key", User: "ann"}).isKey(t)
	d.bus.kill()
	for _, u := range []keyringUser{u, d.user(nil)} {
		for _, do := range []string{"key", "find", "delete"} {
			u.ask(keyringCall{Do: do, User: "ann", Within: time.Hour}).isError(t, "ErrUnavailable")
		}
	}
}

// askUser puts a program into the place of the one that asks the user for the password, which waits
// for ever. The function that it returns waits until the keyring has started that program.
func (d *desktop) askUser() (asked func()) {
	d.t.Helper()
	const name = "org.gnome.keyring.SystemPrompter"
	services := filepath.Join(d.dir, "run", "dbus-1", "services")
	require.NoError(d.t, os.MkdirAll(services, 0o700))
	program, mark := filepath.Join(d.dir, "bin", "prompter"), filepath.Join(d.dir, "asked")
	require.NoError(d.t, os.WriteFile(program, []byte("#!/bin/sh\n: >"+mark+"\nexec sleep 100\n"), 0o700))
	service := "[D-BUS Service]\nName=" + name + "\nExec=" + program + "\n"
	require.NoError(d.t, os.WriteFile(filepath.Join(services, name+".service"), []byte(service), 0o600))
	require.NoError(d.t, d.send("org.freedesktop.DBus", "/", "org.freedesktop.DBus.ReloadConfig"))
	return func() {
		d.t.Helper()
		eventually(d.t, func() bool { _, err := os.Stat(mark); return err == nil }, "the keyring asks its user for the password")
	}
}

// With a display, the keyring waits for its user, longer than the caller wants to wait.
func TestKeyringAsksItsUser(t *testing.T) {
	t.Parallel()
	d := startDesktop(t)
	d.unlock()
	asked := d.askUser()
	d.lock()
	u := d.user(nil)
	u.ask(keyringCall{Do: "find", User: "ann", Within: time.Second}).isError(t, "ErrTimeout")
	asked()
}

// The user logs out of the desktop while the keyring waits for the password. go-keyring panics
// then.
func TestKeyringBusDiesMeanwhile(t *testing.T) {
	t.Parallel()
	d := startDesktop(t)
	d.unlock()
	asked := d.askUser()
	d.lock()
	u := d.user(nil)
	u.tell(keyringCall{Do: "find", User: "ann", Within: time.Hour})
	asked()
	d.bus.kill()
	u.answer().isError(t, "ErrUnavailable")
}

// Without a bus there is no keyring, and nobody starts a bus: that would have an empty keyring, and
// would stay for ever.
func TestKeyringWithoutBus(t *testing.T) {
	t.Parallel()
	d := startDesktop(t)
	d.bus.kill()
	require.NoError(t, os.RemoveAll(d.env()["XDG_RUNTIME_DIR"]))
	require.NoError(t, os.Mkdir(d.env()["XDG_RUNTIME_DIR"], 0o700))
	launched := filepath.Join(d.dir, "launched")
	require.NoError(t, os.WriteFile(filepath.Join(d.dir, "bin", "dbus-launch"), []byte("#!/bin/sh\n: >"+launched+"\n"), 0o700))

	// If this user has logged in to this machine, its own bus would be found.
	asNobody := func(*exec.Cmd) {}
	if _, err := os.Stat(fmt.Sprintf("/run/user/%d/bus", os.Getuid())); err == nil {
		const uid = 54321
		asNobody = func(cmd *exec.Cmd) {
			cmd.SysProcAttr = &syscall.SysProcAttr{
				Cloneflags:  syscall.CLONE_NEWUSER,
				UidMappings: []syscall.SysProcIDMap{{ContainerID: uid, HostID: os.Getuid(), Size: 1}},
			}
		}
	}
	for name, changes := range map[string]map[string]string{
		"no address":           {"DBUS_SESSION_BUS_ADDRESS": ""},
		"no address, no dir":   {"DBUS_SESSION_BUS_ADDRESS": "", "XDG_RUNTIME_DIR": ""},
		"autolaunch":           {"DBUS_SESSION_BUS_ADDRESS": "autolaunch:"},
		"autolaunch in a list": {"DBUS_SESSION_BUS_ADDRESS": "autolaunch:;autolaunch:scope=*user"},
	} {
		u := d.user(changes, asNobody)
		for _, do := range []string{"key", "find", "delete"} {
			a := u.ask(keyringCall{Do: do, User: "ann", Within: time.Hour})
			assert.Equal(t, []string{"ErrUnavailable"}, a.Is, "%s: %s: %s", name, do, a.Err)
			assert.Contains(t, a.Err, "there is no session bus", name)
		}
	}
	assert.NoFileExists(t, launched)
}

func TestKeyringFindsBus(t *testing.T) {
	t.Parallel()
	d := startDesktop(t)
	d.unlock()
	made := d.user(nil).ask(keyringCall{Do: "key", User: "ann"})
	made.isKey(t)
	for name, address := range map[string]string{"no address": "", "autolaunch": "autolaunch:"} {
		found := d.user(map[string]string{"DBUS_SESSION_BUS_ADDRESS": address}).ask(keyringCall{Do: "find", User: "ann"})
		assert.Equal(t, keyringAnswer{Key: made.Key, Took: found.Took}, found, name)
	}
}
