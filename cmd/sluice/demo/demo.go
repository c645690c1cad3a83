// Package demo is the world that `sluice demo` shows: a seeded generator of
// payments with attacks among them, a board that keeps the score of what Sluice
// said of them, and the picture of that board in a terminal or in plain lines.
//
// It knows nothing of brokers and engines. Whoever runs the demo takes messages
// from a Generator, tells the Board of each with Sent, hands it to Sluice, and
// tells the Board what came back with Observe, Alert and DeadLetter.
package demo

import "time"

// Kind says what a Message is.
type Kind uint8

// The kinds of messages.
const (
	Payment   Kind = iota + 1 // for the transactions topic
	Label                     // for the labels topic: a payment turned out to be fraud
	Malformed                 // for the transactions topic, to end as a dead letter
)

// Message is one thing that the simulated world sends.
type Message struct {
	Kind Kind
	Key  []byte // partition key: the account, else the card
	JSON []byte // in the default event schema; belongs to the receiver

	ID      string    // of the payment; "" for Malformed
	Time    time.Time // when the payment happened, or the label became known
	Arrival time.Time // simulated now; never goes back. The record's timestamp

	// Warmup is set for what happened before the live part starts: it makes
	// the histories and is sent as fast as it goes.
	Warmup bool
	// Repeat is set if the same bytes were sent before.
	Repeat bool

	// Attack is "" for a good payment. AttackID numbers the instances.
	Attack   Attack
	AttackID int

	// What the picture shows of a payment.
	Amount, Currency, Account, Card, Device, IP, Merchant string
}

// Attack is a kind of attack.
type Attack string

// The kinds of attacks.
const (
	CardTesting Attack = "card testing"
	Takeover    Attack = "account takeover"
	BadMerchant Attack = "merchant gone bad"
	OneIP       Attack = "one IP, many cards"
	MuleAccount Attack = "mule account"
	noAttack    Attack = ""
	attackKinds        = 5
)

// Attacks gives all kinds, in the order in which tables list them.
func Attacks() [attackKinds]Attack {
	return [...]Attack{CardTesting, Takeover, BadMerchant, OneIP, MuleAccount}
}

// Verdict is what Sluice said of one payment.
type Verdict struct {
	ID      string
	Verdict string // "allow", "review" or "deny"
	Score   int64
	Rules   []string
	Reasons []string
	Latency time.Duration // from sending to verdict
}

// Alert is one message to people, or an update of it.
type Alert struct {
	Level  string // "ticket" or "page"
	Rule   string
	Entity string // "card", "merchant"…; "" if nothing is shared
	Value  string
	Count  int64 // payments so far
}
