package main

import (
	"context"
	"fmt"
	"slices"

	"sluice/configs"
	"sluice/scoring/event"
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
	schema, err := loadSchema(*schemaFile)
	if err == nil && *config != "" {
		schema, dirs, err = configured(*config, c)
	}
	if err != nil {
		return faults(c.err, err)
	}
	found, err := journalsIn(dirs)
	if err != nil {
		return err
	}
	return eachJournal(found, rest[0], schema, c)
}

// configured takes the directory and the schema from a configuration.
func configured(path string, c console) (*event.Schema, []string, error) {
	config, err := configs.Load(path, c.env)
	if err != nil {
		return nil, nil, err
	}
	schema, err := event.LoadSchema(config.Schema.Path)
	return schema, []string{config.Journal.Dir}, err
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
		if err != nil {
			fmt.Fprintf(c.err, "sluice: %v\n", err)
			bad = true
			continue
		}
		if err := report.Print(c.out); err != nil {
			return err
		}
	}
	if bad {
		return errFaults
	}
	return nil
}
