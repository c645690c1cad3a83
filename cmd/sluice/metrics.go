package main

import (
	"context"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"sluice/alerts"
	"sluice/rules"
	"sluice/scoring"
	"sluice/scoring/event"
	"sluice/scoring/history"
	"sluice/stream"
)

// inspectTimeout bounds the wait for the engine's own numbers at a scrape.
const inspectTimeout = 2 * time.Second

// metrics is what Prometheus sees: read from the parts at every scrape, so that
// counting costs the way of a transaction nothing more.
type metrics struct {
	registry *prometheus.Registry
	schema   *event.Schema
	reloads  *prometheus.CounterVec
	ruleSet  *prometheus.GaugeVec
	loaded   prometheus.Gauge
	requests *prometheus.HistogramVec
	inFlight prometheus.Gauge
	watched  atomic.Pointer[watched]
}

// watched are the parts that are read at a scrape.
type watched struct {
	processor  *stream.Processor
	book       *alerts.Book
	dispatcher *alerts.Dispatcher
}

func newMetrics(schema *event.Schema) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(), schema: schema,
		reloads:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sluice_rule_reloads_total", Help: "Reloads of the rule files by outcome: taken, unchanged, refused."}, []string{"outcome"}),
		ruleSet:  prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "sluice_rule_set_info", Help: "1 for the rule set in force."}, []string{"hash"}),
		loaded:   prometheus.NewGauge(prometheus.GaugeOpts{Name: "sluice_rule_reload_last_success", Help: "Whether the last reload succeeded: 1 or 0."}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{Name: "sluice_http_requests_in_flight", Help: "HTTP requests being answered."}),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "sluice_http_request_duration_seconds", Help: "Duration of HTTP requests by method and status.",
			Buckets: []float64{.0005, .001, .002, .005, .01, .02, .05, .1, .5, 1, 5},
		}, []string{"code", "method"}),
	}
	for _, outcome := range []string{"taken", "unchanged", "refused"} {
		m.reloads.WithLabelValues(outcome)
	}
	m.registry.MustRegister(m.reloads, m.ruleSet, m.loaded, m.requests, m.inFlight, m,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// watch begins to read the parts.
func (m *metrics) watch(p *stream.Processor, b *alerts.Book, d *alerts.Dispatcher) {
	m.watched.Store(&watched{p, b, d})
}

// reloaded counts a reload.
func (m *metrics) reloaded(r rules.Reload) {
	outcome := "unchanged"
	m.loaded.Set(1)
	switch {
	case r.Err != nil:
		outcome = "refused"
		m.loaded.Set(0)
	case r.Changed:
		outcome = "taken"
	}
	m.reloads.WithLabelValues(outcome).Inc()
	m.ruleSet.Reset()
	m.ruleSet.WithLabelValues(r.Set.Hash).Set(1)
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}

func (m *metrics) instrument(h http.Handler) http.Handler {
	return promhttp.InstrumentHandlerInFlight(m.inFlight, promhttp.InstrumentHandlerDuration(m.requests, h))
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

// descriptions of what is read at a scrape.
type descriptions struct {
	decisions, hits, letters, latency, events, lagRecords, lagSeconds, ready,
	transactions, entities, references, labels, bytes, ids, queued, open, overflow, waiting *prometheus.Desc
}

func described() descriptions {
	return descriptions{
		decisions:    describe("sluice_decisions_total", "Transactions decided, by verdict.", "verdict"),
		hits:         describe("sluice_rule_hits_total", "Transactions for which a rule fired, by rule and mode.", "rule", "mode"),
		letters:      describe("sluice_dead_letters_total", "Records that are not valid transactions, by code.", "code"),
		latency:      describe("sluice_decision_latency_seconds", "From a transaction's arrival to its acknowledged verdict."),
		events:       describe("sluice_events_total", "What happened besides decisions: repeat, conflict, remembered, late, future_time, rule_skipped, rule_failed, label, early_label, request_refused.", "event"),
		lagRecords:   describe("sluice_consumer_lag_records", "Records of an input partition that are not decided yet.", "topic", "partition"),
		lagSeconds:   describe("sluice_consumer_lag_seconds", "Age of the last decided record of an input partition, while there are more.", "topic", "partition"),
		ready:        describe("sluice_ready", "Whether partitions are assigned and caught up: 1 or 0."),
		transactions: describe("sluice_history_transactions", "Transactions held by histories."),
		entities:     describe("sluice_history_entities", "Entities with a history, by kind.", "entity"),
		references:   describe("sluice_history_references", "Entries of all histories."),
		labels:       describe("sluice_history_waiting_labels", "Labels whose transaction has not come."),
		bytes:        describe("sluice_history_memory_bytes", "Memory of the histories."),
		ids:          describe("sluice_decided_ids", "Decided ids that are kept."),
		queued:       describe("sluice_unacknowledged_bytes", "Verdicts that Kafka has not acknowledged."),
		open:         describe("sluice_alerts_open", "Alerts that last."),
		overflow:     describe("sluice_alerts_overflow_total", "Firings counted together per rule, as too many alerts were open."),
		waiting:      describe("sluice_alerts_waiting", "Alerts that a channel has not delivered.", "channel"),
	}
}

// Describe describes nothing: what is collected depends on the rules in force.
func (m *metrics) Describe(chan<- *prometheus.Desc) {}

// Collect reads the parts.
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	w := m.watched.Load()
	if w == nil {
		return
	}
	d := described()
	counter := func(desc *prometheus.Desc, n int64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(n), labels...)
	}
	gauge := func(desc *prometheus.Desc, x float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, x, labels...)
	}
	m.counts(w.processor.Counts(), d, ch, counter)
	state(w.processor.State(), d, gauge)
	m.histories(w.processor, d, gauge)
	open, overflow := w.book.Open()
	gauge(d.open, float64(open))
	counter(d.overflow, overflow)
	for channel, n := range w.dispatcher.Waiting() {
		gauge(d.waiting, float64(n), channel)
	}
}

