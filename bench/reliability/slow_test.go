package reliability

import (
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"
)

// network is a way in which the network to the broker can be bad.
type network struct {
	name string
	says []string // one of them is in /readyz meanwhile; none: it need not be unready
	make func(x *proxy)
	done func(x *proxy, since time.Time) bool // it was bad enough, since then
}

var networks = []network{
	{
		"slow",
		[]string{"has not answered for", "no answer in time"},
		func(x *proxy) {
			x.delay.Store(int64(200 * time.Millisecond))
			x.rate.Store(64 << 10)
		},
		func(_ *proxy, since time.Time) bool {
			return time.Since(since) > time.Duration(scale(3, 20))*time.Second
		},
	},
	{
		"cut", nil,
		func(x *proxy) { x.limit.Store(512 << 10) },
		func(x *proxy, since time.Time) bool { // where all is decided little goes through that could break
			return x.cuts.Load() >= int64(scale(20, 100)) || x.cuts.Load() > 0 && time.Since(since) > 10*time.Second
		},
	},
}

// TestReliabilitySlow has the broker behind a network that is slow for a while,
// and one that breaks connections at any byte, while payments lie there to be
// decided and a client asks over HTTP.
func TestReliabilitySlow(t *testing.T) {
	t.Setenv("GOGC", "25") // as for brokers that are killed
	n, times := scale(60_000, 300_000), scale(1, 4)
	all, want := payments(t, n), reference(t, n)
	random := rand.New(rand.NewPCG(seed(t), 50))
	proxied := func(kept int, disturb func(*proxy, *place, *watch, *process)) (outcome, int64) {
		p := newPlace(t)
		p.kept = kept
		x := newProxy(t, p, random)
		defer x.close()
		return p.run(t, all, want, func(w *watch, s *process) {
			if disturb != nil {
				disturb(x, p, w, s)
			}
		})
	}
	_, calm := proxied(0, nil)
	for _, bad := range networks {
		t.Run(bad.name, func(t *testing.T) {
			broken := int64(0)
			// These are of less than a week: no label of theirs is due by the end. One that
			// came before its payment would be given up for the clients' clock, years later.
			kept, sent := n/5, n-n/5
			o, harmed := proxied(kept, func(x *proxy, p *place, w *watch, s *process) {
				for i := range times {
					seen := min(int(w.seen.Load()), sent-1)
					w.await(t, seen+1+random.IntN(max(1, (sent-seen)/(times-i+1))), s, hung)
					before := w.seen.Load()
					bad.make(x)
					// Whatever is decided already, this much has to come through it.
					next := n - kept + kept*(i+1)/times
					p.send(t, all[sent:next])
					sent = next
					began := time.Now()
					why := s.awaitBad(t, bad, func() bool { return bad.done(x, began) })
					x.heal()
					broken += x.cuts.Swap(0)
					t.Logf("%s %d: from %d to %d of %d; /readyz: %s", bad.name, i+1, before, w.seen.Load(), n, why)
				}
			})
			checkMemory(t, calm, harmed, false)
			t.Logf("%d times %s over %d transactions, %d connections broken: %+v; memory at most %d MiB, %d MiB undisturbed", times, bad.name, n, broken, o, harmed>>20, calm>>20)
		})
	}
}

// awaitBad waits until the network was bad enough, and /readyz has told.
func (s *process) awaitBad(t *testing.T, bad network, enough func() bool) (why string) {
	t.Helper()
	told := len(bad.says) == 0
	s.await(t, "/readyz tells that the network is "+bad.name, hung, func() bool {
		time.Sleep(20 * time.Millisecond)
		if status, text := s.get(t, "/readyz"); !told && status == http.StatusServiceUnavailable && containsAny(text, bad.says) {
			told, why = true, strings.TrimSpace(text)
		}
		return told && enough()
	})
	return why
}
