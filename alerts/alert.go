// Package alerts turns verdicts into alerts for people: one per rule and
// entity while it lasts, with a running count, never one per transaction.
package alerts

import (
	"context"
	"time"
)

// Status is where an alert stands.
type Status string

// The statuses, in the order that a channel sees them.
const (
	Firing   Status = "firing"
	Resolved Status = "resolved" // quiet for as long as NewBook was told
)

// Alert is the state of an incident: what one rule sees of one entity.
// Values of entities are masked, and those of secret fields left out.
type Alert struct {
	ID          string    `json:"id"` // the same for all messages of an incident
	Status      Status    `json:"status"`
	Severity    string    `json:"severity"` // ticket or page
	Rule        string    `json:"rule"`
	Mode        string    `json:"mode"`
	Description string    `json:"description,omitempty"`
	Reason      string    `json:"reason,omitempty"`
	Owner       string    `json:"owner,omitempty"`
	Entity      string    `json:"entity,omitempty"` // name of the entity that the transactions share: card, merchant
	Value       string    `json:"value,omitempty"`
	Count       int64     `json:"count"` // transactions so far
	Amount      string    `json:"amount,omitempty"`
	First       time.Time `json:"first"` // arrivals
	Last        time.Time `json:"last"`
	Examples    []string  `json:"examples"` // ids of the first transactions
	RuleSet     string    `json:"rule_set"`
}

// Channel is a way to people or to another program.
type Channel interface {
	// Name names the channel in logs and metrics.
	Name() string
	// Send delivers the state of an alert; it is called again, later and with
	// the state of then, where it fails.
	Send(ctx context.Context, a Alert) error
}
