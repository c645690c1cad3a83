package alerts

import (
	"context"
	"encoding/json"
)

// Topic appends alerts to a topic, keyed by the alert's id.
type Topic struct {
	// Append appends a record and returns once it is acknowledged.
	Append func(ctx context.Context, key, value []byte) error
}

// Name is "topic".
func (Topic) Name() string { return "topic" }

// Send appends an alert as JSON.
func (t Topic) Send(ctx context.Context, a Alert) error {
	value, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return t.Append(ctx, []byte(a.ID), value)
}
