package reliability

import (
	"errors"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sluice/bench/kafkatest"
)

// proxy is a bad network between the program and the broker: what goes through
// it comes late, slowly, or not to its end.
type proxy struct {
	listener net.Listener
	broker   string

	delay atomic.Int64 // ns, each way
	rate  atomic.Int64 // bytes a second of both ways together, 0: any
	limit atomic.Int64 // a connection breaks after up to so many bytes, 0: never
	cuts  atomic.Int64 // connections broken

	mu     sync.Mutex
	random *rand.Rand
	free   time.Time // when the line is free again
	open   map[net.Conn]bool
}

// piece is bytes on their way.
type piece struct {
	data []byte
	due  time.Time
}

const (
	pieceBytes = 4 << 10
	pieces     = 64 // on their way, each direction of a connection
)

// newProxy lies before the broker of a place, or skips.
func newProxy(t *testing.T, p *place, random *rand.Rand) *proxy {
	t.Helper()
	addresses := strings.Fields(kafkatest.Named(t).Says(t, "proxied"))
	x := &proxy{broker: addresses[0], random: random, open: map[net.Conn]bool{}}
	var err error
	if x.listener, err = net.Listen("tcp", addresses[1]); err != nil {
		t.Fatal(err)
	}
	p.through = addresses[1]
	go func() {
		for {
			c, err := x.listener.Accept()
			if err != nil {
				return
			}
			go x.connect(c)
		}
	}()
	t.Cleanup(x.close)
	return x
}

func (x *proxy) close() {
	_ = x.listener.Close()
	x.mu.Lock()
	defer x.mu.Unlock()
	for c := range x.open {
		_ = c.Close()
	}
}

// heal makes the network a good one.
func (x *proxy) heal() {
	x.delay.Store(0)
	x.rate.Store(0)
	x.limit.Store(0)
}

// connect carries a connection until one side ends it, or it breaks.
func (x *proxy) connect(client net.Conn) {
	broker, err := net.Dial("tcp", x.broker)
	if err != nil {
		_ = client.Close() // the broker is not there, either
		return
	}
	x.note(true, client, broker)
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{client, broker}, {broker, client}} {
		both.Go(func() { x.carry(way[0], way[1]) })
	}
	both.Wait()
	x.note(false, client, broker)
}

func (x *proxy) note(open bool, ends ...net.Conn) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, c := range ends {
		if open {
			x.open[c] = true
		} else {
			delete(x.open, c)
		}
	}
}

// carry carries one direction.
func (x *proxy) carry(from, to net.Conn) {
	way := make(chan piece, pieces)
	var writer sync.WaitGroup
	writer.Go(func() {
		for p := range way {
			if !x.deliver(from, to, p) {
				break
			}
		}
		_ = from.Close()
		_ = to.Close()
		for range way { // what the reader had read already
		}
	})
	for {
		data := make([]byte, pieceBytes)
		n, err := from.Read(data)
		if n > 0 {
			way <- piece{data[:n], time.Now().Add(time.Duration(x.delay.Load()))}
		}
		if err != nil {
			break
		}
	}
	close(way)
	writer.Wait()
}

// deliver writes a piece when it is due and the line is free; false: the
// connection is broken.
func (x *proxy) deliver(from, to net.Conn, p piece) bool {
	time.Sleep(time.Until(p.due))
	if rate := x.rate.Load(); rate > 0 {
		time.Sleep(time.Until(x.line(len(p.data), rate)))
	}
	if limit := x.limit.Load(); limit > 0 {
		if at, breaks := x.breaks(len(p.data), limit); breaks {
			_, _ = to.Write(p.data[:at])
			for _, c := range []net.Conn{from, to} {
				_ = c.(*net.TCPConn).SetLinger(0) // a reset, not an end
			}
			x.cuts.Add(1)
			return false
		}
	}
	_, err := to.Write(p.data)
	return err == nil || errors.Is(err, net.ErrClosed)
}

// line takes the line for so many bytes and gives when they are through.
func (x *proxy) line(bytes int, rate int64) time.Time {
	x.mu.Lock()
	defer x.mu.Unlock()
	if now := time.Now(); x.free.Before(now) {
		x.free = now
	}
	x.free = x.free.Add(time.Duration(int64(bytes) * int64(time.Second) / rate))
	return x.free
}

// breaks draws whether the line breaks within the next bytes, and where: once
// in limit bytes.
func (x *proxy) breaks(bytes int, limit int64) (at int, breaks bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	place := x.random.Int64N(limit)
	return int(place), place < int64(bytes)
}
