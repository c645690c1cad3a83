package reliability

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice/bench/kafkatest"
)

// harm does something to the broker until heal is called.
type harm struct {
	name string
	says []string // one of them is in /readyz meanwhile
	do   func(t *testing.T, b kafkatest.Broker) (heal func())
}

var harms = []harm{
	{"kills", []string{"nobody listens there"}, func(t *testing.T, b kafkatest.Broker) func() {
		b.Kill(t)
		return func() { b.Restart(t) }
	}},
	{"freezes", []string{"no answer in time", "has not answered for"}, func(t *testing.T, b kafkatest.Broker) func() {
		b.Freeze(t)
		return func() { b.Thaw(t) }
	}},
}

// TestReliabilityBroker kills the broker and starts it again, or freezes it for
// a while, at random points of a run, while a client asks over HTTP as well.
func TestReliabilityBroker(t *testing.T) {
	// By itself the collector lets garbage grow until there is as much of it as of
	// what is in use: how far it got by the end is chance, and more than what a
	// broker that is away can cost.
	t.Setenv("GOGC", "25")
	n := scale(100_000, 1_000_000)
	all, want := payments(t, n), reference(t, n)
	_, calm := newPlace(t).run(t, all, want, nil)
	for i, h := range harms {
		t.Run(h.name, func(t *testing.T) { brokerHarmed(t, h, uint64(10+i), all, want, calm) })
	}
}

func brokerHarmed(t *testing.T, h harm, stream uint64, all []payment, want []expected, calm int64) {
	times, n := scale(3, 20), len(all)
	random := rand.New(rand.NewPCG(seed(t), stream))
	broker := kafkatest.Named(t)
	p := newPlace(t)
	o, harmed := p.run(t, all, want, func(w *watch, s *process) {
		for i := range times {
			seen, left := int(w.seen.Load()), times-i
			goal := min(seen+1+random.IntN(max(1, 2*(n-seen)/(left+1))), n-1)
			w.await(t, goal, s, hung)
			heal := h.do(t, broker)
			why := ""
			s.await(t, "/readyz tells the cause", hung, func() bool {
				var status int
				status, why = s.get(t, "/readyz")
				return status == http.StatusServiceUnavailable && containsAny(why, h.says)
			})
			heal()
			t.Logf("%s %d: at %d of %d; /readyz: %s", h.name, i+1, w.seen.Load(), n, strings.TrimSpace(why))
		}
	})
	growth := float64(harmed)/float64(calm) - 1
	t.Logf("%d %s over %d transactions: %+v; memory at most %d MiB, %d MiB undisturbed (%+.0f %%)", times, h.name, n, o, harmed>>20, calm>>20, 100*growth)
	checkMemory(t, calm, harmed, full())
}

// checkMemory compares what was taken at most with what is taken undisturbed: a
// fifth more is allowed, and of a small run what queues hold.
func checkMemory(t *testing.T, calm, harmed int64, large bool) {
	t.Helper()
	if growth := float64(harmed)/float64(calm) - 1; growth > 0.2 && (large || harmed-calm > queues) {
		t.Errorf("memory grows from %d to %d MiB, by %.0f %%; 20 %% are allowed", calm>>20, harmed>>20, 100*growth)
	}
}

// queues is what waits for a broker that is away: 16 MiB of verdicts and what is
// kept of each until it is acknowledged, and as much again until it is collected.
// Undisturbed they never fill. Short runs and those through a slow network are
// small beside them (60 MiB were seen): there so much more is allowed too.
const queues = 96 << 20

func containsAny(text string, parts []string) bool {
	for _, x := range parts {
		if strings.Contains(text, x) {
			return true
		}
	}
	return false
}

// run decides everything while disturb goes on, and gives what came out and the
// most memory that it took.
func (p *place) run(t *testing.T, all []payment, want []expected, disturb func(*watch, *process)) (outcome, int64) {
	t.Helper()
	p.send(t, all[:len(all)-p.kept])
	w := p.watch(t)
	s := serve(t, p.configure(t, "sluice", "{dir: journal}"))
	most, done := int64(0), make(chan struct{})
	asker := &asker{s: s, next: len(all), stop: done}
	var around sync.WaitGroup
	around.Go(func() {
		for ; !closed(done); time.Sleep(20 * time.Millisecond) {
			most = max(most, s.memory())
		}
	})
	around.Go(func() { asker.run(t) })
	if disturb != nil {
		disturb(w, s)
	}
	w.await(t, len(all), s, 5*time.Minute)
	close(done)
	around.Wait()
	s.awaitReady(t)
	s.terminate(t)
	want = slices.Concat(want, asker.answers) // what was answered stands in the topic, and just so
	if len(asker.answers) == 0 {
		t.Error("nobody was answered over HTTP")
	}
	o := p.judge(t, want)
	t.Logf("%d answered over HTTP, after %d refusals and %d calls without an answer", len(asker.answers), asker.refused, asker.unanswered)
	return o, most
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// asker asks over HTTP for one verdict after the other, and again for the same
// one until it is answered.
type asker struct {
	s    *process
	next int
	stop <-chan struct{}

	answers             []expected
	refused, unanswered int
}

func (a *asker) run(t *testing.T) {
	for !closed(a.stop) {
		at := time.Now().UTC().Format(time.RFC3339)
		body := fmt.Sprintf(`{"transaction_id":%d,"tx_datetime":"%s","customer_id":900000,"terminal_id":900000,"tx_amount":1.00}`, a.next, at)
		for answered := false; !answered; time.Sleep(20 * time.Millisecond) {
			status, answer := a.s.ask(t, http.MethodPost, "/v1/verdicts", body)
			switch status {
			case http.StatusOK:
				answered = true
				var v verdict
				if err := json.Unmarshal([]byte(answer), &v); err != nil || v.ID != a.next {
					t.Errorf("asked for %d: %s", a.next, answer)
				}
				a.answers = append(a.answers, expected{v.Verdict, v.Score})
			case 0:
				a.unanswered++
			case http.StatusServiceUnavailable, http.StatusGatewayTimeout, http.StatusTooManyRequests:
				a.refused++
			default:
				t.Errorf("over HTTP: %d %s", status, answer)
				return
			}
			if !a.s.alive() {
				return
			}
		}
		a.next++
	}
}
