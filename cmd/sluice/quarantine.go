package main

import (
	"log/slog"
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"sluice/rules"
)

// quarantine is what operators are told of rules that keep failing: a line of
// the log when one is put into quarantine and when it is let out, a metric while
// it is there, and its reason in /v1/rules.
type quarantine struct {
	log *slog.Logger

	mu   sync.Mutex
	held []rules.Held
}

// told takes in the rules that are in quarantine from now on.
func (q *quarantine) told(held []rules.Held) {
	q.mu.Lock()
	before := q.held
	q.held = held
	q.mu.Unlock()
	for _, h := range held {
		if !slices.Contains(before, h) {
			q.log.Warn("a rule keeps failing and is not asked any more", "rule", h.Rule, "why", h.Why)
		}
	}
	for _, h := range before {
		if !slices.Contains(held, h) {
			q.log.Info("a rule is out of quarantine", "rule", h.Rule)
		}
	}
}

// list gives the rules in quarantine.
func (q *quarantine) list() []rules.Held {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.held
}

func newQuarantineMetrics(q *quarantine) prometheus.Collector {
	return &standing{
		all: describe("rules_quarantined", "Rules that are not asked any more because they kept failing."),
		one: describe("rule_quarantined", "1 for each rule in quarantine.", "rule"),
		rules: func() (ids []string) {
			for _, h := range q.list() {
				ids = append(ids, h.Rule)
			}
			return ids
		},
	}
}
