package stream_test

import (
	"slices"
	"testing"
	"time"

	"sluice/stream"
)

// What a partition of one customer's payments says of time where the clock of a
// producer was a year ahead for one of them.

// TestWildReadBack: how far a start reads back is not told by a timestamp that is
// still to come.
func TestWildReadBack(t *testing.T) {
	b := newBench(t)
	b.create(t, b.options())
	p, stop := b.run(t, b.options())
	for i := range 3 {
		at := b.start.Add(time.Duration(i) * time.Second)
		b.send(t, b.topics.Transactions, "c", at, b.body(i, "c", at, 100))
	}
	b.send(t, b.topics.Transactions, "c", b.start.AddDate(1, 0, 0), b.body(3, "c", b.start.Add(3*time.Second), 100))
	b.flush(t)
	b.decided(t, p, 4)
	stop()
	_, stop = b.run(t, b.options())
	at := b.start.Add(time.Minute)
	b.send(t, b.topics.Transactions, "c", at, b.body(4, "c", at, 100))
	b.flush(t)
	if got := b.verdicts(t, 5); got[4].Verdict != "deny" {
		t.Errorf("%+v: the histories were not read back", got[4])
	}
	stop()
}

// TestWildGap: the mark of what is gone does not stay for a year.
func TestWildGap(t *testing.T) {
	for flag, change := range map[string]func(*stream.Options){
		"gap":     func(o *stream.Options) { o.AcceptGap = true },
		"warming": func(o *stream.Options) { o.Group += "-next" },
	} {
		t.Run(flag, func(t *testing.T) {
			s := newStory(t)
			one, _, partition := customers()
			p, stop := s.run(t, s.options())
			s.pays(t, "a", one, 0)
			s.decided(t, p, 1)
			stop()
			s.pays(t, "b", one, 1)
			at := s.start.Add(2 * time.Minute)
			s.send(t, s.topics.Transactions, one, at.AddDate(1, 0, 0), s.body(1000, one, at, 100))
			s.flush(t)
			s.forget(t, partition, 2)
			o := s.options()
			change(&o)
			p, stop = s.run(t, o)
			s.decided(t, p, 1)
			s.pays(t, "c", one, 24*60)
			s.pays(t, "d", one, 26*60) // by then the window of an hour has passed what is gone
			s.decided(t, p, 3)
			stop()
			flags, _ := s.marked(t, 4)
			if !slices.Contains(flags["c"], flag) || slices.Contains(flags["d"], flag) {
				t.Errorf("flags %v and, two hours on, %v", flags["c"], flags["d"])
			}
		})
	}
}

// TestNoTimestamp: payments of records without a timestamp are of their own times,
// not all of the same one.
func TestNoTimestamp(t *testing.T) {
	b := newBench(t)
	_, stop := b.run(t, b.options())
	for i := range 8 { // four far apart, and four in a burst
		at := b.start.Add(time.Duration(min(i, 4)-8)*2*time.Hour + time.Duration(i)*time.Minute)
		b.send(t, b.topics.Transactions, "c", time.UnixMilli(-1), b.body(i, "c", at, 100))
	}
	b.flush(t)
	for i, v := range b.verdicts(t, 8) {
		want := "allow"
		if i == 7 {
			want = "deny"
		}
		if v.Verdict != want {
			t.Errorf("%+v, not %s", v, want)
		}
	}
	stop()
}
