package integration_test

import (
	"bytes"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A wire stands before a database, and can be cut.
type wire struct {
	listener net.Listener
	target   string

	mu    sync.Mutex
	conns map[net.Conn]bool // both ends
	next  *wireCut
	done  int // how many cuts there were
	until time.Time
	down  bool
	all   sync.WaitGroup
}

// A wireCut is what happens to the next request with certain bytes in it.
type wireCut struct {
	with   string
	answer bool          // the server acts, and its response is lost; otherwise the server never sees the request
	silent bool          // nothing comes any more on that connection, and nobody is told; otherwise all connections break
	down   time.Duration // new connections break at once for so long
}

func newWire(t *testing.T, target string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	w := &wire{listener: l, target: target, conns: map[net.Conn]bool{}}
	w.all.Go(w.accept)
	t.Cleanup(func() {
		l.Close()
		w.breakAll(true)
		w.all.Wait()
	})
	return w
}

func (w *wire) addr() string { return w.listener.Addr().String() }

// cut arms a cut.
func (w *wire) cut(c wireCut) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next = &c
}

// cuts returns how many there were.
func (w *wire) cuts() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.done
}

// breakAll breaks all connections, and new ones too if down.
func (w *wire) breakAll(down bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down = w.down || down
	w.breakNow()
}

// breakNow is for who holds mu.
func (w *wire) breakNow() {
	for c := range w.conns {
		c.Close()
	}
}

func (w *wire) accept() {
	for {
		client, err := w.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", w.target)
		w.mu.Lock()
		if err != nil || w.down || time.Now().Before(w.until) {
			client.Close()
			if err == nil {
				server.Close()
			}
		} else {
			w.conns[client], w.conns[server] = true, true
			lost := &wireLoss{}
			w.all.Go(func() { w.pump(client, server, lost, true) })
			w.all.Go(func() { w.pump(server, client, lost, false) })
		}
		w.mu.Unlock()
	}
}

// A wireLoss is the cut that has hit one connection.
type wireLoss struct {
	mu  sync.Mutex
	cut *wireCut
}

func (l *wireLoss) get() *wireCut {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cut
}

// pump copies one direction until it ends. A cut connection that is silent goes on to be read.
func (w *wire) pump(from, to net.Conn, lost *wireLoss, requests bool) {
	defer func() {
		from.Close()
		to.Close()
		w.mu.Lock()
		delete(w.conns, from)
		w.mu.Unlock()
	}()
	buf := make([]byte, 1<<20)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		if requests {
			w.hit(buf[:n], lost)
		}
		if c := lost.get(); c != nil && c.answer != requests {
			if !c.silent {
				w.breakNowFor(c.down)
				return
			}
			continue
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}

// hit gives the next cut to a connection whose request it is meant for.
func (w *wire) hit(request []byte, lost *wireLoss) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.next == nil || !bytes.Contains(request, []byte(w.next.with)) {
		return
	}
	lost.mu.Lock()
	defer lost.mu.Unlock()
	lost.cut, w.next = w.next, nil
	w.done++
}

func (w *wire) breakNowFor(down time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.until = time.Now().Add(down)
	w.breakNow()
}
