package main

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"sluice/alerts"
	"sluice/configs/strict"
	"sluice/rules"
	"sluice/scoring/event"
)

const (
	maxFaults     = 2000 // bytes that an alert says of a refused rule set
	maxFaultLines = 50   // of the log
)

// refusals makes one alert of rule sets that are refused one after another, and
// ends it with the first that is taken.
type refusals struct {
	mu   sync.Mutex
	open *alerts.Alert
}

// next takes a reload in, and gives the alert to tell people, if there is one.
func (f *refusals) next(r rules.Reload, now time.Time) (a alerts.Alert, tell bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case r.Err == nil && f.open == nil:
		return a, false
	case r.Err == nil:
		a, f.open = *f.open, nil
		a.Status, a.Last, a.RuleSet = alerts.Resolved, now, r.Set.Hash
		a.Description = "Rules are taken again"
		return a, true
	case f.open == nil:
		f.open = &alerts.Alert{
			ID: fmt.Sprintf("rules-refused-%d", now.Unix()), Status: alerts.Firing, Severity: "ticket",
			Reason: "RULES_REFUSED", First: now, RuleSet: r.Set.Hash, Examples: []string{},
		}
	}
	f.open.Count++
	f.open.Last = now
	f.open.Description = "The rules were not taken; the last good set keeps deciding: " + shortened(event.Mask(strings.Join(brief(r.Err), "; ")))
	return *f.open, true
}

// brief gives the faults of rule files, a line each.
func brief(err error) []string {
	var all strict.Faults
	if !errors.As(err, &all) {
		return []string{err.Error()}
	}
	var out []string
	for _, f := range all {
		f.Source = ""
		out = append(out, f.Error())
	}
	return out
}

// logRefusal writes why rules were not taken, a line for each fault.
func logRefusal(log *slog.Logger, r rules.Reload) {
	lines := brief(r.Err)
	log.Error("the rules were not taken; the last good set keeps deciding", "rule_set", r.Set.Hash, "faults", len(lines))
	for _, line := range lines[:min(len(lines), maxFaultLines)] {
		log.Error("fault in the rules", "fault", event.Mask(line))
	}
}

// shortened cuts a long text.
func shortened(text string) string {
	if len(text) <= maxFaults {
		return text
	}
	return strings.ToValidUTF8(text[:maxFaults], "") + "… (the log has all)"
}
