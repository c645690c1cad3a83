//go:build linux

package bench

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"
	"unsafe"

	"sluice/rules"
	"sluice/rules/plan"
	"sluice/scoring"
	"sluice/scoring/event"
)

// dearest are expensive conditions near plan.MaxSteps, over the windows with the
// most payments. The worst of those that are accepted is looked for.
func dearest() []string {
	var out []string
	many := func(n int, between, text string) string {
		parts := make([]string, n)
		for i := range parts {
			parts[i] = strings.ReplaceAll(text, "@", fmt.Sprint(i+1))
		}
		return strings.Join(parts, between)
	}
	for n := 1; n <= 60; n++ {
		out = append(out,
			many(n, " + ", `stddev(merchant.between("30d", "@s"), .amount)`)+" < 0",
			many(n, " + ", `streak(merchant.between("30d", "@s"), .lat >= 0)`)+" < 0",
			many(n, " + ", `sum(merchant.last("30d"), .lat * .lon * @)`)+" < 0",
			many(n, " + ", `median(merchant.between("30d", "@s"), .amount)`)+" < 0",
			many(n, " + ", `distinct(merchant.between("30d", "@s"), .card)`)+" < 0",
			many(n, " + ", `count(merchant.between("30d", "@s"), .amount < tx.amount)`)+" < 0",
			many(n, " + ", `count(merchant.last("30d"), .merchant matches "^m-[0-9]+x?@$" and .amount < tx.amount)`)+" < 0",
			many(n, " + ", `count(merchant.last("30d"), distance_km(.lat, .lon, tx.lat, tx.lon) > @)`)+" < 0",
			`most_common(merchant.last("30d"), .card) == "`+strings.Repeat("x", n)+`"`,
			`sum(merchant.last("30d"), `+many(n, " + ", ".lat * @")+`) < 0`,
		)
	}
	return out
}

// lightRules are those that come with Sluice, and perhaps one more.
func lightRules(b *testing.B, schema *event.Schema, when string) (*rules.Set, error) {
	b.Helper()
	all := fstest.MapFS{}
	shipped := os.DirFS("../configs/rules")
	names, err := fs.Glob(shipped, "*.yaml")
	if err != nil || len(names) == 0 {
		b.Fatal("no rules", err)
	}
	lists, err := fs.Glob(shipped, "lists/*.txt")
	if err != nil {
		b.Fatal(err)
	}
	for _, name := range append(names, lists...) {
		text, err := fs.ReadFile(shipped, name)
		if err != nil {
			b.Fatal(err)
		}
		all[name] = &fstest.MapFile{Data: text}
	}
	if when != "" {
		all["worst.yaml"] = &fstest.MapFile{Data: []byte("rules:\n  - id: worst\n    when: |\n      " + when + "\n")}
	}
	return rules.LoadFS(all, "rules", schema)
}

// market makes payments of many cards, some of which are at one shop that
// everybody knows.
func market(b *testing.B, schema *event.Schema, n, hotPercent int) []*event.Transaction {
	b.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	decoder := event.NewDecoder(schema)
	out := make([]*event.Transaction, n)
	for i := range out {
		merchant := fmt.Sprintf("m-%d", r.IntN(2000))
		if r.IntN(100) < hotPercent {
			merchant = "m-everybody"
		}
		at := 1_767_225_600 + int64(i)*20*24*3600/int64(n)
		card := r.IntN(2000)
		message := fmt.Appendf(nil, `{"id":"t%d","time":%q,"type":"payment","amount":%d.%02d,"currency":"EUR","account":"a%d","card":"c%d","device":"d%d","ip":"10.0.%d.%d","merchant":%q,"mcc":"%04d","country":"DE","channel":"ecom","lat":%.4f,"lon":%.4f}`,
			i, time.Unix(at, 0).UTC().Format(time.RFC3339), r.IntN(300), r.IntN(100), card, card, card, card/250, card%250, merchant, r.IntN(10000), 90*r.Float64(), 90*r.Float64())
		out[i] = new(event.Transaction)
		if err := decoder.Transaction(out[i], message, at*1e9); err != nil {
			b.Fatal(err)
		}
	}
	return out
}

// decide decides payments one by one, and gives the CPU time that each took.
func decide(core *scoring.Core, txs []*event.Transaction, took []time.Duration) []time.Duration {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for _, tx := range txs {
		start := threadTime()
		core.Decide([]scoring.Input{{Tx: tx}}, 0)
		took = append(took, threadTime()-start)
	}
	return took
}

