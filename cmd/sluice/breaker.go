package main

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"sluice/alerts"
	"sluice/rules"
)

// breakers are what people are told of rules that fire far more often than is
// usual for them: the owner an alert, once while it lasts, the log a line, and
// beside that a metric and /v1/rules.
type breakers struct {
	log    *slog.Logger
	set    func() *rules.Set
	notify func(alerts.Alert) // nil: nothing is told yet

	mu   sync.Mutex
	open []rules.Trip
}

// told takes in the breakers that are open from now on.
func (b *breakers) told(open []rules.Trip) {
	b.mu.Lock()
	before := b.open
	b.open = open
	b.mu.Unlock()
	for i := range open {
		if !among(before, &open[i]) {
			b.opened(&open[i])
		}
	}
	for i := range before {
		if !among(open, &before[i]) {
			b.closed(&before[i])
		}
	}
}

// among says whether a breaker was open already, and has not been anew.
func among(list []rules.Trip, t *rules.Trip) bool {
	for i := range list {
		if list[i].Rule.ID == t.Rule.ID && list[i].Since == t.Since {
			return true
		}
	}
	return false
}

func (b *breakers) opened(t *rules.Trip) {
	if t.Resumed { // its owner has been told by the run before
		b.log.Info("a rule's breaker is still open", "rule", t.Rule.ID, "why", t.Why)
		return
	}
	b.log.Warn("a rule fires far more often than usual", "rule", t.Rule.ID, "why", t.Why)
	a := b.alert(t, time.Unix(0, t.Since).UTC())
	a.Description = upperFirst(t.Why)
	if len(t.Top) > 0 {
		a.Description += ". The latest hits: " + strings.Join(t.Top, "; ")
	}
	b.tell(a)
}

func (b *breakers) closed(t *rules.Trip) {
	b.log.Info("a rule's breaker is closed", "rule", t.Rule.ID)
	a := b.alert(t, time.Now().UTC())
	a.Status, a.Mode = alerts.Resolved, t.Rule.Mode.String()
	a.Description = "Its breaker is closed: it fires less again, or was changed"
	b.tell(a)
}

func (b *breakers) alert(t *rules.Trip, last time.Time) alerts.Alert {
	a := alerts.Alert{
		ID: fmt.Sprintf("breaker-%s-%d", t.Rule.ID, time.Unix(0, t.Since).Unix()), Status: alerts.Firing, Severity: t.Rule.Alert,
		Rule: t.Rule.ID, Mode: t.Rule.Mode.String(), Reason: "RULE_BREAKER", Owner: t.Rule.Owner,
		Count: int64(t.Hits), Amount: t.Money, First: time.Unix(0, t.Since).UTC(), Last: last,
		RuleSet: b.set().Hash, Examples: append([]string{}, t.Examples...),
	}
	if a.Severity == "" {
		a.Severity = "ticket"
	}
	if t.Rule.Breaker.Fall {
		a.Mode = rules.Shadow.String()
	}
	return a
}

func (b *breakers) tell(a alerts.Alert) {
	if b.notify != nil {
		b.notify(a)
	}
}

// upperFirst begins a text as a sentence.
func upperFirst(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// list gives the breakers that are open.
func (b *breakers) list() []rules.Trip {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.open
}

func newBreakerMetrics(b *breakers) prometheus.Collector {
	return &standing{
		all: describe("rules_breaker_open", "Rules that fire far more often than is usual for them."),
		one: describe("rule_breaker_open", "1 for each rule whose breaker is open.", "rule"),
		rules: func() (ids []string) {
			for _, t := range b.list() {
				ids = append(ids, t.Rule.ID)
			}
			return ids
		},
	}
}