func (m *metrics) counts(c stream.Counts, d descriptions, ch chan<- prometheus.Metric, counter func(*prometheus.Desc, int64, ...string)) {
	for v, n := range c.Verdicts {
		counter(d.decisions, n, v.String())
	}
	for h, n := range c.RuleHits {
		counter(d.hits, n, h.Rule, h.Mode.String())
	}
	for code, n := range c.DeadLetters {
		counter(d.letters, n, string(code))
	}
	for event, n := range map[string]int64{
		"repeat": c.Repeats, "conflict": c.Conflicts, "remembered": c.Remembered, "late": c.Late, "future_time": c.Future,
		"rule_skipped": c.Skipped, "rule_failed": c.Failed, "label": c.Labels, "early_label": c.EarlyLabels, "request_refused": c.Busy,
	} {
		counter(d.events, n, event)
	}
	buckets := map[float64]uint64{}
	for i, bound := range stream.LatencyBounds() {
		buckets[bound] = c.Latency[i]
	}
	ch <- prometheus.MustNewConstHistogram(d.latency, c.Latency[len(c.Latency)-1], c.LatencySum, buckets)
}

func state(s stream.State, d descriptions, gauge func(*prometheus.Desc, float64, ...string)) {
	for _, p := range s.Partitions {
		partition := strconv.Itoa(int(p.Partition))
		gauge(d.lagRecords, float64(p.Lag), p.Topic, partition)
		gauge(d.lagSeconds, p.LagSeconds, p.Topic, partition)
	}
	ready := 0.0
	if s.CaughtUp {
		ready = 1
	}
	gauge(d.ready, ready)
	gauge(d.queued, float64(s.Queued))
}

// histories asks the engine, between two batches.
func (m *metrics) histories(p *stream.Processor, d descriptions, gauge func(*prometheus.Desc, float64, ...string)) {
	ctx, cancel := context.WithTimeout(context.Background(), inspectTimeout)
	defer cancel()
	var (
		st  history.Stats
		ids int
	)
	if p.Inspect(ctx, func(c *scoring.Core) { st, ids = c.Store().Stats(), c.IDs() }) != nil {
		return // the engine is busy or stopped; the other numbers stand
	}
	gauge(d.transactions, float64(st.Transactions))
	for i, n := range st.Entities {
		gauge(d.entities, float64(n), m.schema.Fields[m.schema.Entities[i]].Name)
	}
	gauge(d.references, float64(st.References))
	gauge(d.labels, float64(st.WaitingLabels))
	gauge(d.bytes, float64(st.Bytes))
	gauge(d.ids, float64(ids))
}
