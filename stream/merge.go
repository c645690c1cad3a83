package stream

import (
	"bytes"
	"time"
)

// mergeKey is where a record stands in the merge: by time, at the same time
// labels first, then by id as the schema types it.
type mergeKey struct {
	time int64  // min(event time, arrival), ns; of a label, its own time in place of the event's
	num  int64  // id, where ids are integers
	text []byte // id, where ids are text
}

// less says whether a goes before b.
func (a *mergeKey) less(aLabel bool, b *mergeKey, bLabel bool) bool {
	switch {
	case a.time != b.time:
		return a.time < b.time
	case aLabel != bLabel:
		return aLabel
	case a.num != b.num:
		return a.num < b.num
	}
	return bytes.Compare(a.text, b.text) < 0
}

// queue is one partition's place in the merge: what was decoded and not yet
// taken, and what is known to lie in the topic behind it.
type queue struct {
	label  bool
	order  int // among the queues: settles full ties, so that runs are alike
	blocks []block
	at     int   // next item of blocks[0]
	next   int64 // offset behind everything that was put here
	end    int64 // records below it exist, or did

	hollow bool // empty although more is known to exist
	since  int64
}

// block is a run of decoded records of one partition.
type block struct {
	keys []mergeKey
	next int64 // offset behind its last record
	ref  *chunk
}

func (q *queue) empty() bool { return len(q.blocks) == 0 }

func (q *queue) head() *mergeKey { return &q.blocks[0].keys[q.at] }

// merge orders what several partitions hold. It waits for a partition only
// while more is known to lie there than it has been given, and only so long:
// one that is idle delays nobody, and neither does one that is stuck.
type merge struct {
	patience int64 // ns
	queues   []*queue
	heap     []*queue // those that hold something, the smallest head first
	hollow   int
	// loose: heads are taken from the queues in any order, and no heap is kept.
	loose bool
}

// add brings a partition in, whose records below next are done and whose
// records below end are known to exist.
func (m *merge) add(q *queue, next, end, now int64) {
	q.next, q.end, q.order = next, end, len(m.queues)
	m.queues = append(m.queues, q)
	m.review(q, now)
}

// know notes that the records of a partition below end exist.
func (m *merge) know(q *queue, end, now int64) {
	if end > q.end {
		q.end = end
		m.review(q, now)
	}
}

// put adds decoded records. A block without any only moves the partition on.
func (m *merge) put(q *queue, b block, now int64) {
	q.next = b.next
	if len(b.keys) > 0 {
		q.blocks = append(q.blocks, b)
		if len(q.blocks) == 1 {
			q.at = 0
		}
		if len(q.blocks) == 1 && !m.loose {
			m.heap = append(m.heap, q)
			m.up(len(m.heap) - 1)
		}
	}
	m.review(q, now)
}

// review keeps count of the partitions that are being waited for.
func (m *merge) review(q *queue, now int64) {
	hollow := q.empty() && q.next < q.end
	if hollow == q.hollow {
		return
	}
	q.hollow = hollow
	if hollow {
		m.hollow++
		q.since = now
	} else {
		m.hollow--
	}
}

// peek gives the partition whose head is next, or nil and for how long to wait
// at most for another one (0: nothing is there).
func (m *merge) peek(now int64) (*queue, time.Duration) {
	if len(m.heap) == 0 {
		return nil, 0
	}
	if m.hollow > 0 {
		if wait := m.wait(now); wait > 0 {
			return nil, time.Duration(wait)
		}
	}
	return m.heap[0], 0
}

// wait gives the time left until the merge stops waiting.
func (m *merge) wait(now int64) (left int64) {
	for _, q := range m.queues {
		if q.hollow {
			left = max(left, q.since+m.patience-now)
		}
	}
	return left
}

// pop takes the head of the partition that peek gave: item i of chunk c; last
// says that it was the chunk's last.
func (m *merge) pop(now int64) (c *chunk, i int, last bool) {
	q := m.heap[0]
	c, i, last = q.take()
	if q.empty() {
		m.heap[0] = m.heap[len(m.heap)-1]
		m.heap = m.heap[:len(m.heap)-1]
		m.review(q, now)
	}
	m.down(0)
	return c, i, last
}

// take removes the head, whatever the other partitions hold.
func (q *queue) take() (c *chunk, i int, last bool) {
	b := &q.blocks[0]
	c, i = b.ref, q.at
	q.at++
	if q.at < len(b.keys) {
		return c, i, false
	}
	q.at = 0
	q.blocks = append(q.blocks[:0], q.blocks[1:]...)
	return c, i, true
}

// order ends the looseness.
func (m *merge) order(now int64) {
	m.loose = false
	m.heap = m.heap[:0]
	for _, q := range m.queues {
		if !q.empty() {
			m.heap = append(m.heap, q)
			m.up(len(m.heap) - 1)
		}
		m.review(q, now)
	}
}

func (m *merge) before(i, j int) bool {
	a, b := m.heap[i], m.heap[j]
	x, y := a.head(), b.head()
	if x.less(a.label, y, b.label) {
		return true
	}
	return a.order < b.order && !y.less(b.label, x, a.label)
}

func (m *merge) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !m.before(i, parent) {
			return
		}
		m.heap[i], m.heap[parent] = m.heap[parent], m.heap[i]
		i = parent
	}
}

func (m *merge) down(i int) {
	for {
		child := 2*i + 1
		if child >= len(m.heap) {
			return
		}
		if child+1 < len(m.heap) && m.before(child+1, child) {
			child++
		}
		if !m.before(child, i) {
			return
		}
		m.heap[i], m.heap[child] = m.heap[child], m.heap[i]
		i = child
	}
}
