package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"text/tabwriter"
	"time"

	"sluice/scoring/event"
)

// changed is a change, as the API answers with it.
type changed struct {
	Revision                                              int64
	Do, List, Rule, Entity, Value, Until, At, Author, Why string
	Warning                                               string // it may not be what was meant
}

// listsCommand looks at the lists of a running Sluice and changes them.
func listsCommand(ctx context.Context, args []string, c console) error {
	f := flags("lists", "[show [LIST] | add LIST VALUE... | remove LIST VALUE...]", c)
	d := newDoor(f)
	e := newEnds(f)
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	verb := "show"
	if len(rest) > 0 {
		verb, rest = rest[0], rest[1:]
	}
	switch verb {
	case "show":
		err = without(f, "show", "for", "until", "author", "why")
	case "add", "remove":
		if len(rest) > 1 {
			err = e.hold(f, verb == "add")
		}
	}
	switch {
	case err != nil:
		return err
	case verb == "show" && len(rest) == 0:
		return showLists(ctx, d, c)
	case verb == "show" && len(rest) == 1:
		return showEntries(ctx, d, rest[0], c)
	case verb == "add" && len(rest) > 1:
		return eachValue(rest[1:], c, func(value string) (changed, error) {
			var out changed
			return out, d.call(ctx, http.MethodPost, "/v1/lists/"+url.PathEscape(rest[0])+"/entries", e.body("ttl", map[string]string{"value": value}), &out)
		})
	case verb == "remove" && len(rest) > 1:
		return eachValue(rest[1:], c, func(value string) (changed, error) {
			var out changed
			return out, d.call(ctx, http.MethodDelete, "/v1/lists/"+url.PathEscape(rest[0])+"/entries/"+url.PathEscape(value)+e.query("ttl"), nil, &out)
		})
	}
	return misused(f, "say what to do: show, show LIST, add LIST VALUE..., or remove LIST VALUE...")
}

// eachValue makes one change after the other, and stops at the first that is not
// taken.
func eachValue(values []string, c console, change func(value string) (changed, error)) error {
	for _, value := range values {
		done, err := change(value)
		if err != nil {
			if len(values) > 1 {
				err = fmt.Errorf("%s: %w", event.Mask(value), err)
			}
			return err
		}
		until := ""
		if done.Until != "" {
			until = " until " + done.Until
		}
		switch done.Do {
		case "add":
			fmt.Fprintf(c.out, "%s: %s is in it%s (change %d)\n", done.List, done.Value, until, done.Revision)
		case "leave_out":
			fmt.Fprintf(c.out, "%s: %s is left out%s (change %d)\n", done.List, done.Value, until, done.Revision)
		default:
			fmt.Fprintf(c.out, "%s: the change of %s is taken back (change %d)\n", done.List, done.Value, done.Revision)
		}
		if done.Warning != "" {
			fmt.Fprintf(c.err, "warning: %s\n", done.Warning)
		}
	}
	return nil
}

func showLists(ctx context.Context, d *door, c console) error {
	var all struct {
		Revision int64
		Lists    []struct {
			Name, Kind     string
			Filed, Changed int
		}
	}
	if err := d.call(ctx, http.MethodGet, "/v1/lists", nil, &all); err != nil {
		return err
	}
	if len(all.Lists) == 0 {
		fmt.Fprintln(c.out, "there are no lists; a list is a file lists/NAME.txt of the rule directory, which may be empty")
		return nil
	}
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "LIST\tHOLDS\tIN THE FILE\tCHANGED")
	for _, l := range all.Lists {
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\n", l.Name, l.Kind, l.Filed, l.Changed)
	}
	return w.Flush()
}

func showEntries(ctx context.Context, d *door, list string, c console) error {
	var l struct {
		Name, Kind string
		Filed      int
		Entries    []changed
	}
	if err := d.call(ctx, http.MethodGet, "/v1/lists/"+url.PathEscape(list)+"/entries", nil, &l); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%s: %d in the file, %d changed\n", l.Name, l.Filed, len(l.Entries))
	if len(l.Entries) == 0 {
		return nil
	}
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "VALUE\tCHANGE\tUNTIL\tBY\tWHY")
	for _, e := range l.Entries {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", e.Value, e.Do, ended(e.Until), e.Author, e.Why)
	}
	return w.Flush()
}

// ended says that a moment is past.
func ended(until string) string {
	if t, err := time.Parse(time.RFC3339, until); err == nil && time.Now().After(t) {
		return until + " (over)"
	}
	return until
}
