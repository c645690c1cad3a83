package journal

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"sluice/rules"
	"sluice/scoring/event"
)

const handbookSchema = `
fields:
  id:       {from: TRANSACTION_ID, type: integer, required: true}
  time:     {from: TX_DATETIME, type: timestamp, unit: ms, required: true}
  customer: {from: CUSTOMER_ID, type: integer, entity: true}
  terminal: {from: TERMINAL_ID, type: integer, entity: true}
  amount:   {from: TX_AMOUNT, type: money, currency: EUR, required: true}
label: {id: id, value: fraud}
`

const walletSchema = `
fields:
  id:       {type: string, required: true}
  time:     {type: timestamp, unit: ms, required: true}
  type:     {type: string}
  account:  {type: string, entity: true}
  card:     {type: string, entity: true}
  device:   {type: string, entity: true}
  ip:       {type: ip, entity: true}
  merchant: {type: string, entity: true}
  mcc:      {type: string}
  amount:   {type: money, currency_from: currency, required: true}
  currency: {type: currency, required: true}
  country:  {type: country}
  channel:  {type: string}
label: {id: id, value: fraud}
`

// payments writes messages of one kind, one after the other in time.
type payments struct {
	r    *rand.Rand
	now  int64 // ms
	n    int
	step int64 // ms at most between two
	next func(p *payments, b []byte) []byte
}

func handbookPayment(p *payments, b []byte) []byte {
	return fmt.Appendf(b, `{"TRANSACTION_ID":%d,"TX_DATETIME":%d,"CUSTOMER_ID":%d,"TERMINAL_ID":%d,"TX_AMOUNT":%d.%02d}`,
		p.n, p.now/1000*1000, p.r.IntN(5000), p.r.IntN(10_000), p.r.IntN(200), p.r.IntN(100))
}

func walletPayment(p *payments, b []byte) []byte {
	account := p.r.IntN(100_000)
	return fmt.Appendf(b, `{"id":"p-%016x","time":%d,"type":"payment","account":"a-%07d","card":"c-%010x","device":"d-%08x","ip":"203.0.%d.%d","merchant":"m-%05d",`+
		`"mcc":"%d","amount":"%d.%02d","currency":"EUR","country":"DE","channel":"ecom"}`,
		p.r.Uint64(), p.now, account, account*7919, account*31, account%250, p.r.IntN(250), p.r.IntN(2000), 5000+p.r.IntN(50), p.r.IntN(200), p.r.IntN(100))
}

func (p *payments) fill(b *testing.B, d *event.Decoder, s *Segment, n int) {
	var tx event.Transaction
	var msg []byte
	for range n {
		p.n++
		p.now += p.r.Int64N(p.step + 1)
		msg = p.next(p, msg[:0])
		if err := d.Transaction(&tx, msg, p.now*1e6+5e6); err != nil {
			b.Fatal(err)
		}
		s.Placed(s.Decided(&tx, rules.Allow, 0, true), int32(p.n&3), int64(p.n>>2))
	}
}

const rusageThread = 1 // RUSAGE_THREAD of Linux

