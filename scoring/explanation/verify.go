package explanation

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"sluice/rules"
	"sluice/scoring/event"
	"sluice/scoring/history"
)

// Record is what a verdict record says, as far as it is needed to decide again.
type Record struct {
	ID      json.RawMessage `json:"transaction_id"`
	Verdict string          `json:"verdict"`
	Score   int64           `json:"score"`
	Rules   []string        `json:"rules"`
	Shadow  []string        `json:"shadow"`
	Flags   []string        `json:"flags"`
	RuleSet string          `json:"rule_set"`
	Changes int64           `json:"changes"` // number of the last change by people
	Arrival string          `json:"arrival_time"`
	Windows []struct {
		Expr  string          `json:"expr"`
		Value json.RawMessage `json:"value"`
	} `json:"windows"`
}

// ParseRecord reads a verdict record. An id that is a card number is masked.
func ParseRecord(text []byte) (*Record, error) {
	r := new(Record)
	var kind *json.UnmarshalTypeError
	switch err := json.Unmarshal(text, r); {
	case errors.As(err, &kind) && kind.Field != "":
		return nil, fmt.Errorf("this is no verdict record: %s can't be a %s; %s", kind.Field, kind.Value, records)
	case err != nil:
		return nil, fmt.Errorf("this is no verdict record: it is not one JSON object; %s", records)
	case len(r.ID) == 0 || r.Verdict == "":
		return nil, fmt.Errorf("this is no verdict record: it has no transaction_id or no verdict; %s", records)
	}
	if masked, ok := event.MaskBody(&event.Schema{}, r.ID); ok {
		r.ID = masked
	}
	return r, nil
}

// records says where one is found.
const records = "one is a message of the verdicts topic, or the answer of POST /v1/verdicts"

// Verification says whether a recorded verdict follows from what was recorded.
type Verification struct {
	Verdict string `json:"verdict"` // that follows from the rules recorded as fired
	Score   int64  `json:"score"`
	// Wrong is what contradicts the record; Open is what can't be told, and what it
	// would take.
	Wrong []string `json:"wrong"`
	Open  []string `json:"open"`
}

// verifier is at work on one record.
type verifier struct {
	*Verification
	set    *rules.Set
	tx     *event.Transaction
	record *Record
	values []history.Value
	known  []bool // which values are recorded
	whole  bool   // the lists are as they were
}

// Verify decides by the recorded window values again. tx is the transaction, nil if
// it is not at hand. What a record does not hold is the windows of rules that did
// not fire: of those, only rules that look at the transaction alone are decided.
// whole says that what people had changed of the lists lies over those of the set.
func Verify(set *rules.Set, tx *event.Transaction, r *Record, whole bool) *Verification {
	v := &verifier{Verification: &Verification{Wrong: []string{}, Open: []string{}}, set: set, tx: tx, record: r, whole: whole}
	if r.RuleSet != set.Hash {
		v.open("it was decided by the rule set %s, and these files are %s: take the files as they were then", r.RuleSet, set.Hash)
		return v.Verification
	}
	fired, shadow := v.indexes(r.Rules), v.indexes(r.Shadow)
	verdict, score := set.Judge(fired)
	if slices.Contains(r.Flags, "future_time") {
		verdict = max(verdict, rules.Review)
	}
	v.Verdict, v.Score = verdict.String(), score
	if v.Verdict != r.Verdict || score != r.Score {
		v.wrong("the rules that it says fired come to %s with score %d, and it says %s with score %d", v.Verdict, score, r.Verdict, r.Score)
	}
	if tx == nil {
		v.open("the transaction itself is not at hand, so its rules can't be asked again")
		return v.Verification
	}
	v.takeValues()
	v.rules(slices.Concat(fired, shadow))
	return v.Verification
}

func (v *verifier) wrong(format string, args ...any) {
	v.Wrong = append(v.Wrong, fmt.Sprintf(format, args...))
}

func (v *verifier) open(format string, args ...any) {
	v.Open = append(v.Open, fmt.Sprintf(format, args...))
}

