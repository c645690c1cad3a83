package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"sluice/configs"
	"sluice/scoring/event"
	"sluice/stream"
	"sluice/stream/journal"
)

// journalCommand looks at journals that no process has open.
func journalCommand(_ context.Context, args []string, c console) error {
	f := flags("journal", "inspect|verify|compact [--schema FILE] (DIR... | --config FILE)", c)
	config := f.String("config", "", "configuration `FILE` of sluice serve that names the directory and the schema")
	schemaFile := f.String("schema", "", "event schema that transactions are read under (default: the card and wallet payment that comes with Sluice)")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	verbs := []string{"inspect", "verify", "compact"}
	if len(rest) == 0 || !slices.Contains(verbs, rest[0]) {
		return misused(f, "say what to do: inspect, verify or compact")
	}
	dirs := rest[1:]
	if (*config == "") == (len(dirs) == 0) {
		return misused(f, "name either directories or a --config FILE")
	}
	if *config != "" {
		return configuredJournals(*config, rest[0], c)
	}
	schema, err := loadSchema(*schemaFile)
	if err != nil {
		return faults(c.err, err)
	}
	found, err := journalsIn(dirs)
	if err != nil {
		return err
	}
	return eachJournal(found, rest[0], schema, c)
}

// configuredJournals does one thing to the journals of a configuration: those of
// its group, one for each cluster that it has worked on. Others may lie beside them.
func configuredJournals(path, verb string, c console) error {
	config, err := configs.Load(path, c.env)
	if err != nil {
		return faults(c.err, err)
	}
	schema, err := event.LoadSchema(config.Schema.Path)
	if err != nil {
		return faults(c.err, err)
	}
	found, err := journalsIn([]string{config.Journal.Dir})
	if err != nil {
		return err
	}
	found = slices.DeleteFunc(found, func(dir string) bool { return !stream.JournalOf(config.Group, filepath.Base(dir)) })
	if len(found) == 0 {
		return fmt.Errorf("%s holds no journal of the group %s, only of others; `sluice serve` makes it at its first start", config.Journal.Dir, config.Group)
	}
	return eachJournal(found, verb, schema, c)
}

// journalsIn lists the journals in directories. None is a fault: it is easily a
// misspelt path.
func journalsIn(dirs []string) ([]string, error) {
	var out []string
	for _, dir := range dirs {
		found, err := journal.List(dir)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("%s holds no journal; `sluice serve` makes one for each cluster and group below its journal.dir", dir)
		}
		out = append(out, found...)
	}
	return out, nil
}

// eachJournal does one thing to all of them; one that is damaged does not keep
// the others from being looked at.
func eachJournal(dirs []string, verb string, schema *event.Schema, c console) error {
	does := map[string]func(journal.Options) (journal.Report, error){
		"inspect": journal.Inspect, "verify": journal.Verify, "compact": journal.Compact,
	}[verb]
	bad := false
	for i, dir := range dirs {
		if i > 0 {
			fmt.Fprintln(c.out)
		}
		report, err := does(journal.Options{Dir: dir, Schema: schema})
		if errors.Is(err, journal.ErrLocked) {
			err = fmt.Errorf("%w (%s): a running `sluice serve` has it open; stop that, or copy the directory and look at the copy", journal.ErrLocked, dir)
		}
		if err != nil {
			fmt.Fprintf(c.err, "sluice: %v\n", err)
			bad = true
			continue
		}
		if err := report.Print(c.out); err != nil {
			return err
		}
		if err := stream.Damage(dir); err != nil {
			fmt.Fprintf(c.err, "sluice: %v\n", err)
			bad = true
		}
	}
	if bad {
		return errFaults
	}
	return nil
}
