package reliability

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/bench/kafkatest"
)

// dayRules count, by their score, the payments of the customer and those at the
// terminal within the day before: windows that are whole again while the test
// lasts. The windows of a rule that fired are in the record, with their maturity.
func dayRules() string {
	text := "rules:\n  - {id: always, when: 'count(customer.last(\"1d\")) >= 0 and count(terminal.last(\"1d\")) >= 0'}\n"
	for k := 1; k <= mostOfDay; k++ {
		text += fmt.Sprintf("  - {id: customer-%02d, when: 'count(customer.last(\"1d\")) >= %d', score: 1}\n", k, k)
		text += fmt.Sprintf("  - {id: terminal-%02d, when: 'count(terminal.last(\"1d\")) >= %d', score: %d}\n", k, k, mostOfDay+1)
	}
	return text
}

const mostOfDay = 12

// ofDay is the reference of dayRules: the scores, counted with lists.
func ofDay(all []payment) []int {
	scores := make([]int, len(all))
	customers, terminals := map[string][]time.Time{}, map[string][]time.Time{}
	count := func(times []time.Time, now time.Time) (n int) {
		for i := len(times) - 1; i >= 0 && times[i].After(now.Add(-24*time.Hour)); i-- {
			n++
		}
		return min(n, mostOfDay)
	}
	for i := range all {
		x := &all[i]
		scores[x.id] = count(customers[x.customer], x.at) + (mostOfDay+1)*count(terminals[x.terminal], x.at)
		customers[x.customer] = append(customers[x.customer], x.at)
		terminals[x.terminal] = append(terminals[x.terminal], x.at)
	}
	return scores
}

// TestReliabilityWarming damages the journal where the topics no longer hold all
// that its windows reach back to: what is deleted there was decided, and nobody
// knows it any more. Made anew with journal.rebuild, it marks verdicts as warming,
// with the maturity of their windows, until these are whole, over restarts; those
// that are not marked are as if nothing had happened.
func TestReliabilityWarming(t *testing.T) {
	t.Parallel()
	n := scale(40_000, 200_000)
	p := newPlace(t)
	random := rand.New(rand.NewPCG(seed(t), 60))
	all := payments(t, n)
	config := p.configure(t, "sluice", "{dir: journal, interval: 50ms}")
	rebuild := p.configure(t, "rebuild", "{dir: journal, interval: 50ms, rebuild: true}")
	rules := filepath.Join(p.dir, "rules")
	for _, old := range []string{"handbook.yaml", "counting.yaml"} {
		if err := os.Remove(filepath.Join(rules, old)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(rules, "day.yaml"), []byte(dayRules()), 0o600); err != nil {
		t.Fatal(err)
	}
	w := p.watch(t)
	// All is sent before anybody reads it: the day's payments at a terminal lie in
	// several partitions, and are taken in their order where all of it is there.
	p.send(t, all[:n/2])
	s := serve(t, config)
	w.await(t, n/2, s, hung)
	s.awaitReady(t)
	s.terminate(t) // what it has decided is committed: nothing is lost that was not decided
	p.forgetMost(t, random)
	where := wreck(t, filepath.Join(p.dir, "journal"))
	t.Logf("damaged: %s", where)

	sent := n / 2
	for _, to := range []int{n/2 + n/100, n/2 + n/50, n} { // with restarts in the middle of warming
		p.send(t, all[sent:to])
		s = serve(t, rebuild)
		sent = to
		w.await(t, sent, s, hung)
		s.awaitReady(t)
		s.terminate(t)
	}
	p.judgeWarming(t, all, n/2)
}

// forgetMost deletes all but the newest of two partitions of the payments.
func (p *place) forgetMost(t *testing.T, random *rand.Rand) {
	t.Helper()
	ends := kafkatest.Ends(t, p.client, p.topic("tx"))
	for _, partition := range []int32{1, 3} {
		below := ends[partition] - 1 - random.Int64N(ends[partition]/40)
		kafkatest.DeleteRecords(t, p.client, p.topic("tx"), partition, below)
	}
}

// wreck turns over a bit of what a journal's tables are listed in, so that no
// start can miss it.
func wreck(t *testing.T, dir string) string {
	t.Helper()
	path := ""
	err := filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
		if strings.HasPrefix(filepath.Base(name), "MANIFEST-") {
			path = max(path, name)
		}
		return err
	})
	if err != nil || path == "" {
		t.Fatalf("no journal in %s: %v", dir, err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[20] ^= 1 // in the first record: what is later may be taken for not written
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return filepath.Base(path)
}

// judgeWarming holds the verdicts against the reference: from lost on they are
// warming at first, and their windows immature; they may differ only so.
func (p *place) judgeWarming(t *testing.T, all []payment, lost int) {
	t.Helper()
	want := ofDay(all)
	got := make([]*verdict, len(all))
	twice, warming, differ, wrong := 0, 0, 0, 0
	p.readVerdicts(t, func(v *verdict) {
		if v == nil {
			return
		}
		if got[v.ID] != nil {
			twice++
		}
		got[v.ID] = v
	})
	var last time.Time // of those that are warming
	for id, v := range got {
		if v == nil {
			t.Fatalf("transaction %d has no verdict", id)
		}
		marked, immature := slices.Contains(v.Flags, "warming"), false
		for _, x := range v.Windows {
			immature = immature || x.Maturity < 1
		}
		if marked {
			warming++
			last = all[id].at
			if id < lost {
				t.Errorf("transaction %d is warming, before anything was lost", id)
			}
		}
		if id >= lost && marked != immature {
			t.Errorf("transaction %d: warming %v, windows %v", id, marked, v.Windows)
		}
		if v.Score != want[id] {
			if differ++; !marked {
				wrong++
			}
		}
	}
	whole := 0
	for id := lost; id < len(all); id++ {
		if all[id].at.After(last) {
			whole++
		}
	}
	if twice+wrong > 0 || warming == 0 || differ == 0 || whole == 0 {
		t.Errorf("%d twice; %d warming, %d differ from the reference, %d of them unmarked; %d after the last that is warming", twice, warming, differ, wrong, whole)
	}
	t.Logf("%d decided of %d, %d twice; %d warming, %d of these differ from the reference and %d others; %d decided after the windows were whole", len(got), len(all), twice, warming, differ-wrong, wrong, whole)
}
