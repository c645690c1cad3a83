package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"sluice/configs"
	"sluice/rules"
	"sluice/scoring/event"
	"sluice/stream/ledger"
)

// loadRules opens what is kept of earlier runs and loads the rules that decide.
func (s *server) loadRules(schema *event.Schema, version string) (err error) {
	if s.desk, err = openDesk(s.config, s.log); err != nil {
		return err
	}
	if s.rules, err = s.desk.Start(s.config.Rules.Path, version, schema, examplesHold, s.reloaded); err != nil {
		return err
	}
	s.desk.Attach(s.rules, s.change)
	s.metrics.inForce(s.rules.Current())
	s.metrics.registry.MustRegister(newChangeMetrics(s.desk))
	return nil
}

func openDesk(c *configs.Config, log *slog.Logger) (*ledger.Desk, error) {
	return ledger.Open(ledger.Options{Dir: ledger.DirOf(c.State.Dir, c.Group), Now: time.Now, Log: log})
}

// change puts what people changed in force, like swap.
func (s *server) change(ctx context.Context, to *rules.Changes) error {
	bound := s.config.DrainTimeout
	if !s.processor.Running() {
		bound = 0
	}
	// Whoever asked may have gone: it is kept, and it is waited for all the same.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), bound)
	defer cancel()
	return s.processor.Change(ctx, to)
}

// changeMetrics show what people changed to Prometheus.
type changeMetrics struct {
	desk                                    *ledger.Desk
	taken, unkept, held, revision, rollback *prometheus.Desc
}

func newChangeMetrics(d *ledger.Desk) *changeMetrics {
	return &changeMetrics{
		desk:     d,
		taken:    describe("changes_total", "Changes by people that were taken: add, leave_out, snooze, forget.", "do"),
		unkept:   describe("changes_unkept_total", "Changes by people that were refused because they could not be kept."),
		held:     describe("changes_held", "Changes by people that hold, or have ended lately: entry, snooze.", "kind"),
		revision: describe("changes_revision", "Number of the last change by people, over restarts."),
		rollback: describe("rules_pinned", "Whether an earlier rule set decides in place of the files: 1 or 0."),
	}
}

// Describe is prometheus.Collector's.
func (m *changeMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.taken, m.unkept, m.held, m.revision, m.rollback} {
		ch <- d
	}
}

// Collect is prometheus.Collector's.
func (m *changeMetrics) Collect(ch chan<- prometheus.Metric) {
	c := m.desk.Counts()
	for do, n := range c.Taken {
		counter(ch, m.taken, n, string(do))
	}
	counter(ch, m.unkept, c.Unkept)
	gauge(ch, m.held, float64(c.Entries), "entry")
	gauge(ch, m.held, float64(c.Snoozes), "snooze")
	gauge(ch, m.revision, float64(c.Revision))
	pinned := 0.0
	if c.Pinned {
		pinned = 1
	}
	gauge(ch, m.rollback, pinned)
}
