package stream

import "github.com/prometheus/client_golang/prometheus"

// journalDescs are the metrics of the journal. There are none without one.
type journalDescs struct {
	disk, unwritten, written, cuts, took, loaded, waiting, rows, writable *prometheus.Desc
}

func newJournalDescs(d func(name, help string, labels ...string) *prometheus.Desc) journalDescs {
	return journalDescs{
		disk:      d("journal_disk_bytes", "What the journal takes on the disk."),
		unwritten: d("journal_unwritten_bytes", "What is decided and not in the journal yet."),
		written:   d("journal_written_bytes_total", "What the cuts have written, before compression."),
		cuts:      d("journal_cuts_total", "Cuts made durable."),
		took:      d("journal_last_cut_seconds", "How long the last cut took."),
		loaded:    d("history_loads_total", "Histories and ids looked up in the journal because they were not in memory."),
		waiting:   d("journal_waiting_labels", "Transactions that labels in the journal wait for."),
		rows:      d("journal_transactions", "Transactions in the histories on the disk, once for each entity."),
		writable:  d("journal_writable", "1 while the journal can be written."),
	}
}

func (j *journalDescs) describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{j.disk, j.unwritten, j.written, j.cuts, j.took, j.loaded, j.waiting, j.rows, j.writable} {
		out <- d
	}
}

func (j *journalDescs) collect(p *Processor, send func(*prometheus.Desc, prometheus.ValueType, float64, ...string)) {
	keeping := p.keeping.Load()
	if keeping == nil {
		return
	}
	s := keeping.journal.Stats()
	send(j.disk, prometheus.GaugeValue, float64(s.Disk))
	send(j.unwritten, prometheus.GaugeValue, float64(keeping.unwritten.Load()))
	send(j.written, prometheus.CounterValue, float64(s.Written))
	send(j.cuts, prometheus.CounterValue, float64(s.Cuts))
	send(j.took, prometheus.GaugeValue, s.LastTook.Seconds())
	send(j.loaded, prometheus.CounterValue, float64(p.counts.loads.Load()))
	send(j.waiting, prometheus.GaugeValue, float64(s.Waiting))
	send(j.rows, prometheus.GaugeValue, float64(s.Rows))
	up := 1.0
	if p.halted.Load() {
		up = 0
	}
	send(j.writable, prometheus.GaugeValue, up)
}
