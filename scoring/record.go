package scoring

import (
	"math"
	"slices"
	"strconv"

	"sluice/rules"
	"sluice/scoring/event"
	"sluice/scoring/history"
)

// form is what verdict records under one rule set have in common, as JSON.
type form struct {
	ids     [][]byte // rule ids, quoted
	reasons [][]byte // reason codes, quoted; empty if the rule has none
	queries [][]byte // texts of the window values, quoted
	end     []byte   // ,"run":"…"
	set     []byte   // "rule_set":"…","changes":7,
}

func newForm(schema *event.Schema, set *rules.Set, run string) *form {
	f := &form{end: event.AppendString([]byte(`,"run":`), run)}
	for i := range set.Rules {
		f.ids = append(f.ids, event.AppendString(nil, set.Rules[i].ID))
		var reason []byte
		if r := set.Rules[i].Reason; r != "" {
			reason = event.AppendString(nil, r)
		}
		f.reasons = append(f.reasons, reason)
	}
	for q := range set.Program.Plan().Queries {
		f.queries = append(f.queries, event.AppendString(nil, set.Program.Describe(q)))
	}
	return f
}

// under names what decides: the set, and the changes that lie over it if there
// ever were any.
func (f *form) under(set string, changes int64) {
	f.set = append(event.AppendString([]byte(`"rule_set":`), set), ',')
	if changes > 0 {
		f.set = append(strconv.AppendInt(append(f.set, `"changes":`...), changes, 10), ',')
	}
}

// recorder writes verdict records; its scratch serves one goroutine.
type recorder struct {
	used []int // queries of the fired rules
}

// append appends the verdict record of a decision. Its shape is
// configs/verdict.schema.json.
func (r *recorder) append(b []byte, c *Core, d *Decision, values []history.Value, now int64) []byte {
	f, o, tx := c.form, &d.Outcome, d.Tx
	b = append(b, `{"transaction_id":`...)
	b = tx.AppendID(b)
	b = append(b, `,"verdict":"`...)
	b = append(b, o.Verdict.String()...)
	b = append(b, `","score":`...)
	b = strconv.AppendInt(b, o.Score, 10)
	b = append(b, `,"rules":[`...)
	b = appendEach(b, f.ids, o.Fired)
	b = append(b, `],"reasons":[`...)
	b = appendReasons(b, f.reasons, o.Fired, d.Flags)
	b = append(b, `],"shadow":[`...)
	b = appendEach(b, f.ids, o.Shadow)
	b = f.appendDemotions(b, o.Demoted)
	b = append(b, `],"skipped":[`...)
	b = f.appendSkips(b, 0, "", o.Skipped)
	b = f.appendSkips(b, len(o.Skipped), "failed: ", o.Errors)
	b = append(b, `],"flags":[`...)
	b = appendFlags(b, d.Flags)
	b = append(b, `],`...)
	b = append(b, f.set...)
	b = append(b, `"event_time":"`...)
	b = event.AppendTime(b, int64(tx.Words[c.schema.Time]))
	b = append(b, `","arrival_time":"`...)
	b = event.AppendTime(b, tx.Arrival)
	b = append(b, `","decided_at":"`...)
	b = event.AppendTime(b, now)
	b = append(b, `","latency_ms":`...)
	b = appendMillis(b, now-tx.Arrival)
	b = appendSource(b, d.Source)
	b = append(b, f.end...)
	b = append(b, `,"windows":[`...)
	b = r.appendWindows(b, c, d, values)
	return append(b, "]}"...)
}

// appendSkips appends rules that were skipped, n others being there already.
func (f *form) appendSkips(b []byte, n int, before string, skips []rules.Skip) []byte {
	for i, s := range skips {
		b = comma(b, n+i)
		b = append(b, `{"rule":`...)
		b = append(b, f.ids[s.Rule]...)
		b = append(b, `,"why":`...)
		b = event.AppendString(b, before+s.Why)
		b = append(b, '}')
	}
	return b
}

// appendDemotions ends the shadow rules with those that are live otherwise. There
// are none in most records, and then nothing is said of them.
func (f *form) appendDemotions(b []byte, demoted []rules.Demotion) []byte {
	for i, d := range demoted {
		if i == 0 {
			b = append(b, `],"demoted":[`...)
		}
		b = comma(b, i)
		b = append(b, `{"rule":`...)
		b = append(b, f.ids[d.Rule]...)
		b = append(b, `,"by":"`...)
		b = append(b, d.By.String()...)
		b = append(b, `","why":`...)
		b = event.AppendString(b, d.Why)
		b = append(b, '}')
	}
	return b
}

