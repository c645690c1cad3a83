package alerts

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// channel notes what it is sent; while down it fails.
type channel struct {
	mu          sync.Mutex
	down, hangs bool
	poison      string // the id of an alert that it never takes
	got         []string
	tries       int
}

func (*channel) Name() string { return "test" }

func (c *channel) Send(ctx context.Context, a Alert) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tries++
	if c.hangs {
		<-ctx.Done()
		return ctx.Err()
	}
	if c.down || a.ID == c.poison {
		return errors.New("down")
	}
	c.got = append(c.got, fmt.Sprintf("%s %s x%d", a.ID, a.Status, a.Count))
	return nil
}

// set changes how it is.
func (c *channel) set(down bool) {
	c.mu.Lock()
	c.down = down
	c.mu.Unlock()
}

// seen gives what it was sent.
func (c *channel) seen() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.got)
}

func (c *channel) tried() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tries
}

// run starts a dispatcher in a bubble of synctest, whose clock moves only when
// everybody waits.
func run(t *testing.T, b *Book, channels ...Channel) (d *Dispatcher, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	d = NewDispatcher(b, time.Minute, slog.New(slog.DiscardHandler), channels...)
	done := make(chan struct{})
	go func() { d.Run(ctx, 10*time.Second); close(done) }()
	return d, func() { cancel(); <-done }
}

func state(id string, status Status, count int64) Alert {
	return Alert{ID: id, Status: status, Count: count}
}

func expect(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s: %q, not %q", what, got, want)
	}
}

func TestFailingChannelGetsTheNewestState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		good, bad := &channel{}, &channel{down: true}
		d, stop := run(t, NewBook(time.Minute, 10), good, bad)
		d.Notify(state("a", Firing, 1))
		synctest.Wait()
		expect(t, "a good channel gets it at once", good.seen(), "a firing x1")
		d.Notify(state("b", Firing, 1))
		synctest.Wait()
		for i := range 1000 {
			d.Notify(state("a", Firing, int64(i)))
		}
		if w := d.Waiting(); w["test"] != 2 {
			t.Errorf("%v wait", w)
		}
		d.Notify(state("a", Resolved, 1000))
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := bad.tried(); n > 80 || n < 60 {
			t.Errorf("%d tries in an hour", bad.tried())
		}
		bad.set(false)
		time.Sleep(2 * lastRetry)
		synctest.Wait()
		if len(bad.seen()) != 2 || !strings.Contains(strings.Join(bad.seen(), ","), "a resolved x1000") || !strings.Contains(strings.Join(bad.seen(), ","), "b firing x1") {
			t.Errorf("a channel that came back got %q", bad.seen())
		}
		stop()
	})
}

func TestRefusedAlertDoesNotStopTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &channel{poison: "p"}
		d, stop := run(t, NewBook(time.Minute, 10), c)
		for _, id := range []string{"p", "a", "b"} {
			d.Notify(state(id, Firing, 1))
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		expect(t, "the others", c.seen(), "a firing x1", "b firing x1")
		stop()
	})
}

func TestStatesComeInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &channel{}
		d, stop := run(t, NewBook(time.Minute, 10), c)
		for i := range 20 {
			for _, id := range []string{"a", "b", "c"} {
				d.Notify(state(id, Firing, int64(i)))
			}
			synctest.Wait()
		}
		last := map[string]string{}
		for i, line := range c.seen() {
			id := line[:1]
			if want := fmt.Sprintf("%c firing x%d", "abc"[i%3], i/3); line != want {
				t.Fatalf("%q, not %q", line, want)
			}
			last[id] = line
		}
		if len(c.seen()) != 60 || len(last) != 3 {
			t.Errorf("%d came", len(c.seen()))
		}
		stop()
	})
}

func TestStopTellsWhatIsNew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, time.Hour, 10)
		c := &channel{}
		_, stop := run(t, s.book, c)
		s.payAt(0, time.Now(), `"card":"c","amount":1`)
		time.Sleep(time.Second)
		s.payAt(1, time.Now(), `"card":"c","amount":1`)
		synctest.Wait()
		if len(c.seen()) != 1 || !strings.HasSuffix(c.seen()[0], "firing x1") {
			t.Errorf("%q", c.seen())
		}
		stop()
		if len(c.seen()) != 2 || !strings.HasSuffix(c.seen()[1], "firing x2") {
			t.Errorf("at the end: %q", c.seen())
		}
	})
}

func TestStopIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, time.Hour, 10)
		hangs, down, back := &channel{hangs: true}, &channel{down: true}, &channel{down: true}
		d, stop := run(t, s.book, hangs, down, back)
		d.Notify(state("a", Firing, 1))
		time.Sleep(10 * time.Minute) // all retries are a minute apart now
		begin := time.Now()
		time.AfterFunc(2*time.Second, func() { back.set(false) })
		stop()
		if took := time.Since(begin); took != 10*time.Second {
			t.Errorf("it took %v", took)
		}
		expect(t, "one that came back in time", back.seen(), "a firing x1")
		if len(hangs.seen())+len(down.seen()) != 0 {
			t.Error("a channel that was down got something")
		}
	})
}

func TestIncidentsReachTheChannels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, time.Hour, 10)
		s.start = time.Now()
		c := &channel{}
		_, stop := run(t, s.book, c)
		for i := range 600 { // a payment a second for ten minutes
			s.pay(i, `"card":"c","amount":1`)
			time.Sleep(time.Second)
		}
		synctest.Wait()
		if len(c.seen()) < 9 || len(c.seen()) > 12 {
			t.Errorf("%d messages of one alert in ten minutes", len(c.seen()))
		}
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if last := c.seen()[len(c.seen())-1]; !strings.HasSuffix(last, "resolved x600") {
			t.Errorf("in the end: %q", last)
		}
		stop()
	})
}

func TestLogHoldsWhatOnCallNeeds(t *testing.T) {
	var out bytes.Buffer
	l := Log{slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))}
	at := time.Unix(0, 0).UTC()
	page := Alert{
		ID: "x-1", Status: Firing, Severity: "page", Rule: "x", Mode: "live", Entity: "card", Value: "c", Count: 3,
		Amount: "3.00 EUR", First: at, Last: at, Owner: "risk", Description: "Why", Examples: []string{"1"},
	}
	shadow, over := page, Alert{ID: "r", Status: Resolved, Severity: "page", First: at, Last: at}
	shadow.Mode = "shadow"
	for _, a := range []Alert{page, shadow, over} {
		if err := l.Send(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	const tail = ` entity=card value=c description=Why owner=risk amount="3.00 EUR" count=3 first=1970-01-01T00:00:00.000Z last=1970-01-01T00:00:00.000Z examples=[1] alert=x-1`
	expect(t, "log", strings.Split(out.String(), "\n"),
		`level=ERROR msg=alert status=firing severity=page rule=x mode=live`+tail,
		`level=WARN msg=alert status=firing severity=page rule=x mode=shadow`+tail,
		`level=WARN msg=alert status=resolved severity=page count=0 first=1970-01-01T00:00:00.000Z last=1970-01-01T00:00:00.000Z alert=r`, "")
}
