package reliability

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// TestReliabilityRetention deletes records that were never decided, as a topic's
// retention does: their partition stops and says so, the others go on; told to
// accept the gap it goes on, and marks every verdict that may be wrong for it.
func TestReliabilityRetention(t *testing.T) {
	t.Parallel()
	n := scale(60_000, 300_000)
	p := newPlace(t)
	p.patience = "5s" // so long all others wait for the one that stands
	random := rand.New(rand.NewPCG(seed(t), 30))
	all, want := payments(t, n), reference(t, n)
	config := p.configure(t, "sluice", "{dir: journal, interval: 50ms}")
	w := p.watch(t)
	s := serve(t, config)
	p.send(t, all[:n/2])
	w.await(t, n/2, s, time.Minute)
	s.awaitReady(t)
	s.terminate(t)

	p.send(t, all[n/2:])
	ends, err := p.admin.ListEndOffsets(t.Context(), p.topic("tx"))
	if err != nil {
		t.Fatal(err)
	}
	decided := map[int32]int64{} // the first offset of each partition that is not
	p.readVerdicts(t, func(v *verdict) {
		if v != nil {
			decided[v.Source.Partition] = max(decided[v.Source.Partition], v.Source.Offset+1)
		}
	})
	const hurt = 2
	open := ends[p.topic("tx")][hurt].Offset - decided[hurt]
	first := decided[hurt] + 1 + random.Int64N(open/2)
	before := kadm.Offsets{}
	before.AddOffset(p.topic("tx"), hurt, first, -1)
	if _, err := p.admin.DeleteRecords(t.Context(), before); err != nil {
		t.Fatal(err)
	}
	lost := first - decided[hurt]
	t.Logf("%d records of partition %d are gone, %d to %d, and %d are left", lost, hurt, decided[hurt], first-1, open-lost)

	for range 2 { // a restart alone changes nothing
		s = serve(t, config)
		w.await(t, n-int(open), s, time.Minute)
		var why string
		s.await(t, "it says what is missing", time.Minute, func() bool {
			var status int
			status, why = s.get(t, "/readyz")
			return status == http.StatusServiceUnavailable && strings.Contains(why, "--accept-gap")
		})
		for _, part := range []string{p.topic("tx") + "/2", itoa(decided[hurt]), itoa(first - 1)} {
			if !strings.Contains(why, part) {
				t.Errorf("it does not say %s: %s", part, why)
			}
		}
		if seen := w.settle(); seen != int64(n)-open {
			t.Errorf("%d verdicts, %d expected while the partition stands", seen, int64(n)-open)
		}
		s.kill(t)
	}

	s = serve(t, config, "--accept-gap")
	w.await(t, n-int(lost), s, time.Minute)
	s.awaitReady(t)
	s.terminate(t)

	got, twice, flagged, unmarked, meanwhile := map[int]*verdict{}, 0, 0, 0, 0
	p.readVerdicts(t, func(v *verdict) {
		if v == nil {
			return
		}
		if got[v.ID] != nil {
			twice++
		}
		got[v.ID] = v
		gap := slices.Contains(v.Flags, "gap")
		if gap {
			flagged++
		}
		if v.Verdict != want[v.ID].verdict && !gap {
			// What others were given while the partition stood lacks its payments.
			if v.ID < n/2 || v.Source.Partition == hurt {
				unmarked++
			} else {
				meanwhile++
			}
		}
		if behind := v.Source.Partition == hurt && v.Source.Offset >= first; behind && !gap {
			t.Errorf("transaction %d lies behind the gap and is not marked", v.ID)
		}
	})
	if len(got) != n-int(lost) || twice > 0 || unmarked > 0 {
		t.Errorf("%d decided, %d twice, %d differ from the reference without the flag gap", len(got), twice, unmarked)
	}
	t.Logf("%d decided of %d, %d lost in the gap, %d verdicts marked; %d differ of those that were given while the partition stood", len(got), n, lost, flagged, meanwhile)
}
