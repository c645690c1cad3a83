package stream

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"sluice/rules"
)

// collector turns a processor's counts into metrics when they are asked for.
type collector struct {
	p *Processor

	decisions, hits, letters, repeats, conflicts, late, future, skipped, failed *prometheus.Desc
	labels, early, busy, remembered, latency                                    *prometheus.Desc
	lag, lagSeconds, queued, requests, caughtUp, progress                       *prometheus.Desc
	journal                                                                     journalDescs
}

// Collector gives the processor's metrics, for a registry of the caller's.
func (p *Processor) Collector() prometheus.Collector {
	d := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("sluice_"+name, help, labels, nil)
	}
	return &collector{
		p:          p,
		decisions:  d("decisions_total", "Transactions decided.", "verdict"),
		hits:       d("rule_hits_total", "Times that a rule fired.", "rule", "mode"),
		letters:    d("dead_letters_total", "Records that could not be decided.", "code"),
		repeats:    d("repeats_total", "Ids that came again with the same body."),
		conflicts:  d("conflicts_total", "Ids that came again with another body."),
		late:       d("late_total", "Transactions older than the histories reach."),
		future:     d("future_total", "Transactions whose time lay too far ahead."),
		skipped:    d("rules_skipped_total", "Rules that could not be decided because something was missing."),
		failed:     d("rules_failed_total", "Rules that failed."),
		labels:     d("labels_total", "Labels read."),
		early:      d("labels_early_total", "Labels whose transaction had not come yet."),
		busy:       d("requests_refused_total", "Requests turned away because too many were waiting."),
		remembered: d("remembered_total", "Transactions read back without being decided."),
		latency:    d("decision_latency_seconds", "From arrival to the acknowledged verdict."),
		lag:        d("consumer_lag_records", "Records that are there and not decided.", "topic", "partition"),
		lagSeconds: d("consumer_lag_seconds", "Age of the last record decided, while there is a lag.", "topic", "partition"),
		queued:     d("verdicts_queued_bytes", "Verdicts not acknowledged yet."),
		requests:   d("requests_waiting", "Requests waiting to be decided."),
		caughtUp:   d("caught_up", "1 once partitions are assigned and decided up to a bound."),
		progress:   d("recovery_progress_ratio", "How much of the histories has been read back."),
		journal:    newJournalDescs(d),
	}
}

// Describe is prometheus.Collector's: all that Collect may give.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		c.decisions, c.hits, c.letters, c.repeats, c.conflicts, c.late, c.future, c.skipped, c.failed,
		c.labels, c.early, c.busy, c.remembered, c.latency, c.lag, c.lagSeconds, c.queued, c.requests, c.caughtUp, c.progress,
	} {
		out <- d
	}
	c.journal.describe(out)
}

// Collect is prometheus.Collector's.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	n := c.p.Counts()
	send := func(d *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, kind, v, labels...)
	}
	count := func(d *prometheus.Desc, v int64, labels ...string) {
		send(d, prometheus.CounterValue, float64(v), labels...)
	}
	for _, v := range []rules.Verdict{rules.Allow, rules.Review, rules.Deny} {
		count(c.decisions, n.Verdicts[v], v.String())
	}
	for h, v := range n.RuleHits {
		count(c.hits, v, h.Rule, h.Mode.String())
	}
	for code, v := range n.DeadLetters {
		count(c.letters, v, string(code))
	}
	count(c.repeats, n.Repeats)
	count(c.conflicts, n.Conflicts)
	count(c.late, n.Late)
	count(c.future, n.Future)
	count(c.skipped, n.Skipped)
	count(c.failed, n.Failed)
	count(c.labels, n.Labels)
	count(c.early, n.EarlyLabels)
	count(c.busy, n.Busy)
	count(c.remembered, n.Remembered)
	c.histogram(out, n)
	c.state(send)
	c.journal.collect(c.p, send)
}

func (c *collector) histogram(out chan<- prometheus.Metric, n Counts) {
	buckets := map[float64]uint64{}
	for i, bound := range LatencyBounds() {
		buckets[bound] = n.Latency[i]
	}
	out <- prometheus.MustNewConstHistogram(c.latency, n.Latency[len(n.Latency)-1], n.LatencySum, buckets)
}

func (c *collector) state(send func(*prometheus.Desc, prometheus.ValueType, float64, ...string)) {
	s := c.p.State()
	for _, p := range s.Partitions {
		labels := []string{p.Topic, strconv.Itoa(int(p.Partition))}
		send(c.lag, prometheus.GaugeValue, float64(p.Lag), labels...)
		send(c.lagSeconds, prometheus.GaugeValue, p.LagSeconds, labels...)
	}
	send(c.queued, prometheus.GaugeValue, float64(s.Queued))
	send(c.requests, prometheus.GaugeValue, float64(s.Requests))
	up := 0.0
	if s.CaughtUp {
		up = 1
	}
	send(c.caughtUp, prometheus.GaugeValue, up)
	send(c.progress, prometheus.GaugeValue, s.Progress)
}
