package stream_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/bench/kafkatest"
	"sluice/scoring/event"
	"sluice/stream"
)

// hourRules look back one hour, and show the maturity of that window always.
const hourRules = `
rules:
  - {id: always, when: 'count(customer.last("1h")) >= 0', score: 1}
`

// story is a topic that records are deleted from. Times are minutes since its
// beginning, offsets are those of the partition of its customer.
type story struct {
	*bench
	next int // id
	ids  map[string]int
}

func newStory(t *testing.T) *story {
	t.Helper()
	b := newBench(t)
	b.start = time.Now().Add(-24 * time.Hour).Truncate(time.Second)
	b.set = setOf(t, b.schema, hourRules)
	b.create(t, b.options())
	return &story{bench: b, ids: map[string]int{}}
}

// customers gives two of different partitions, and the first one's partition.
func customers() (one, other string, partition int32) {
	one, partition = "c0", int32(event.Partition([]byte("c0"), 4))
	for i := 1; ; i++ {
		other = fmt.Sprint("c", i)
		if int32(event.Partition([]byte(other), 4)) != partition {
			return one, other, partition
		}
	}
}

// pays sends a payment, which is called by a name.
func (s *story) pays(t *testing.T, name, customer string, minute int) {
	t.Helper()
	s.next++
	s.ids[name] = s.next
	at := s.start.Add(time.Duration(minute) * time.Minute)
	s.send(t, s.topics.Transactions, customer, at, s.body(s.next, customer, at, 100))
	s.flush(t)
}

// decided waits until a run has decided so many, and all is acknowledged.
func (b *bench) decided(t *testing.T, p *stream.Processor, n int64) {
	t.Helper()
	await(t, fmt.Sprintf("%d decisions", n), func() bool { return p.Counts().Decisions() >= n && b.drained(t, p)() })
}

// forget deletes the records of a partition below an offset.
func (s *story) forget(t *testing.T, partition int32, below int64) {
	t.Helper()
	kafkatest.DeleteRecords(t, s.out, s.topics.Transactions, partition, below)
}

// marked gives the flags of all verdicts, by name, and the maturity of the hour.
func (s *story) marked(t *testing.T, n int) (flags map[string][]string, maturity map[string]json.Number) {
	t.Helper()
	flags, maturity = map[string][]string{}, map[string]json.Number{}
	for _, r := range readAll(t, s.seeds, s.topics.Verdicts, n) {
		var v struct {
			ID      int `json:"transaction_id"`
			Flags   []string
			Windows []struct{ Maturity json.Number }
		}
		if err := json.Unmarshal(r.Value, &v); err != nil {
			t.Fatal(err)
		}
		for name, id := range s.ids {
			if id == v.ID {
				flags[name], maturity[name] = v.Flags, v.Windows[0].Maturity
			}
		}
	}
	return flags, maturity
}

// expect holds the verdicts against what must be marked.
func (s *story) expect(t *testing.T, flag string, marked, unmarked []string) (maturity map[string]json.Number) {
	t.Helper()
	flags, maturity := s.marked(t, len(marked)+len(unmarked))
	for i, name := range slices.Concat(marked, unmarked) {
		if got := flags[name]; slices.Contains(got, flag) != (i < len(marked)) {
			t.Errorf("%s: the flags are %v", name, got)
		}
	}
	return maturity
}

// TestGapMarks: while a partition stands at a gap, the verdicts of all others
// lack its payments, and say so; so do those of all after the gap was accepted,
// until their windows have passed it, over restarts.
func TestGapMarks(t *testing.T) {
	for _, c := range []struct {
		name string
		left bool // payments behind the gap
	}{{"payments behind it", true}, {"nothing behind it", false}} {
		t.Run(c.name, func(t *testing.T) { gapMarks(t, c.left) })
	}
}

