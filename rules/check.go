package rules

import (
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"sluice/configs/strict"
	"sluice/rules/lint"
	"sluice/scoring/event"
)

// Check loads a directory of rule files, and also gives what is allowed and
// hardly meant (package lint), each with its place; rules that expire before now,
// and entries of lists that have ended by then, are among that. Rules that are off
// are not looked over.
func Check(dir string, schema *event.Schema, now time.Time) (set *Set, warnings strict.Faults, err error) {
	if err := isDirectory(dir); err != nil {
		return nil, nil, err
	}
	return checkFS(os.DirFS(dir), dir, schema, now)
}

func checkFS(fsys fs.FS, name string, schema *event.Schema, now time.Time) (set *Set, warnings strict.Faults, err error) {
	s, err := readSources(fsys)
	if err != nil {
		return nil, nil, fmt.Errorf("rules in %s: %w", name, err)
	}
	set, l, err := build(s, name, schema)
	if err != nil {
		return nil, nil, err
	}
	warnings = slices.Concat(l.notes, l.warnings(set, now), l.cut(), l.askedWrongly(), l.listWarnings(s.lists, now))
	warnings.Sort()
	return set, warnings, nil
}

// warnings looks the rules of a set over.
func (l *loader) warnings(set *Set, now time.Time) strict.Faults {
	var active []*loaded
	var looked []lint.Rule
	for i := range l.rules {
		r := &l.rules[i]
		if r.rule.Mode == Off {
			continue
		}
		next := lint.Rule{
			ID: r.rule.ID, Tree: r.tree, Live: r.rule.Mode == Live && r.rule.Rollout == (Rollout{}) && !r.rule.Breaker.Fall, Allows: r.rule.Verdict == Allow, Verdict: int(r.rule.Verdict),
			Silent: r.rule.silent(),
			Scores: r.rule.Score != 0, Alert: slices.Index([]string{"", "ticket", "page"}, r.rule.Alert), Expires: r.rule.Expires,
		}
		next.Slow, next.Steps = set.Program.Slow(len(looked))
		active, looked = append(active, r), append(looked, next)
	}
	var out strict.Faults
	for _, w := range lint.Check(l.schema, looked, now) {
		r := active[w.Rule]
		at := r.mark
		switch w.At {
		case lint.AtExpires:
			at = r.expires
		case lint.AtCondition:
			at.Line, at.Column = r.doc.Position(r.when.Node, w.Pos)
		}
		out = append(out, r.doc.Fault(at.Line, at.Column, w.Message))
	}
	return out
}
