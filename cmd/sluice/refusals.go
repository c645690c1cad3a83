package main

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"sluice/alerts"
	"sluice/rules"
	"sluice/scoring/event"
)

// maxFaults bounds what an alert says of a refused rule set, in bytes.
const maxFaults = 2000

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
	f.open.Description = "The rules were not taken; the last good set keeps deciding: " + shortened(event.Mask(r.Err.Error()))
	return *f.open, true
}

// shortened cuts a long text.
func shortened(text string) string {
	if len(text) <= maxFaults {
		return text
	}
	return strings.ToValidUTF8(text[:maxFaults], "") + "… (the log has all)"
}
