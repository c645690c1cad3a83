package plan

import (
	"math"
	"math/bits"

	"sluice/rules/interp"
	"sluice/rules/lang"
	"sluice/scoring/event"
	"sluice/scoring/history"
)

// Frame is the scratch space of one goroutine for one program.
type Frame struct {
	program *Program
	tx      *event.Transaction
	values  []history.Value

	alive   []uint64 // a bit a condition: not false so far
	unknown []uint64 // a bit a condition: something it needs is missing
	kept    []keep
	texts   []byte // that conditions make of others

	currency uint64 // whose scale pow is
	pow      float64

	machine interp.Machine
	lists   []history.List // of one slow condition
	whys    []string       // a slow condition
	errs    []error
	held    []bool
}

// NewFrame makes a frame.
func (p *Program) NewFrame() *Frame {
	return &Frame{
		program: p,
		alive:   make([]uint64, len(p.all)),
		unknown: make([]uint64, len(p.all)),
		kept:    make([]keep, p.slots),
		pow:     1,
		lists:   make([]history.List, 0, len(p.plan.Lists)),
		whys:    make([]string, len(p.slow)),
		errs:    make([]error, len(p.slow)),
	}
}

// Evaluate decides every condition for tx into out (one a condition).
func (f *Frame) Evaluate(tx *event.Transaction, values []history.Value, lists []history.List, out []lang.Tri) {
	p := f.program
	f.tx, f.values = tx, values
	copy(f.alive, p.all)
	clear(f.unknown)
	clear(f.kept)
	f.texts = f.texts[:0]
	for i := range p.features[:p.direct] {
		f.narrow(&p.features[i])
	}
	for i := range p.features[p.direct:] {
		if ft := &p.features[p.direct+i]; f.wanted(ft) {
			f.call(ft)
		}
	}
	clear(out)
	for w, alive := range f.alive {
		for ; alive != 0; alive &= alive - 1 {
			i := w*64 + bits.TrailingZeros64(alive)
			out[i] = lang.True + lang.Tri(f.unknown[w]>>(i%64)&1)
		}
	}
	for i := range p.slow {
		if s := &p.slow[i]; out[s.condition] != lang.False {
			out[s.condition] = both(out[s.condition], f.slow(i, s, lists))
		}
	}
}

// narrow looks a feature's key up and lets the conditions live that hold there.
func (f *Frame) narrow(ft *feature) {
	var key int64
	switch ft.load {
	case loadWord:
		key = int64(f.tx.Words[ft.at])
	case loadHash:
		key = int64(f.tx.Hashes[ft.at])
	case loadTime:
		key = f.tx.Time
	case loadNumber:
		key = int64(f.tx.Words[ft.at])
		if key != missing {
			key = sortable(math.Float64frombits(uint64(key)))
		}
	case loadMoney:
		key = int64(f.tx.Words[ft.at])
		if key != missing {
			key = sortable(float64(key) / f.scale(f.tx.Currency))
		}
	case loadInteger:
		v := &f.values[ft.at]
		key = int64(v.Bits)
		if v.Kind == event.None {
			key = missing
		}
	case loadFloat:
		v := &f.values[ft.at]
		key = sortable(math.Float64frombits(v.Bits))
		if v.Kind == event.None {
			key = missing
		}
	}
	if key == missing {
		f.miss(ft)
		return
	}
	f.keep(ft, key)
}

// missing is the key of a missing value; no finite float has it.
const missing = math.MinInt64

// call evaluates a feature that is no plain value.
func (f *Frame) call(ft *feature) {
	bits, ok := ft.word(env{tx: f.tx, frame: f})
	switch {
	case !ok:
		f.miss(ft)
	case ft.domain == byFloat:
		f.keep(ft, sortable(math.Float64frombits(bits)))
	default:
		f.keep(ft, int64(bits))
	}
}

func (f *Frame) keep(ft *feature, key int64) {
	row := ft.rows[place(ft.cuts, biased(key))*len(ft.users):]
	alive := f.alive[ft.from:]
	for w := range ft.users {
		alive[w] &= row[w]
	}
}

func (f *Frame) miss(ft *feature) {
	for w, users := range ft.users {
		f.unknown[ft.from+w] |= users
	}
}

// wanted tells whether a condition that may still hold compares a feature.
func (f *Frame) wanted(ft *feature) bool {
	for w, users := range ft.users {
		if f.alive[ft.from+w]&users != 0 {
			return true
		}
	}
	return false
}

// scale gives 10^scale of a currency, and remembers it.
func (f *Frame) scale(currency uint64) float64 {
	if currency != f.currency {
		f.currency, f.pow = currency, pow10(event.CurrencyScale(currency))
	}
	return f.pow
}

// write makes a text that is good until the next transaction.
func (f *Frame) write(write func(b []byte) []byte) string {
	start := len(f.texts)
	f.texts = write(f.texts)
	return view(f.texts[start:])
}

// both is `a and b`, where a is not false.
func both(a, b lang.Tri) lang.Tri {
	if b == lang.True {
		return a
	}
	return b
}

// Hold keeps the VM from deciding some conditions (one a condition, nil for
// none): they are unknown unless the rest of them is false.
func (f *Frame) Hold(conditions []bool) { f.held = conditions }

// slow decides the slow part of a condition.
func (f *Frame) slow(i int, s *slow, lists []history.List) lang.Tri {
	if f.held != nil && f.held[s.condition] {
		f.whys[i], f.errs[i] = "", nil
		return lang.Unknown
	}
	return f.run(i, s, lists)
}

// run decides the slow part of a condition on the VM.
func (f *Frame) run(i int, s *slow, lists []history.List) lang.Tri {
	f.lists = f.lists[:0]
	for _, l := range s.lists {
		f.lists = append(f.lists, lists[l])
	}
	out, why, err := s.program.Run(&f.machine, f.tx, f.lists)
	if err != nil {
		out = lang.Unknown
	}
	f.whys[i], f.errs[i] = why, err
	return out
}
