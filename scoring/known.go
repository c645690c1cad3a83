package scoring

import (
	"sluice/rules"
	"sluice/scoring/event"
	"sluice/scoring/history"
)

// Restore files an id that an earlier run decided, read back from the verdicts topic.
func (c *Core) Restore(id event.Key, e Earlier) {
	if old := c.ids.get(id); old != nil {
		e.Body = old.Body
		*old = e
		c.store.SetVerdict(id, e.Verdict.String())
		return
	}
	c.ids.put(id, e)
	c.ids.bound()
}

// StoredBodies says how a journal hashes bodies, in every run the same: needed
// where ids are recalled with one.
func (c *Core) StoredBodies(hash func(*event.Transaction) event.Key) { c.stored = hash }

// Recall files an id that the journal holds. What is known of it stands: of one
// that was read back from the verdicts topic that lacks the body.
func (c *Core) Recall(id event.Key, e Earlier) {
	switch known := c.ids.get(id); {
	case known == nil:
		c.ids.put(id, e)
		c.ids.bound()
	case known.Body == event.Key{}:
		known.Body, known.Stored = e.Body, e.Stored
	}
}

// Placed files where the verdict of an id was appended.
func (c *Core) Placed(id event.Key, partition int32, offset int64) {
	if e := c.ids.get(id); e != nil {
		e.Partition, e.Offset = partition, offset
	}
}

// Known gives what is known of a decided id. While it is known, the transaction
// with that id is not decided again, and its histories need not be resident: it is
// only remembered, if at all. What is known between two batches is known all
// through the next.
func (c *Core) Known(id event.Key) (e Earlier, ok bool) {
	if p := c.ids.get(id); p != nil {
		return *p, true
	}
	return Earlier{}, false
}

func verdictOf(row history.Past) rules.Verdict {
	switch row.Value(event.Column{Field: -1, Form: event.Verdict}).Text {
	case "allow":
		return rules.Allow
	case "review":
		return rules.Review
	case "deny":
		return rules.Deny
	}
	return rules.NoVerdict
}
