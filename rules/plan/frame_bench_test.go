package plan

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"sluice/rules/lang"
	"sluice/scoring/event"
	"sluice/scoring/history"
)

// rivalCondition is one comparison as a program written for this one rule set
// would hold it: an index into an array of numbers, and a threshold.
type rivalCondition struct {
	field int
	op    lang.Op
	value int64
}

type rival [][]rivalCondition

// fired is the hand-written bound: arrays, early exit, no missing values.
func (r rival) fired(numbers []int64, out []lang.Tri) {
	for i, rule := range r {
		out[i] = lang.True
		for _, c := range rule {
			n, ok := numbers[c.field], false
			switch c.op {
			case lang.Gt:
				ok = n > c.value
			case lang.Ge:
				ok = n >= c.value
			case lang.Lt:
				ok = n < c.value
			case lang.Le:
				ok = n <= c.value
			}
			if !ok {
				out[i] = lang.False
				break
			}
		}
	}
}

// heavy is a job like the peers' heavy one: 20 windows and the amount, 100
// rules of one to three thresholds taken from the upper quantiles.
type heavy struct {
	program *Program
	rival   rival
	numbers [][]int64 // of a transaction: the amount, then the windows
	txs     []*event.Transaction
	values  [][]history.Value
}

func makeHeavy(tb testing.TB, transactions int) *heavy {
	tb.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	schema := handbook(tb)
	texts := []string{"tx.amount_minor"}
	for _, entity := range []string{"customer", "terminal"} {
		for _, span := range []string{"10m", "1h", "1d", "7d", "30d"} {
			list := fmt.Sprintf("%s.last(%q)", entity, span)
			texts = append(texts, "count("+list+")", "sum("+list+", .amount_minor)")
		}
	}
	draw := func(field int) int64 {
		scale := []float64{5000, 3, 9000}[min(field, 1+(field+1)%2)]
		return int64(scale * (1 + float64(field)/4) * math.Exp(rng.NormFloat64()))
	}
	h := &heavy{}
	var sources []string
	for range 100 {
		var conds []rivalCondition
		var parts []string
		for range 1 + rng.IntN(3) {
			c := rivalCondition{field: rng.IntN(len(texts)), op: lang.Gt}
			if rng.IntN(4) == 0 {
				c.field = 0
			}
			word := " > "
			switch rng.IntN(16) {
			case 0:
				c.op, word = lang.Lt, " < "
			case 1, 2:
				c.op, word = lang.Ge, " >= "
			}
			for range 8 {
				c.value = max(c.value, draw(c.field))
			}
			conds = append(conds, c)
			parts = append(parts, fmt.Sprint(texts[c.field], word, c.value))
		}
		h.rival = append(h.rival, conds)
		sources = append(sources, strings.Join(parts, " and "))
	}
	h.program = compileAll(tb, schema, nil, sources...)
	where := make([]int, len(texts))
	for i := range where {
		where[i] = -1
		for q := range h.program.Plan().Queries {
			if h.program.Describe(q) == texts[i] {
				where[i] = q
			}
		}
	}
	for range transactions {
		tx := blank(schema)
		numbers := make([]int64, len(texts))
		values := make([]history.Value, len(h.program.Plan().Queries))
		for i := range numbers {
			numbers[i] = draw(i)
			if where[i] >= 0 {
				values[where[i]].Value = event.Value{Kind: event.Int, Bits: uint64(numbers[i])}
			}
		}
		tx.Words[schema.Field("amount")] = uint64(numbers[0])
		h.numbers, h.txs, h.values = append(h.numbers, numbers), append(h.txs, tx), append(h.values, values)
	}
	return h
}

// BenchmarkEvaluate100Rules compares the program with the hand-written bound;
// both see the same numbers in the same run.
func BenchmarkEvaluate100Rules(b *testing.B) {
	h := makeHeavy(b, 4096)
	out := make([]lang.Tri, 100)
	b.Run("sluice", func(b *testing.B) {
		b.ReportAllocs()
		f := h.program.NewFrame()
		i := 0
		for b.Loop() {
			f.Evaluate(h.txs[i&4095], h.values[i&4095], nil, out)
			i++
		}
	})
	b.Run("bound", func(b *testing.B) {
		i := 0
		for b.Loop() {
			h.rival.fired(h.numbers[i&4095], out)
			i++
		}
	})
}

func TestHeavyRulesEqualTheBound(t *testing.T) {
	h := makeHeavy(t, 2000)
	f := h.program.NewFrame()
	got, want := make([]lang.Tri, 100), make([]lang.Tri, 100)
	fired := 0
	for i := range h.txs {
		f.Evaluate(h.txs[i], h.values[i], nil, got)
		h.rival.fired(h.numbers[i], want)
		for r := range want {
			if got[r] != want[r] {
				t.Fatalf("transaction %d, rule %d: %v, want %v", i, r, got[r], want[r])
			}
			fired += int(want[r])
		}
	}
	if fired < 1000 {
		t.Errorf("only %d firings: the thresholds are out of reach", fired)
	}
}
