package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"text/tabwriter"
)

// rulesCommand looks at the last rule sets of a running Sluice, and goes back to
// one of them.
func rulesCommand(ctx context.Context, args []string, c console) error {
	f := flags("rules", "history | rollback RULE_SET | release", c)
	d := newDoor(f)
	e := newEndless(f)
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	history := len(rest) == 1 && rest[0] == "history"
	if history {
		err = without(f, "history", "author", "why")
	} else if len(rest) > 0 && (rest[0] == "rollback" || rest[0] == "release") {
		err = e.hold(f, false)
	}
	switch {
	case err != nil:
		return err
	case history:
		return showHistory(ctx, d, c)
	case len(rest) == 2 && rest[0] == "rollback":
		return choose(ctx, d, c, "/v1/rules/rollback", e.body("", map[string]string{"rule_set": rest[1]}))
	case len(rest) == 1 && rest[0] == "release":
		return choose(ctx, d, c, "/v1/rules/release", e.body("", map[string]string{}))
	}
	return misused(f, "say what to do: history, rollback RULE_SET (as history shows it), or release")
}

// choose changes which rule set decides, and says which does now.
func choose(ctx context.Context, d *door, c console, path string, body map[string]string) error {
	var now struct {
		RuleSet string `json:"rule_set"`
		Pinned  *struct{ Over string }
		Idle    []string `json:"without_effect"`
	}
	if err := d.call(ctx, http.MethodPost, path, body, &now); err != nil {
		return err
	}
	if now.Pinned == nil {
		fmt.Fprintf(c.out, "rule set %s, of the files, decides\n", now.RuleSet)
	} else {
		fmt.Fprintf(c.out, "rule set %s decides, until the files change or `sluice rules release`\n", now.RuleSet)
	}
	for _, what := range now.Idle {
		fmt.Fprintf(c.err, "warning: without effect under it: %s\n", what)
	}
	return nil
}

func showHistory(ctx context.Context, d *door, c console) error {
	var h struct {
		Pinned *struct{ Author, Why string }
		Sets   []struct {
			RuleSet string `json:"rule_set"`
			Version string
			Fate    string
			Since   string
			Author  string
			Why     string
		}
	}
	if err := d.call(ctx, http.MethodGet, "/v1/rules/history", nil, &h); err != nil {
		return err
	}
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "RULE SET\tVERSION\tSINCE\tFATE\tWHY")
	for _, s := range h.Sets {
		why, _, more := strings.Cut(s.Why, "\n")
		if more {
			why += " …"
		}
		if s.Author != "" {
			why = s.Author + ": " + why
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", s.RuleSet, s.Version, s.Since, strings.ReplaceAll(s.Fate, "_", " "), why)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if h.Pinned != nil {
		fmt.Fprintln(c.out, "The active set decides in place of the files, until they change or `sluice rules release`.")
	}
	return nil
}
