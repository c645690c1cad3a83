package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"text/tabwriter"

	"sluice/scoring/event"
)

// snoozeCommand keeps a rule of a running Sluice from acting on one entity.
func snoozeCommand(ctx context.Context, args []string, c console) error {
	f := flags("snooze", "RULE [ENTITY VALUE]", c)
	d := newDoor(f)
	e := newEnds(f)
	end := f.Bool("end", false, "end the snooze now")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(rest) != 1 && len(rest) != 3 || *end && len(rest) != 3 {
		return misused(f, "give the rule's id, then the entity and its value, as in `sluice snooze card-testing card c-1 --for 2d`; the id alone shows its snoozes")
	}
	switch {
	case len(rest) == 1:
		err = without(f, "a rule alone, which shows its snoozes,", "for", "until", "author", "why")
	case *end:
		if err = without(f, "--end", "for", "until"); err == nil {
			err = e.hold(f, false)
		}
	default:
		err = e.hold(f, true)
	}
	if err != nil {
		return err
	}
	path := "/v1/rules/" + url.PathEscape(rest[0]) + "/snoozes"
	if len(rest) == 1 {
		return showSnoozes(ctx, d, path, c)
	}
	var done changed
	if *end {
		err = d.call(ctx, http.MethodDelete, path+"/"+url.PathEscape(rest[1])+"/"+url.PathEscape(rest[2])+e.query("for"), nil, &done)
	} else {
		err = d.call(ctx, http.MethodPost, path, e.body("for", map[string]string{"entity": rest[1], "value": rest[2]}), &done)
	}
	if err != nil {
		return err
	}
	if *end {
		fmt.Fprintf(c.out, "%s acts on %s %s again (change %d)\n", done.Rule, done.Entity, done.Value, done.Revision)
	} else {
		fmt.Fprintf(c.out, "%s is snoozed for %s %s until %s (change %d)\n", done.Rule, done.Entity, done.Value, done.Until, done.Revision)
	}
	return nil
}

func showSnoozes(ctx context.Context, d *door, path string, c console) error {
	var r struct {
		Rule    string
		Snoozes []changed
	}
	if err := d.call(ctx, http.MethodGet, path, nil, &r); err != nil {
		return err
	}
	if len(r.Snoozes) == 0 {
		fmt.Fprintf(c.out, "%s is snoozed for nobody\n", event.Mask(r.Rule))
		return nil
	}
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ENTITY\tVALUE\tUNTIL\tBY\tWHY")
	for _, s := range r.Snoozes {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", s.Entity, s.Value, ended(s.Until), s.Author, s.Why)
	}
	return w.Flush()
}