// indexes finds rules by their ids.
func (v *verifier) indexes(ids []string) (out []int) {
	for _, id := range ids {
		i := slices.IndexFunc(v.set.Rules, func(r rules.Rule) bool { return r.ID == id })
		if i < 0 {
			v.wrong("it names the rule %s, which its rule set does not have", id)
			continue
		}
		out = append(out, i)
	}
	return out
}

// takeValues reads the recorded window values.
func (v *verifier) takeValues() {
	plan := v.set.Program.Plan()
	v.values, v.known = make([]history.Value, len(plan.Queries)), make([]bool, len(plan.Queries))
	for q := range plan.Queries {
		text := v.set.Program.Describe(q)
		for _, w := range v.record.Windows {
			if w.Expr != text {
				continue
			}
			value, ok := valueOf(w.Value, kindOf(&plan.Queries[q], v.set.Schema))
			if !ok {
				v.open("the recorded value of %s is masked, or of another kind: %s", text, w.Value)
				continue
			}
			v.values[q], v.known[q] = history.Value{Value: value}, true
		}
	}
}

// rules asks the rules again that are said to have fired, and those that look at
// the transaction alone.
func (v *verifier) rules(fired []int) {
	program := v.set.Program
	evaluator := v.set.NewEvaluator()
	var out rules.Outcome
	evaluator.Evaluate(v.tx, v.values, make([]history.List, len(program.Plan().Lists)), &out)
	again := slices.Concat(out.Fired, out.Shadow)
	for i := range v.set.Rules {
		id := v.set.Rules[i].ID
		said, now := slices.Contains(fired, i), slices.Contains(again, i)
		unknown := slices.IndexFunc(program.Queries(i), func(q int) bool { return !v.known[q] })
		alone := len(program.Queries(i)) == 0 && len(program.Lists(i)) == 0
		switch {
		case said && len(program.Lists(i)) > 0:
			v.open("the rule %s looks at past transactions one by one, which a record does not hold", id)
		case said && unknown >= 0:
			v.open("the rule %s reads %s, whose value is not recorded", id, program.Describe(program.Queries(i)[unknown]))
		case said != now && (said || alone) && !v.whole && len(listsOf(v.set, i)) > 0:
			v.open("the rule %s asks the list %s, and what people had changed of it is not known", id, listsOf(v.set, i)[0])
		case said && !now:
			v.wrong("the rule %s does not fire on the recorded values, and is said to have fired", id)
		case !said && now && alone:
			v.wrong("the rule %s fires on the transaction, and is not said to have fired", id)
		}
	}
}

// kindOf gives the kind of a window value.
func kindOf(q *history.Query, schema *event.Schema) event.Kind {
	switch q.Agg {
	case history.Count, history.Distinct:
		return event.Int
	case history.Any:
		return event.Bool
	case history.Mean, history.Median:
		return event.Float
	}
	return schema.Kind(q.Column)
}

// valueOf reads a recorded value; null is a missing one.
func valueOf(text json.RawMessage, kind event.Kind) (v event.Value, ok bool) {
	if bytes.Equal(text, []byte("null")) {
		return v, true
	}
	switch kind {
	case event.Bool:
		var b bool
		ok = json.Unmarshal(text, &b) == nil
		return event.Value{Kind: kind, Bits: uint64(b2i(b))}, ok
	case event.Int:
		var n int64
		ok = json.Unmarshal(text, &n) == nil
		return event.Value{Kind: kind, Bits: uint64(n)}, ok
	case event.Float:
		var f float64
		ok = json.Unmarshal(text, &f) == nil
		return event.Value{Kind: kind, Bits: math.Float64bits(f)}, ok
	case event.String:
		var s string
		ok = json.Unmarshal(text, &s) == nil && !strings.Contains(s, "*")
		return event.Value{Kind: kind, Text: s}, ok
	case event.Time:
		var s string
		if json.Unmarshal(text, &s) != nil {
			return v, false
		}
		at, err := parseTime(s)
		return event.Value{Kind: kind, Bits: uint64(at)}, err == nil
	}
	return v, false
}

func parseTime(s string) (int64, error) {
	t, err := time.Parse(time.RFC3339Nano, s)
	return t.UnixNano(), err
}
