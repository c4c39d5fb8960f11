package clickhouse_test

import (
	"bytes"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// proxy stands between a store and ClickHouse and does to connections what a
// bad network does.
type proxy struct {
	to string
	l  net.Listener
	wg sync.WaitGroup

	down  atomic.Bool  // takes no connections
	fault atomic.Int32 // what befalls the next insert
	hits  atomic.Int32 // how often something has

	mu    sync.Mutex
	conns map[net.Conn]bool
}

func newProxy(t *testing.T, to string) *proxy {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{to: to, l: l, conns: map[net.Conn]bool{}}
	p.wg.Go(p.run)
	t.Cleanup(func() {
		l.Close()
		p.cut()
		p.wg.Wait()
	})
	return p
}

func (p *proxy) addr() string { return p.l.Addr().String() }

// cut cuts all connections.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.Close()
	}
	clear(p.conns)
}

func (p *proxy) run() {
	for {
		c, err := p.l.Accept()
		if err != nil {
			return
		}
		if p.down.Load() {
			c.Close()
			continue
		}
		s, err := net.Dial("tcp", p.to)
		if err != nil {
			c.Close()
			continue
		}
		p.mu.Lock()
		p.conns[c], p.conns[s] = true, true
		p.mu.Unlock()
		i := &insert{p: p}
		p.wg.Go(func() { p.pass(s, c, i.sent) })
		p.wg.Go(func() { p.pass(c, s, i.answered) })
	}
}

// pass copies what is let through, until it is told to cut the connection.
func (p *proxy) pass(to, from net.Conn, let func(b []byte) (n int, on bool)) {
	defer to.Close()
	defer from.Close()
	b := make([]byte, 1<<16)
	for {
		n, err := from.Read(b)
		if err != nil {
			return
		}
		n, on := let(b[:n])
		if _, err := to.Write(b[:n]); err != nil || !on {
			return
		}
	}
}

// Faults.
const (
	none    int32 = iota
	halfway       // the connection is cut when half of the rows are sent
	lost          // the rows are sent, and the connection is cut when ClickHouse answers
)

// insert follows an insert on a connection.
type insert struct {
	p     *proxy
	stage atomic.Int32 // 1: asked for, 2: ClickHouse takes rows, 3: rows are sent
}

func (i *insert) strikes(fault int32) bool {
	if !i.p.fault.CompareAndSwap(fault, none) {
		return false
	}
	i.p.hits.Add(1)
	return true
}

func (i *insert) sent(b []byte) (int, bool) {
	if bytes.Contains(b, []byte("INSERT INTO ")) && !bytes.Contains(b, []byte("SELECT")) {
		i.stage.Store(1)
		return len(b), true
	}
	if i.stage.CompareAndSwap(2, 3) && i.strikes(halfway) {
		return len(b) / 2, false
	}
	return len(b), true
}

func (i *insert) answered(b []byte) (int, bool) {
	if i.stage.CompareAndSwap(1, 2) {
		return len(b), true
	}
	if i.stage.CompareAndSwap(3, 0) && i.strikes(lost) {
		return 0, false
	}
	return len(b), true
}
