package main

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"sluice/alerts"
	"sluice/rules"
	"sluice/scoring"
	"sluice/scoring/event"
	"sluice/scoring/example"
	"sluice/scoring/history"
	"sluice/stream"
)

// inspectTimeout bounds the wait for the engine's own numbers at a scrape.
const inspectTimeout = time.Second

// metrics is what Prometheus sees: read from the parts at every scrape, so that
// counting costs the way of a transaction nothing more.
type metrics struct {
	registry *prometheus.Registry
	reloads  *prometheus.CounterVec
	ruleSet  *prometheus.GaugeVec
	loaded   prometheus.Gauge
	examples *prometheus.GaugeVec
	requests *prometheus.HistogramVec
	inFlight prometheus.Gauge
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		reloads:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sluice_rule_reloads_total", Help: "Reloads of the rule files by outcome: taken, unchanged, refused."}, []string{"outcome"}),
		ruleSet:  prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "sluice_rule_set_info", Help: "1 for the rule set in force."}, []string{"hash"}),
		loaded:   prometheus.NewGauge(prometheus.GaugeOpts{Name: "sluice_rule_reload_last_success", Help: "Whether the last reload succeeded: 1 or 0."}),
		examples: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "sluice_rule_example_failed", Help: "1 for each example that kept the last rule files from being taken; at most 20."}, []string{"rule", "example"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{Name: "sluice_http_requests_in_flight", Help: "HTTP requests being answered."}),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "sluice_http_request_duration_seconds", Help: "Duration of HTTP requests by method and status.",
			Buckets: []float64{.0005, .001, .002, .005, .01, .02, .05, .1, .5, 1, 5},
		}, []string{"code", "method"}),
	}
	for _, outcome := range []string{"taken", "unchanged", "refused"} {
		m.reloads.WithLabelValues(outcome)
	}
	m.requests.WithLabelValues("200", "post")
	m.registry.MustRegister(m.reloads, m.ruleSet, m.loaded, m.examples, m.requests, m.inFlight,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// watch begins to read the parts.
func (m *metrics) watch(p *stream.Processor, schema *event.Schema, b *alerts.Book, d *alerts.Dispatcher) {
	m.registry.MustRegister(p.Collector(), newHistoryMetrics(p, schema), newAlertMetrics(b, d))
}

// inForce notes the rule set that decides.
func (m *metrics) inForce(set *rules.Set) {
	m.ruleSet.Reset()
	m.ruleSet.WithLabelValues(set.Hash).Set(1)
	m.loaded.Set(1)
}

// reloaded counts a reload.
func (m *metrics) reloaded(r rules.Reload) {
	outcome := "unchanged"
	m.inForce(r.Set)
	m.failed(r.Err)
	switch {
	case r.Err != nil:
		outcome = "refused"
		m.loaded.Set(0)
	case r.Changed:
		outcome = "taken"
	}
	m.reloads.WithLabelValues(outcome).Inc()
}

// maxExamplesShown bounds the series of failed examples.
const maxExamplesShown = 20

// failed names the examples that rule files were refused for.
func (m *metrics) failed(err error) {
	m.examples.Reset()
	var failures example.Failures
	if !errors.As(err, &failures) {
		return
	}
	for _, f := range failures[:min(len(failures), maxExamplesShown)] {
		m.examples.WithLabelValues(f.Rule, event.Mask(f.Example)).Set(1)
	}
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}

func (m *metrics) instrument(h http.Handler) http.Handler {
	return promhttp.InstrumentHandlerInFlight(m.inFlight, promhttp.InstrumentHandlerDuration(m.requests, h))
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("sluice_"+name, help, labels, nil)
}

func gauge(ch chan<- prometheus.Metric, d *prometheus.Desc, x float64, labels ...string) {
	ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, x, labels...)
}

func counter(ch chan<- prometheus.Metric, d *prometheus.Desc, n int64, labels ...string) {
	ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
}

// historyMetrics are about what the core remembers. A core that is too busy to
// be asked gives what it gave last.
type historyMetrics struct {
	processor                                                            *stream.Processor
	entities                                                             []string
	transactions, perEntity, references, labels, dropped, bytes, decided *prometheus.Desc
	chunksAway, referencesAway, chunksBack                               *prometheus.Desc

	mu   sync.Mutex
	last history.Stats
	ids  int
}