func gapMarks(t *testing.T, left bool) {
	s := newStory(t)
	a, b, hurt := customers()
	o := s.options()
	o.Journal = &stream.Journaling{Dir: t.TempDir(), Interval: 20 * time.Millisecond}
	o.Patience = 50 * time.Millisecond
	p, stop := s.run(t, o)
	s.pays(t, "before, a", a, 0)
	s.pays(t, "before, b", b, 0)
	s.decided(t, p, 2)
	stop()

	s.pays(t, "lost", a, 10)
	gone := int64(2)
	if left {
		s.pays(t, "behind the gap", a, 20)
	}
	s.forget(t, hurt, gone)
	marked := []string{}
	for i := range 2 { // a restart alone changes nothing
		p, stop = s.run(t, o)
		await(t, "it says what is missing", func() bool {
			told := p.State().Troubles
			return len(told) == 1 && strings.Contains(told[0], "--accept-gap")
		})
		name := fmt.Sprint("meanwhile ", i+1)
		s.pays(t, name, b, 20+i)
		await(t, name, func() bool { return p.Counts().Decisions() == 1 })
		if p.CaughtUp() {
			t.Error("it takes itself for caught up")
		}
		request := fmt.Sprint("request ", i+1)
		s.next++
		s.ids[request] = s.next
		if _, err := p.Decide(t.Context(), s.body(s.next, b, time.Now(), 100)); err != nil {
			t.Error(err)
		}
		marked = append(marked, name, request)
		stop()
	}

	accepting := o
	accepting.AcceptGap = true
	p, stop = s.run(t, accepting)
	n := int64(2)
	if left {
		marked = append(marked, "behind the gap")
		n++
	}
	s.pays(t, "an hour after, of b", b, 79)
	s.decided(t, p, n-1)
	s.pays(t, "an hour after, of a", a, 80)
	s.decided(t, p, n)
	stop()
	p, stop = s.run(t, o) // the mark is kept, and is not asked for again
	s.pays(t, "after a restart", b, 83)
	unmarked := []string{"before, a", "before, b"}
	marked = append(marked, "an hour after, of a", "an hour after, of b", "after a restart")
	s.decided(t, p, 1)
	if left { // 20 of its successor, 5 that a time may lie ahead, and the hour
		s.pays(t, "passed, of a", a, 86)
		s.pays(t, "passed, of b", b, 86)
		unmarked = append(unmarked, "passed, of a", "passed, of b")
		s.decided(t, p, 3)
	}
	stop()
	s.expect(t, "gap", marked, unmarked)
}

// TestWholeAgain: the journal is lost, and the topic no longer holds all that
// the windows reach back to. Verdicts are warming, with the maturity that the
// windows have, until they are whole; over restarts.
func TestWholeAgain(t *testing.T) {
	s := newStory(t)
	a, b, hurt := customers()
	o := s.options()
	o.Journal = &stream.Journaling{Dir: t.TempDir(), Interval: 20 * time.Millisecond}
	p, stop := s.run(t, o)
	s.pays(t, "long before", b, 0)
	s.pays(t, "forgotten", a, 60)
	s.pays(t, "left", a, 85)
	s.decided(t, p, 3)
	stop()
	s.forget(t, hurt, 1)
	o.Journal.Dir = t.TempDir()
	for _, at := range []int{100, 120} {
		p, stop = s.run(t, o)
		s.pays(t, fmt.Sprint("warming, ", at), b, at)
		s.decided(t, p, 1)
		stop()
	}
	p, stop = s.run(t, o) // 85 of what is left, 5 that a time may lie ahead, and the hour
	s.pays(t, "whole", b, 151)
	s.decided(t, p, 1)
	stop()
	maturity := s.expect(t, "warming", []string{"warming, 100", "warming, 120"}, []string{"long before", "forgotten", "left", "whole"})
	for name, want := range map[string]json.Number{"long before": "0", "warming, 100": "0.166", "warming, 120": "0.500", "whole": "1"} {
		if maturity[name] != want {
			t.Errorf("%s: the maturity is %s, not %s", name, maturity[name], want)
		}
	}
}

// TestNothingLeft: a partition of which nothing is left does not tell until when
// it held something; then everything is warming.
func TestNothingLeft(t *testing.T) {
	s := newStory(t)
	a, b, hurt := customers()
	p, stop := s.run(t, s.options())
	s.pays(t, "forgotten", a, 0)
	s.pays(t, "before", b, 1)
	s.decided(t, p, 2)
	stop()
	s.forget(t, hurt, 1)
	p, stop = s.run(t, s.options())
	s.pays(t, "after", b, 200)
	s.decided(t, p, 1)
	stop()
	s.expect(t, "warming", []string{"after"}, []string{"forgotten", "before"})
}

// TestWholeAllTheTime: what is older than the histories may go.
func TestWholeAllTheTime(t *testing.T) {
	s := newStory(t)
	a, b, hurt := customers()
	const day = 24 * 60
	s.start = s.start.AddDate(0, 0, -100)
	p, stop := s.run(t, s.options())
	s.pays(t, "forgotten", a, 0)
	s.pays(t, "left", a, 2*day)
	s.pays(t, "before", b, 40*day)
	s.pays(t, "of a", a, 40*day+1)
	s.decided(t, p, 4)
	stop()
	s.forget(t, hurt, 1)
	p, stop = s.run(t, s.options())
	s.pays(t, "after", b, 40*day+10)
	s.decided(t, p, 1)
	stop()
	s.expect(t, "warming", nil, []string{"forgotten", "left", "before", "of a", "after"})
}
