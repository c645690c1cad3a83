package reliability

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"

	"sluice/bench/kafkatest"
)

// TestReliabilityRetention deletes records that were never decided, as a topic's
// retention does: their partition stops and says so, the others go on and mark
// their verdicts; told to accept the gap it goes on, and marks every verdict that
// may be wrong for it. It is told so by the flag, and the second time, for
// another partition, by the configuration.
func TestReliabilityRetention(t *testing.T) {
	t.Parallel()
	n := scale(60_000, 300_000)
	p := newPlace(t)
	p.patience = "5s" // so long all others wait for the one that stands
	random := rand.New(rand.NewPCG(seed(t), 30))
	all := payments(t, n)
	config := p.configure(t, "sluice", "{dir: journal, interval: 50ms}")
	accepting := p.configure(t, "accepting", "{dir: journal, interval: 50ms}", "accept_gap: true")
	w := p.watch(t)
	s := serve(t, config)
	p.send(t, all[:n/2])
	w.await(t, n/2, s, hung)
	s.awaitReady(t)
	s.terminate(t)

	gone := 0
	for i, way := range []struct {
		config string
		args   []string
	}{{config, []string{"--accept-gap"}}, {accepting, nil}} {
		sent := n * (3 + i) / 4
		p.send(t, all[n*(2+i)/4:sent])
		g := p.hole(t, random, int32(2-i))
		for range 2 { // a restart alone changes nothing
			s = serve(t, config)
			w.await(t, sent-gone-g.open, s, hung)
			s.awaitGap(t, p, g)
			if seen := w.settle(); seen != int64(sent-gone-g.open) {
				t.Errorf("%d verdicts, %d expected while the partition stands", seen, sent-gone-g.open)
			}
			s.kill(t)
		}
		gone += g.lost()
		s = serve(t, way.config, way.args...)
		w.await(t, sent-gone, s, hung)
		s.awaitReady(t)
		s.terminate(t)
	}
	p.judgeMarked(t, reference(t, n), n/2, n-gone)
}

// hole is what was deleted of a partition.
type hole struct {
	partition   int32
	from, first int64 // what is gone, and what is left
	open        int   // that were not decided
}

func (g hole) lost() int { return int(g.first - g.from) }

// hole deletes some of the records of a partition that are not decided.
func (p *place) hole(t *testing.T, random *rand.Rand, partition int32) hole {
	t.Helper()
	end := kafkatest.Ends(t, p.client, p.topic("tx"))[partition]
	g := hole{partition: partition}
	p.readVerdicts(t, func(v *verdict) {
		if v != nil && v.Source.Partition == partition {
			g.from = max(g.from, v.Source.Offset+1)
		}
	})
	g.open = int(end - g.from)
	g.first = g.from + 1 + random.Int64N(int64(g.open)/2)
	kafkatest.DeleteRecords(t, p.client, p.topic("tx"), partition, g.first)
	t.Logf("%d records of partition %d are gone, %d to %d, and %d are left", g.lost(), partition, g.from, g.first-1, g.open-g.lost())
	return g
}

// awaitGap waits until /readyz says what is missing and what to do.
func (s *process) awaitGap(t *testing.T, p *place, g hole) {
	t.Helper()
	var why string
	s.await(t, "it says what is missing", hung, func() bool {
		var status int
		status, why = s.get(t, "/readyz")
		return status == http.StatusServiceUnavailable && strings.Contains(why, "--accept-gap")
	})
	for _, part := range []string{p.topic("tx") + "/" + itoa(int64(g.partition)), itoa(g.from), itoa(g.first - 1)} {
		if !strings.Contains(why, part) {
			t.Errorf("it does not say %s: %s", part, why)
		}
	}
}

// judgeMarked holds the verdicts against the reference: those of the payments
// from hurt on may differ where they bear the flag gap, and the flag is nowhere
// else.
func (p *place) judgeMarked(t *testing.T, want []expected, hurt, decided int) {
	t.Helper()
	got, twice, flagged, differ, unmarked := map[int]bool{}, 0, 0, 0, 0
	p.readVerdicts(t, func(v *verdict) {
		if v == nil {
			return
		}
		if got[v.ID] {
			twice++
		}
		got[v.ID] = true
		gap := slices.Contains(v.Flags, "gap")
		if gap {
			flagged++
		}
		if (expected{v.Verdict, v.Score}) != want[v.ID] {
			differ++
			if !gap {
				unmarked++
			}
		}
		if gap != (v.ID >= hurt) {
			t.Errorf("transaction %d: the flags are %v", v.ID, v.Flags)
		}
	})
	if len(got) != decided || twice > 0 || unmarked > 0 {
		t.Errorf("%d decided, %d twice, %d differ from the reference, %d of them without the flag gap", len(got), twice, differ, unmarked)
	}
	t.Logf("%d decided of %d, %d lost in gaps, %d marked; %d differ from the reference, %d of them unmarked", len(got), len(want), len(want)-decided, flagged, differ, unmarked)
}