func newHistoryMetrics(p *stream.Processor, schema *event.Schema) *historyMetrics {
	h := &historyMetrics{
		processor:    p,
		transactions: describe("history_transactions", "Transactions that histories hold."),
		perEntity:    describe("history_entities", "Entities with a history, by kind.", "entity"),
		references:   describe("history_references", "Entries of all histories."),
		labels:       describe("history_waiting_labels", "Labels whose transaction has not come."),
		dropped:      describe("history_dropped_labels_total", "Labels that waited for their transaction and made room for others."),
		bytes:        describe("history_memory_bytes", "Memory of the histories."),
		decided:      describe("decided_ids", "Decided ids that are kept."),

		chunksAway:     describe("history_chunks_away", "Chunks of hot histories in memory whose events are on the disk alone."),
		referencesAway: describe("history_references_away", "Entries of hot histories in memory that are on the disk alone."),
		chunksBack:     describe("history_chunks_loaded_total", "Chunks of hot histories that came back to memory."),
	}
	for _, f := range schema.Entities {
		h.entities = append(h.entities, schema.Fields[f].Name)
	}
	return h
}

// Describe is prometheus.Collector's.
func (h *historyMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{h.transactions, h.perEntity, h.references, h.labels, h.dropped, h.bytes, h.decided, h.chunksAway, h.referencesAway, h.chunksBack} {
		ch <- d
	}
}

// Collect asks the engine, between two batches.
func (h *historyMetrics) Collect(ch chan<- prometheus.Metric) {
	st, ids := h.ask()
	gauge(ch, h.transactions, float64(st.Transactions))
	for i, name := range h.entities {
		n := 0.0
		if i < len(st.Entities) {
			n = float64(st.Entities[i])
		}
		gauge(ch, h.perEntity, n, name)
	}
	gauge(ch, h.references, float64(st.References))
	gauge(ch, h.labels, float64(st.WaitingLabels))
	counter(ch, h.dropped, st.DroppedLabels)
	gauge(ch, h.bytes, float64(st.Bytes))
	gauge(ch, h.decided, float64(ids))
	gauge(ch, h.chunksAway, float64(st.ChunksAway))
	gauge(ch, h.referencesAway, float64(st.EntriesAway))
	counter(ch, h.chunksBack, st.ChunksBack)
}

func (h *historyMetrics) ask() (history.Stats, int) {
	if h.processor.Running() {
		ctx, cancel := context.WithTimeout(context.Background(), inspectTimeout)
		defer cancel()
		_ = h.processor.Inspect(ctx, func(c *scoring.Core) {
			st, ids := c.Store().Stats(), c.IDs()
			h.mu.Lock() // it may run after all has been given up
			h.last, h.ids = st, ids
			h.mu.Unlock()
		})
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.last, h.ids
}

// alertMetrics are about incidents and channels.
type alertMetrics struct {
	book                    *alerts.Book
	dispatcher              *alerts.Dispatcher
	open, overflow, waiting *prometheus.Desc
}

func newAlertMetrics(b *alerts.Book, d *alerts.Dispatcher) *alertMetrics {
	return &alertMetrics{
		book: b, dispatcher: d,
		open:     describe("alerts_open", "Alerts that last."),
		overflow: describe("alerts_overflow_total", "Firings counted together per rule, as too many alerts were open."),
		waiting:  describe("alerts_waiting", "Alerts that a channel has not delivered.", "channel"),
	}
}

// Describe is prometheus.Collector's.
func (a *alertMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{a.open, a.overflow, a.waiting} {
		ch <- d
	}
}

// Collect is prometheus.Collector's.
func (a *alertMetrics) Collect(ch chan<- prometheus.Metric) {
	open, overflow := a.book.Open()
	gauge(ch, a.open, float64(open))
	counter(ch, a.overflow, overflow)
	for channel, n := range a.dispatcher.Waiting() {
		gauge(ch, a.waiting, float64(n), channel)
	}
}

// standing shows Prometheus which rules stand apart from the others: how many,
// and each by its id.
type standing struct {
	all, one *prometheus.Desc
	rules    func() []string
}

// Describe is prometheus.Collector's.
func (m *standing) Describe(ch chan<- *prometheus.Desc) { ch <- m.all; ch <- m.one }

// Collect is prometheus.Collector's.
func (m *standing) Collect(ch chan<- prometheus.Metric) {
	ids := m.rules()
	gauge(ch, m.all, float64(len(ids)))
	for _, id := range ids {
		gauge(ch, m.one, 1, id)
	}
}