// threadTime is the CPU time of the thread at hand: other work on the machine
// does not count.
func threadTime() time.Duration {
	const clock = 3 // CLOCK_THREAD_CPUTIME_ID
	var now syscall.Timespec
	if _, _, err := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clock, uintptr(unsafe.Pointer(&now)), 0); err != 0 {
		panic(err)
	}
	return time.Duration(now.Nano())
}

func percentile(times []time.Duration, percent int) time.Duration {
	sorted := slices.Clone(times)
	slices.Sort(sorted)
	return sorted[(len(sorted)-1)*percent/100]
}

// BenchmarkWorstRule shows what the most expensive rule that is accepted costs
// the payments: the shipped rules alone and with it, in turn on the same payments.
// hot is the share of payments whose window holds as many as are looked at.
func BenchmarkWorstRule(b *testing.B) {
	schema, err := event.LoadSchema("../configs/schema.yaml")
	if err != nil {
		b.Fatal(err)
	}
	worst := findWorst(b, schema)
	for _, hot := range []int{0, 5, 100} {
		b.Run(fmt.Sprintf("hot=%d%%", hot), func(b *testing.B) { compareWorst(b, schema, worst, hot) })
	}
}

// findWorst gives the condition that takes longest of those that are accepted.
func findWorst(b *testing.B, schema *event.Schema) (worst string) {
	b.Helper()
	txs := market(b, schema, 2_300, 100)
	dear := map[int]string{} // of each kind the one nearest to the bound
	steps := map[int]int{}
	kinds := 10
	for i, when := range dearest() {
		set, err := rules.LoadFS(fstest.MapFS{"a.yaml": {Data: []byte("rules:\n  - id: a\n    when: |\n      " + when + "\n")}}, "rules", schema)
		if err != nil {
			continue // too expensive
		}
		if s := set.Program.Cost(0).Steps; s > steps[i%kinds] {
			steps[i%kinds], dear[i%kinds] = s, when
		}
	}
	most := time.Duration(0)
	for kind, when := range dear {
		set, err := lightRules(b, schema, when)
		if err != nil {
			b.Fatal(err)
		}
		core := scoring.New(schema, set, scoring.Options{Workers: 1})
		decide(core, txs[:2000], nil)
		took := percentile(decide(core, txs[2000:], nil), 50)
		fmt.Printf("%7d steps, %8v median  %.90s\n", steps[kind], took, when)
		if took > most {
			most, worst = took, when
		}
	}
	fmt.Printf("of %d allowed; the worst: %.90s\n", plan.MaxSteps, worst)
	return worst
}

func compareWorst(b *testing.B, schema *event.Schema, worst string, hot int) {
	b.Helper()
	txs := market(b, schema, 30_000+2_000, hot)
	past, now := txs[:30_000], txs[30_000:]
	var cores [2]*scoring.Core
	for i, when := range []string{"", worst} {
		set, err := lightRules(b, schema, when)
		if err != nil {
			b.Fatal(err)
		}
		cores[i] = scoring.New(schema, set, scoring.Options{Workers: 1})
		for _, tx := range past {
			cores[i].Decide([]scoring.Input{{Tx: tx, Remember: true}}, 0)
		}
	}
	b.ResetTimer()
	for range b.N {
		var took [2][]time.Duration
		const slice = 100 // payments that each decides in turn
		for from := 0; from < len(now); from += slice {
			for i := range cores {
				took[i] = decide(cores[i], now[from:from+slice], took[i])
			}
		}
		for i, name := range []string{"light", "worst"} {
			b.ReportMetric(float64(percentile(took[i], 50))/1e3, name+"-p50-µs")
			b.ReportMetric(float64(percentile(took[i], 99))/1e3, name+"-p99-µs")
			// What a caller sees at 200 and 2,000 payments a second, one decider.
			for _, rate := range []int{200, 2000} {
				b.ReportMetric(float64(percentile(queue(took[i], rate), 99))/1e6, fmt.Sprintf("%s-p99-ms@%d/s", name, rate))
			}
		}
	}
}

// queue gives how long payments wait and are decided, where so many come in a
// second, at random, and one decides them in turn.
func queue(took []time.Duration, rate int) []time.Duration {
	r := rand.New(rand.NewPCG(3, 4))
	out := make([]time.Duration, len(took))
	backlog := time.Duration(0)
	for i, t := range took {
		backlog = max(0, backlog-time.Duration(r.ExpFloat64()*1e9/float64(rate)))
		backlog += t
		out[i] = backlog
	}
	return out
}
