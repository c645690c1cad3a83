package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"sluice/configs/strict"
	"sluice/rules"
)

// checkCommand prints every fault of a directory of rule files.
func checkCommand(_ context.Context, args []string, c console) error {
	f := flags("check", "[--schema FILE] DIR", c)
	schemaFile := f.String("schema", "", "event schema that the rules are written for (default: the card and wallet payment that comes with Sluice)")
	dirs, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(dirs) != 1 {
		return misused(f, "give one directory of rule files, not %d", len(dirs))
	}
	schema, err := loadSchema(*schemaFile)
	if err != nil {
		return faults(c.out, err)
	}
	set, err := rules.Load(dirs[0], schema)
	if err != nil {
		return ruleFaults(c.out, err, *schemaFile)
	}
	shadow := 0
	for i := range set.Rules {
		if set.Rules[i].Mode == rules.Shadow {
			shadow++
		}
	}
	all := len(set.Rules) + len(set.Off)
	noun := "rules"
	if all == 1 {
		noun = "rule"
	}
	fmt.Fprintf(c.out, "%s: %d %s (%d live, %d shadow, %d off), no faults; rule set %s\n",
		dirs[0], all, noun, len(set.Rules)-shadow, shadow, len(set.Off), set.Hash)
	if w := set.Warning(); w != "" {
		fmt.Fprintln(c.out, "warning: "+w)
	}
	return nil
}

// ruleFaults is faults, and says by which schema where the rules seem to be
// written for another one.
func ruleFaults(w io.Writer, err error, schemaFile string) error {
	wrong := faults(w, err)
	var all strict.Faults
	if schemaFile == "" && errors.As(err, &all) && slices.ContainsFunc(all, func(f strict.Fault) bool {
		return strings.Contains(f.Message, "; the entities are ") || strings.Contains(f.Message, "; the fields are ")
	}) {
		fmt.Fprintln(w, "The fields and entities are those of the schema that comes with Sluice; --schema FILE names another.")
	}
	return wrong
}

// faults prints what is wrong with files and how many faults there are.
func faults(w io.Writer, err error) error {
	var all strict.Faults
	if !errors.As(err, &all) {
		return err
	}
	fmt.Fprintln(w, all.Error())
	if len(all) == 1 {
		fmt.Fprintln(w, "1 fault")
	} else {
		fmt.Fprintf(w, "%d faults\n", len(all))
	}
	return errFaults
}