func cpu(who int) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(who, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkCut writes cuts and measures all CPU that this takes, sorting in by
// the background included, and what is then on the disk.
func BenchmarkCut(b *testing.B) {
	for _, c := range []struct {
		name, schema string
		size         int
		step         int64
		next         func(p *payments, b []byte) []byte
	}{
		{"drain", handbookSchema, 200_000, 18_000, handbookPayment}, // 183 days of the handbook are 1.75 million
		{"live", walletSchema, 10_000, 0, walletPayment},
	} {
		b.Run(c.name, func(b *testing.B) {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			schema := parseSchema(b, c.schema)
			dir := os.Getenv("SLUICE_BENCH_DIR")
			if dir == "" {
				dir = b.TempDir()
			}
			j, err := Open(Options{Dir: dir + "/" + c.name + strconv.Itoa(b.N), Schema: schema})
			if err != nil {
				b.Fatal(err)
			}
			p := &payments{r: rand.New(rand.NewPCG(1, 2)), now: 1_700_000_000_000, step: c.step, next: c.next}
			d, s := event.NewDecoder(schema), j.Segment()
			var filling, wall, worst time.Duration
			all := cpu(syscall.RUSAGE_SELF)
			for b.Loop() {
				s.Reset()
				if c.step == 0 {
					p.now += 1000
				}
				before := cpu(rusageThread)
				p.fill(b, d, s, c.size)
				filling += cpu(rusageThread) - before
				began := time.Now()
				if err := j.Write([]*Segment{s}, Progress{}); err != nil {
					b.Fatal(err)
				}
				wall += time.Since(began)
				worst = max(worst, time.Since(began))
			}
			for quiet := 0; quiet < 3; quiet++ { // sorting in belongs to the price
				before := cpu(syscall.RUSAGE_SELF)
				time.Sleep(300 * time.Millisecond)
				if cpu(syscall.RUSAGE_SELF)-before > 30*time.Millisecond {
					quiet = -1
				}
			}
			n := float64(b.N * c.size)
			b.ReportMetric(float64(cpu(syscall.RUSAGE_SELF)-all-filling)/n, "cpu-ns/tx")
			b.ReportMetric(float64(filling)/n, "filling-ns/tx")
			b.ReportMetric(float64(wall)/n, "wall-ns/tx")
			b.ReportMetric(float64(worst.Milliseconds()), "worst-ms")
			st := j.Stats()
			b.ReportMetric(float64(st.Disk)/n, "disk-B/tx")
			b.ReportMetric(float64(st.Written)/n, "written-B/tx")
			b.ReportMetric(float64(st.Compacted)/n, "sorted-B/tx")
			if err := j.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// BenchmarkDecided is what logging costs the engine's goroutine.
func BenchmarkDecided(b *testing.B) {
	schema := parseSchema(b, walletSchema)
	p := &payments{r: rand.New(rand.NewPCG(1, 2)), now: 1_700_000_000_000}
	var tx event.Transaction
	if err := event.NewDecoder(schema).Transaction(&tx, walletPayment(p, nil), 1e18); err != nil {
		b.Fatal(err)
	}
	s := new(Segment)
	for b.Loop() {
		if s.Len() == 100_000 {
			s.Reset()
		}
		s.Placed(s.Decided(&tx, rules.Allow, 0, true), 1, 1)
	}
}

// BenchmarkRead loads pasts and looks for ids that are not there, in a journal
// of several cuts that are not sorted in.
func BenchmarkRead(b *testing.B) {
	schema := parseSchema(b, handbookSchema)
	j, err := Open(Options{Dir: b.TempDir(), Schema: schema})
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	p := &payments{r: rand.New(rand.NewPCG(1, 2)), now: 1_700_000_000_000, step: 60_000, next: handbookPayment}
	d, s := event.NewDecoder(schema), j.Segment()
	for range 10 {
		s.Reset()
		p.fill(b, d, s, 20_000)
		if err := j.Write([]*Segment{s}, Progress{}); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("history", func(b *testing.B) {
		rows := counter(0)
		for b.Loop() {
			if err := j.History(0, strconv.AppendInt(nil, int64(p.r.IntN(5000)), 10), &rows); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(rows)/float64(b.N), "rows")
		b.ReportMetric(float64(j.Stats().Buckets), "buckets")
	})
	b.Run("unknown", func(b *testing.B) {
		for b.Loop() {
			if _, ok, err := j.Find(strconv.AppendInt([]byte("i9"), p.r.Int64(), 10)); ok || err != nil {
				b.Fatal(ok, err)
			}
		}
	})
}

// BenchmarkLarge looks things up in the journal in SLUICE_BENCH_JOURNAL, one that
// the Scale test of bench/reliability has filled with 10 million cards.
func BenchmarkLarge(b *testing.B) {
	dir := os.Getenv("SLUICE_BENCH_JOURNAL")
	if dir == "" {
		b.Skip("needs SLUICE_BENCH_JOURNAL")
	}
	text, err := os.ReadFile("../../configs/handbook/schema.yaml")
	if err != nil {
		b.Fatal(err)
	}
	j, err := Open(Options{Dir: dir, Schema: parseSchema(b, string(text)), ReadOnly: true})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { j.Close() }()
	r := rand.New(rand.NewPCG(1, uint64(os.Getpid())))
	const cards = 10_000_000
	b.Run("sift", func(b *testing.B) {
		before := cpu(syscall.RUSAGE_SELF)
		for b.Loop() {
			j.filters.now.Store(nil)
			if err := j.Sift(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric((cpu(syscall.RUSAGE_SELF)-before).Seconds()/float64(b.N), "cpu-s")
		b.ReportMetric(float64(j.o.Filters-j.filters.room)/(1<<20), "MiB")
	})
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			if err := j.Close(); err != nil {
				b.Fatal(err)
			}
			if j, err = Open(Options{Dir: dir, Schema: j.o.Schema, ReadOnly: true}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("merchant", func(b *testing.B) {
		var rows counter
		for b.Loop() {
			if err := j.History(1, strconv.AppendInt(nil, int64(10+r.IntN(4990)), 10), &rows); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(rows)/float64(b.N), "rows")
	})
	for name, from := range map[string]int{"known": 0, "new": 1 << 40} {
		b.Run(name, func(b *testing.B) {
			var rows counter
			for b.Loop() {
				if err := j.History(0, strconv.AppendInt(nil, int64(from+r.IntN(cards)), 10), &rows); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(rows)/float64(b.N), "rows")
		})
	}
	b.Run("unknown id", func(b *testing.B) {
		for b.Loop() {
			if _, ok, err := j.Find(strconv.AppendInt([]byte("i9"), r.Int64(), 10)); ok || err != nil {
				b.Fatal(ok, err)
			}
		}
	})
}