// appendWindows appends the window values that fired rules used, each once.
func (r *recorder) appendWindows(b []byte, c *Core, d *Decision, values []history.Value) []byte {
	r.used = r.used[:0]
	for _, fired := range [...][]int{d.Outcome.Fired, d.Outcome.Shadow} {
		for _, rule := range fired {
			for _, q := range c.set.Program.Queries(rule) {
				if !slices.Contains(r.used, q) {
					r.used = append(r.used, q)
				}
			}
		}
	}
	plan := c.set.Program.Plan()
	for i, q := range r.used {
		b = comma(b, i)
		b = append(b, `{"expr":`...)
		b = append(b, c.form.queries[q]...)
		b = append(b, `,"value":`...)
		b = appendValue(b, values[q].Value)
		b = append(b, `,"maturity":`...)
		b = appendShare(b, maturity(plan.Queries[q].Span, int64(plan.Retention), d.Tx.Time, d.since))
		if values[q].Approx {
			b = append(b, `,"approx":true,"error":`...)
			b = strconv.AppendFloat(b, values[q].Error, 'g', 3, 64)
		}
		b = append(b, '}')
	}
	return b
}

// maturity is the share of a window, before the transaction at time t, that
// has been watched since the first transaction ever.
func maturity(s history.Span, retention, t, since int64) float64 {
	from, to := t-int64(s.From), t-int64(s.To)
	if s.Newest > 0 {
		from, to = t-retention, t
	}
	if from >= since {
		return 1
	}
	if to <= since {
		return 0
	}
	return float64(to-since) / float64(to-from)
}

// appendShare appends a share with three digits, rounded down, so that 1 means all.
func appendShare(b []byte, x float64) []byte {
	n := int(x * 1000)
	switch {
	case n >= 1000:
		return append(b, '1')
	case n <= 0:
		return append(b, '0')
	}
	return append(b, '0', '.', byte('0'+n/100), byte('0'+n/10%10), byte('0'+n%10))
}

func appendReasons(b []byte, reasons [][]byte, fired []int, flags Flags) []byte {
	n := 0
	if flags&Future != 0 {
		b = append(b, `"FUTURE_TIME"`...)
		n++
	}
	for k, rule := range fired {
		if len(reasons[rule]) == 0 || repeats(reasons, fired[:k], rule) {
			continue
		}
		b = comma(b, n)
		b = append(b, reasons[rule]...)
		n++
	}
	return b
}

// repeats reports whether an earlier one of the fired rules has rule's reason.
func repeats(reasons [][]byte, earlier []int, rule int) bool {
	for _, e := range earlier {
		if string(reasons[e]) == string(reasons[rule]) {
			return true
		}
	}
	return false
}

func appendFlags(b []byte, flags Flags) []byte {
	n := 0
	for _, f := range [...]struct {
		flag Flags
		name string
	}{{Late, `"late"`}, {Future, `"future_time"`}, {Warming, `"warming"`}, {Gap, `"gap"`}} {
		if flags&f.flag != 0 {
			b = comma(b, n)
			b = append(b, f.name...)
			n++
		}
	}
	return b
}

func appendSource(b []byte, s Source) []byte {
	if s.HTTP {
		return append(b, `,"source":"http"`...)
	}
	b = append(b, `,"source":{"partition":`...)
	b = strconv.AppendInt(b, int64(s.Partition), 10)
	b = append(b, `,"offset":`...)
	b = strconv.AppendInt(b, s.Offset, 10)
	return append(b, '}')
}

func appendValue(b []byte, v event.Value) []byte {
	switch v.Kind {
	case event.Bool:
		return strconv.AppendBool(b, v.Bits != 0)
	case event.Int:
		return strconv.AppendInt(b, int64(v.Bits), 10)
	case event.Float:
		return strconv.AppendFloat(b, math.Float64frombits(v.Bits), 'g', -1, 64)
	case event.String:
		return event.AppendString(b, event.Mask(v.Text))
	case event.Time:
		return append(event.AppendTime(append(b, '"'), int64(v.Bits)), '"')
	}
	return append(b, "null"...)
}

func appendEach(b []byte, texts [][]byte, which []int) []byte {
	for i, k := range which {
		b = comma(b, i)
		b = append(b, texts[k]...)
	}
	return b
}

func comma(b []byte, i int) []byte {
	if i > 0 {
		return append(b, ',')
	}
	return b
}

// appendMillis appends nanoseconds as milliseconds with three decimals.
func appendMillis(b []byte, ns int64) []byte {
	if ns < 0 {
		b, ns = append(b, '-'), -ns
	}
	us := ns / 1000
	b = strconv.AppendInt(b, us/1000, 10)
	return append(b, '.', byte('0'+us/100%10), byte('0'+us/10%10), byte('0'+us%10))
}
