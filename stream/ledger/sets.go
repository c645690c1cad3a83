package ledger

import (
	"fmt"
	"strings"

	"sluice/rules"
	"sluice/scoring/event"
)

// Start loads the rules of a directory, or those of an earlier set where one was
// pinned, and notes what decides from now on. version says what the files are
// where they do not say so themselves.
func (d *Desk) Start(dir, version string, schema *event.Schema, accept func(*rules.Set) error, report func(rules.Reload)) (*rules.Reloader, error) {
	var pin *rules.Pin
	if p := d.Register.Pinned(); p != nil {
		files, err := d.Register.Files(p.RuleSet)
		if err != nil {
			d.o.Log.Error("the rule set that was rolled back to is lost; the one in the files decides", "rule_set", p.RuleSet, "error", err)
		} else {
			pin = &rules.Pin{Files: files, Over: p.Over}
		}
	}
	r, first, err := rules.NewPinnedReloader(dir, schema, pin, accept, report)
	if err != nil && pin != nil {
		d.o.Log.Error("the rule set that was rolled back to can't be loaded; the one in the files decides", "error", event.Mask(err.Error()))
		r, first, err = rules.NewPinnedReloader(dir, schema, nil, accept, report)
	}
	if err != nil {
		return nil, err
	}
	if first.Version == "" {
		first.Version = rules.Version(version)
	}
	d.Note(first)
	return r, nil
}

// Note enters into the register how an attempt to take rules in went.
func (d *Desk) Note(r rules.Reload) {
	now := d.o.Now().UTC()
	pin := d.Register.Pinned()
	var err error
	switch {
	case r.Err != nil:
		err = d.Register.Refused(Set{RuleSet: r.Seen, Version: r.Version, Since: now, Why: event.Mask(r.Err.Error())})
	case r.Changed:
		set := Set{RuleSet: r.Set.Hash, Version: r.Version, Since: now}
		if r.Pinned {
			set.Version = d.Register.version(set.RuleSet)
		}
		err = d.Register.Took(set, r.Files)
		if idle := d.Idle(r.Set); len(idle) > 0 {
			d.o.Log.Warn("what people changed has no effect under this rule set", "rule_set", set.RuleSet, "without_effect", strings.Join(idle, "; "))
		}
	case pin != nil && !r.Pinned: // the files hold what was rolled back to
		err = d.Register.Pin(nil)
	}
	if err != nil {
		d.o.Log.Warn("what became of the rules holds, and is not kept for the next start and for a rollback", "error", err)
	}
}

// Rollback lets an earlier set decide in place of the files, until these change
// or Release.
func (d *Desk) Rollback(hash, author, why string) error {
	if err := d.fill(&Change{}, Request{Value: hash, Author: author, Why: why}, false); err != nil {
		return renamed(err, "rule_set")
	}
	if d.rules.Current().Hash == hash {
		return &Fault{"already_active", "rule_set", fmt.Sprintf("the rule set %s decides already", hash)}
	}
	files, err := d.Register.Files(hash)
	if err != nil {
		return err
	}
	before := d.Register.Pinned()
	pinned := false
	err = d.rules.Pin(files, func(p rules.Pin) error {
		pinned = true
		return d.Register.Pin(&Pin{hash, p.Over, d.o.Now().UTC(), author, why})
	})
	if err != nil {
		if pinned {
			_ = d.Register.Pin(before)
		}
		return err
	}
	d.o.Log.Info("rolled back to an earlier rule set", "rule_set", hash, "author", event.Mask(author), "why", event.Mask(why))
	return nil
}

// Release lets the files decide again.
func (d *Desk) Release(author, why string) error {
	if err := d.fill(&Change{}, Request{Value: "-", Author: author, Why: why}, false); err != nil {
		return err
	}
	if d.Register.Pinned() == nil {
		return &Fault{"not_pinned", "", "the rules in the files decide already"}
	}
	if err := d.rules.Release(); err != nil {
		return &Fault{"bad_rules", "", "the rules in the files are faulty; the set that was rolled back to keeps deciding: " + event.Mask(err.Error())}
	}
	d.o.Log.Info("the rules in the files decide again", "author", event.Mask(author), "why", event.Mask(why))
	return nil
}

// renamed gives a fault of a value as one of another field.
func renamed(err error, field string) error {
	if f, ok := err.(*Fault); ok && f.Field == "value" { //nolint:errorlint // fill wraps nothing
		f.Field, f.Detail = field, strings.Replace(f.Detail, "value", field, 1)
	}
	return err
}
