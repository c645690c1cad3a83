package explanation

import (
	"cmp"
	"math"
	"slices"
	"strconv"

	"sluice/rules"
	"sluice/rules/lang"
	"sluice/scoring/event"
	"sluice/scoring/history"
)

// Change is a single value that would have changed the verdict, everything else
// being as it was: the nearest such value, as far as it was looked for.
type Change struct {
	Name    string `json:"name"` // tx.amount, or a window value
	From    string `json:"from"` // "" if it is missing
	To      string `json:"to"`
	Verdict string `json:"verdict"` // then
	Score   int64  `json:"score"`
	// Size is how much a number changes, as a share of what it was (of 1 where that
	// is less); 0 for what is no number.
	Size float64 `json:"size"`
}

// maxChanges bounds the changes that are told.
const maxChanges = 12

// changes looks for what would have changed the verdict. Numbers are looked for in
// steps that double, up and down, at the constants of the rules and at what past
// transactions had; between the last that changes nothing and the first that does,
// by halves.
func (x *explainer) changes(trees []*lang.Node, past map[int][]float64) []Change {
	c := &changer{explainer: x, was: x.outcome.Verdict, constants: constantsOf(trees, x.schema), past: past}
	for field := range c.constants.read {
		c.field(field)
	}
	x.observe(x.Tx)
	for q := range x.plan.Queries {
		c.query(q)
	}
	slices.SortFunc(c.found, func(a, b Change) int {
		return cmp.Or(cmp.Compare(b2i(a.Size == 0), b2i(b.Size == 0)), cmp.Compare(a.Size, b.Size), cmp.Compare(a.Name, b.Name))
	})
	if len(c.found) == 0 {
		return []Change{}
	}
	return c.found[:min(len(c.found), maxChanges)]
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// changer looks for changes.
type changer struct {
	*explainer
	was       rules.Verdict
	constants constants
	past      map[int][]float64 // numbers in past transactions, by field
	found     []Change
}

// constants are what conditions compare with.
type constants struct {
	read    map[int]bool     // fields that conditions read of the transaction, or whose windows
	numbers []float64        // all of them
	texts   map[int][]string // by field of the transaction
}

func constantsOf(trees []*lang.Node, schema *event.Schema) constants {
	c := constants{read: map[int]bool{}, texts: map[int][]string{}}
	for _, tree := range trees {
		lang.Walk(tree, func(n *lang.Node) bool {
			switch {
			case n.Op == lang.Tx && n.Column.Form <= event.Minor:
				c.read[n.Column.Field] = true
			case n.Op == lang.WindowOf:
				c.read[schema.Entities[n.Entity]] = true
			case n.Op == lang.Const && n.Value.Kind == event.Int:
				c.numbers = append(c.numbers, float64(int64(n.Value.Bits)))
			case n.Op == lang.Const && n.Value.Kind == event.Float:
				c.numbers = append(c.numbers, floatOf(n.Value))
			case len(n.Args) == 2 && n.Args[0].Op == lang.Tx:
				c.text(n.Args[0].Column.Field, n.Args[1])
			}
			return true
		})
	}
	return c
}

// text notes the texts that a field is compared with.
func (c *constants) text(field int, with *lang.Node) {
	if field < 0 {
		return
	}
	for _, n := range append([]*lang.Node{with}, with.Args...) {
		if n.Op == lang.Const && n.Value.Kind == event.String && !slices.Contains(c.texts[field], n.Value.Text) {
			c.texts[field] = append(c.texts[field], n.Value.Text)
		}
	}
}

// field looks for the nearest value of a field of the transaction. The windows are
// asked again for each: they may be of another card then, or compare with it.
func (c *changer) field(field int) {
	f := &c.schema.Fields[field]
	if f.Secret || field == c.schema.ID || field == c.schema.Time {
		return
	}
	m, ok := newMessage(c.schema, c.Tx, field)
	if !ok {
		return
	}
	name := "tx." + f.Name
	if n, ok := m.number(); ok {
		c.number(name, n, slices.Concat(c.constants.numbers, c.past[field]), func(to decimal) (rules.Outcome, bool) {
			tx, ok := m.with(to.String())
			if !ok {
				return rules.Outcome{}, false
			}
			return c.decide(tx), true
		})
	}
	for _, to := range m.others(c.constants.texts[field]) {
		if tx, ok := m.with(to); ok {
			if o := c.decide(tx); o.Verdict != c.was {
				c.add(name, m.text(), unquoted(to), o, 0)
				break
			}
		}
	}
}

// query looks for the nearest window value.
func (c *changer) query(q int) {
	name, was := c.Set.Program.Describe(q), c.values[q]
	defer func() { c.values[q] = was }()
	set := func(v event.Value) rules.Outcome {
		c.values[q] = history.Value{Value: v}
		return c.evaluate(c.Tx)
	}
	switch was.Kind {
	case event.Bool:
		if o := set(event.Value{Kind: event.Bool, Bits: 1 - was.Bits}); o.Verdict != c.was {
			c.add(name, strconv.FormatBool(was.Bits != 0), strconv.FormatBool(was.Bits == 0), o, 0)
		}
	case event.Int:
		c.number(name, decimal{int64(was.Bits), 0}, c.constants.numbers, func(to decimal) (rules.Outcome, bool) {
			if to.n < 0 && int64(was.Bits) >= 0 {
				return rules.Outcome{}, false // nothing counts below 0
			}
			return set(event.Value{Kind: event.Int, Bits: uint64(to.n)}), true
		})
	case event.Float:
		from, ok := decimalOf(floatOf(was.Value))
		if !ok {
			return
		}
		c.number(name, from, c.constants.numbers, func(to decimal) (rules.Outcome, bool) {
			return set(event.Value{Kind: event.Float, Bits: math.Float64bits(to.float())}), true
		})
	}
}

// number looks for the number nearest to from that changes the verdict, of likely
// ones and others; try says what comes of one, and whether it can be.
func (c *changer) number(name string, from decimal, likely []float64, try func(decimal) (rules.Outcome, bool)) {
	flips := func(steps int64) (o rules.Outcome, ok bool) {
		if steps > 0 && from.n > math.MaxInt64-steps || steps < 0 && from.n < math.MinInt64-steps {
			return o, false
		}
		o, ok = try(decimal{from.n + steps, from.scale})
		return o, ok && o.Verdict != c.was
	}
	best := int64(0)
	nearer := func(steps int64) {
		if steps != 0 && (best == 0 || abs(steps) < abs(best)) {
			if _, ok := flips(steps); ok {
				best = steps
			}
		}
	}
	for _, sign := range [...]int64{1, -1} {
		low := int64(0)
		for high := int64(1); high < 1<<42; high *= 2 {
			if _, ok := flips(sign * high); ok {
				nearer(sign * halve(low, high, func(n int64) bool { _, ok := flips(sign * n); return ok }))
				break
			}
			low = high
		}
	}
	for _, k := range likely {
		if at, ok := from.steps(k); ok {
			for d := int64(-1); d <= 1; d++ {
				nearer(at + d)
			}
		}
	}
	if best == 0 {
		return
	}
	to := decimal{from.n + best, from.scale}
	o, _ := flips(best)
	size := math.Abs(to.float()-from.float()) / math.Max(math.Abs(from.float()), 1)
	c.add(name, from.String(), to.String(), o, size)
}

// halve gives the first n in (low, high] that holds, where low does not and high does.
func halve(low, high int64, holds func(int64) bool) int64 {
	for high-low > 1 {
		if middle := low + (high-low)/2; holds(middle) {
			high = middle
		} else {
			low = middle
		}
	}
	return high
}

func abs(n int64) int64 { return max(n, -n) }

func (c *changer) add(name, from, to string, o rules.Outcome, size float64) {
	c.found = append(c.found, Change{Name: name, From: event.Mask(from), To: event.Mask(to), Verdict: o.Verdict.String(), Score: o.Score, Size: size})
}
