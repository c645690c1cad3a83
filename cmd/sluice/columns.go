package main

import (
	"fmt"
	"slices"
	"strings"

	"sluice/scoring/history"
)

// unread tells once of columns that no rule can ever see: one may be misspelt.
func (b *backtest) unread(path string, columns []string) {
	if _, told := b.told.LoadOrStore("unread "+path, true); !told {
		fmt.Fprintf(b.err, "%s: no field of the schema reads %s\n", path, columnNames(columns))
	}
}

// lacking tells once of columns without which rules are skipped for the whole
// file, and counts the files that have no labels.
func (b *backtest) lacking(path string, columns []string) {
	if _, told := b.told.LoadOrStore("lacking "+path, true); told {
		return
	}
	if l := b.schema.Label; l != nil && slices.Contains(columns, l.CSVValue) {
		b.unlabelled.Add(1)
	}
	columns = slices.DeleteFunc(columns, func(c string) bool { return !b.looksBack(c) })
	if len(columns) > 0 {
		fmt.Fprintf(b.err, "%s: it lacks %s: rules that ask for the past of such an entity are skipped\n", path, columnNames(columns))
	}
}

// looksBack tells whether a rule asks for the past of the entity that a column
// names.
func (b *backtest) looksBack(column string) bool {
	plan := b.set.Program.Plan()
	is := func(entity int) bool { return b.schema.Fields[b.schema.Entities[entity]].From == column }
	return slices.ContainsFunc(plan.Queries, func(q history.Query) bool { return is(q.Entity) }) ||
		slices.ContainsFunc(plan.Lists, func(l history.ListQuery) bool { return is(l.Entity) })
}

// noLabels says why no transaction may have a label, "" where none is expected.
func (b *backtest) noLabels() string {
	label := b.schema.Label
	switch {
	case b.topics != nil && (label == nil || b.topics.config.Topics.Labels == ""):
		return ""
	case b.topics != nil:
		return fmt.Sprintf("the topic %s holds none of these transactions", b.topics.config.Topics.Labels)
	case label == nil || label.CSVValue == "":
		if b.delay < 0 {
			return ""
		}
		return "the schema names no column for them" + b.noDelay()
	case b.unlabelled.Load() == int64(len(b.data)):
		return "there is no column " + label.CSVValue + b.noDelay()
	}
	return "there is nothing in " + label.CSVValue + b.noDelay()
}

func (b *backtest) noDelay() string {
	if b.delay < 0 {
		return ""
	}
	return "; --label-delay has no effect"
}

// columnNames lists columns for people.
func columnNames(columns []string) string {
	noun := "the columns"
	if len(columns) == 1 {
		noun = "the column"
	}
	return noun + " " + strings.Join(columns, ", ")
}
