package rules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"sluice/configs/strict"
	"sluice/scoring/event"
)

// Rollout says for whom a rule is live. For the others it is one in shadow.
type Rollout struct {
	Share int    // per cent of the entities, 1 to 100; 0: the rule is live for all
	By    string // the field that names the entity
}

// String gives the rollout for people, "" where the rule is live for all.
func (r Rollout) String() string {
	if r.Share == 0 {
		return ""
	}
	return fmt.Sprintf("%d%% by %s", r.Share, r.By)
}

// percent is a share like 10%.
type percent int

// UnmarshalText reads a share.
func (p *percent) UnmarshalText(text []byte) error {
	digits, ok := strings.CutSuffix(string(text), "%")
	n, err := strconv.ParseUint(digits, 10, 8)
	if !ok || err != nil || n < 1 || n > 100 || digits[0] == '0' {
		hint := ""
		if !ok && err == nil && n >= 1 && n <= 100 {
			hint = fmt.Sprintf("; did you mean %d%%?", n)
		}
		return fmt.Errorf("%q is no share; write whole per cent from 1%% to 100%%, like 5%%%s", clip(string(text)), hint)
	}
	*p = percent(n)
	return nil
}

// rolloutEntry is a share, or a mapping.
type rolloutEntry struct {
	node  *yaml.Node
	value rolloutKeys
}

type rolloutKeys struct {
	Share percent     `yaml:"share,required"`
	By    strict.Text `yaml:"by"`
}

// UnmarshalStrict reads the share or the mapping.
func (e *rolloutEntry) UnmarshalStrict(d *strict.Decoder, n *yaml.Node) {
	e.node = n
	if n.Kind == yaml.ScalarNode {
		d.Decode(n, &e.value.Share)
		return
	}
	d.Decode(n, &e.value)
}

// rollout makes out by which entity a rule is rolled out.
func (l *loader) rollout(doc *strict.Document, e *rolloutEntry) Rollout {
	if e.value.Share == 0 { // none, or a faulty one
		return Rollout{}
	}
	fault := func(n *yaml.Node, format string, args ...any) Rollout {
		l.faults = append(l.faults, doc.Fault(n.Line, n.Column, fmt.Sprintf(format, args...)))
		return Rollout{}
	}
	var names []string
	for _, f := range l.schema.Entities {
		names = append(names, l.schema.Fields[f].Name)
	}
	name, at := e.value.By.Value, e.value.By.Node
	switch {
	case at != nil && !slices.Contains(names, name):
		hint := ""
		if s := strict.Suggest(name, names); s != "" {
			hint = fmt.Sprintf("; did you mean %q?", s)
		}
		return fault(at, "%q is no entity of the schema; a rule is rolled out by one of %s%s", clip(name), strings.Join(names, ", "), hint)
	case at == nil && l.schema.Key < 0:
		return fault(e.node, "the schema has no key to roll out by")
	case at == nil:
		name = l.schema.Fields[l.schema.Key].Name
	}
	return Rollout{int(e.value.Share), name}
}

// rollouts are those of the rules of a set, by their index; nil: every rule is
// live for all.
type rollouts []rollout

type rollout struct {
	field   int
	integer bool
	below   uint32 // of the 10,000 places that entities have
	seed    uint64 // of the rule
	outside string
	missing string
}

func newRollouts(schema *event.Schema, list []Rule) rollouts {
	var out rollouts
	for i := range list {
		r := &list[i]
		if r.Rollout.Share == 0 {
			continue
		}
		if out == nil {
			out = make(rollouts, len(list))
		}
		field := schema.Field(r.Rollout.By)
		out[i] = rollout{
			field: field, integer: schema.Fields[field].Type == event.TypeInteger,
			below: uint32(r.Rollout.Share) * (places / 100), seed: fnv(fnvOffset, append([]byte(r.ID), 0)),
			outside: fmt.Sprintf("it is live for %d%% by %s, and not for this one", r.Rollout.Share, r.Rollout.By),
			missing: fmt.Sprintf("it is live for %d%% by %s, and there is none here", r.Rollout.Share, r.Rollout.By),
		}
	}
	return out
}

// restrain keeps a rule from acting outside its rollout.
func (all rollouts) restrain(rule int, tx *event.Transaction) (Cause, string) {
	if all == nil || all[rule].below == 0 {
		return NoCause, ""
	}
	r := &all[rule]
	var digits [20]byte
	text, ok := digits[:0], tx.Words[r.field] != event.Missing
	if r.integer && ok {
		text = strconv.AppendInt(text, int64(tx.Words[r.field]), 10)
	} else if ok {
		text, _ = tx.String(r.field)
	}
	switch {
	case len(text) == 0:
		return OfRollout, r.missing
	case place(r.seed, text) >= r.below:
		return OfRollout, r.outside
	}
	return NoCause, ""
}

// places is into how many parts the entities are divided. Each has its place, the
// same for every share, so that one that grows keeps whom it had.
const places = 10_000

// place gives the place of an entity among those of a rule. It depends on the
// texts alone, not on the process: a restart, another node and a backtest roll out
// to the same ones. Who knows the rule's id can find a value that lies outside,
// which is no secret worth keeping: outside, the rule is merely as it was before.
func place(seed uint64, text []byte) uint32 {
	h := fnv(seed, text)
	// FNV alone spreads the last bytes badly; these are the steps that end MurmurHash3.
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	h ^= h >> 33
	return uint32((h >> 32) * places >> 32)
}

const fnvOffset = 14695981039346656037

// fnv goes on with the hash FNV-1a.
func fnv(h uint64, b []byte) uint64 {
	for _, c := range b {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h
}

// Everywhere gives the set with each of its rules live for all: what the rules
// mean, whatever share they are rolled out to.
func (s *Set) Everywhere() *Set {
	all := *s
	all.rollouts = nil
	return &all
}
