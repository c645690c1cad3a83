package tally

import "time"

// Report is what a tally comes to. It is made to be shown as it is, also as JSON:
// times in RFC 3339, money as decimal numbers by currency, shares from 0 to 1 and
// null where there is nothing to divide by.
type Report struct {
	From         time.Time `json:"from"` // time of the oldest transaction
	To           time.Time `json:"to"`   // and of the newest
	Transactions int64     `json:"transactions"`
	Unit         string    `json:"unit"`             // what transactions were read from: lines, records
	Invalid      int64     `json:"invalid"`          // of these were no valid transactions
	Repeats      int64     `json:"repeats"`          // of an id, with the same content
	Conflicts    int64     `json:"conflicts"`        // of an id, with other content
	LeftOut      int64     `json:"changes_left_out"` // changes by people that were in force meanwhile: lists and snoozes are the files' here

	Labelled   int64  `json:"labelled"`
	NoLabels   string `json:"no_labels,omitempty"` // why no transaction has one, where labels are expected
	Fraud      int64  `json:"fraud"`
	FraudMoney Money  `json:"fraud_money"`
	Young      *Young `json:"young"`     // nil: all is settled
	GoodCost   string `json:"good_cost"` // of a good payment that is hit, in its currency

	Rules   *Set   `json:"rules"`
	Against *Set   `json:"against"` // nil: one set alone
	Flips   []Flip `json:"flips"`   // directions in which verdicts flipped, those that hit more first
	// Gain is the net money of the positives less that of the other set's.
	Gain Money `json:"gain"`
	Days []Day `json:"days"`
}

// Young says which transactions are too young for their fraud to be known.
type Young struct {
	Lag          string    `json:"lag"`
	Since        time.Time `json:"since"`
	Transactions int64     `json:"transactions"`
}

// Hits counts transactions, and what is known of them.
type Hits struct {
	Hits       int64 `json:"hits"`
	Fraud      int64 `json:"fraud"`
	Good       int64 `json:"good"`
	Unknown    int64 `json:"unknown"` // without a label
	Money      Money `json:"money"`
	FraudMoney Money `json:"fraud_money"`
	GoodMoney  Money `json:"good_money"`
}

// Worth is what hits were worth, young ones left out.
type Worth struct {
	Young   int64 `json:"young"` // hits that are left out
	Fraud   int64 `json:"fraud"`
	Good    int64 `json:"good"`
	Stopped Money `json:"stopped"` // money of the fraud
	Cost    Money `json:"cost"`    // of the good ones
	Net     Money `json:"net"`     // stopped less cost
}

// Rates are precision and recall, over all that is known.
type Rates struct {
	Precision *float64 `json:"precision"`
	Recall    *float64 `json:"recall"`
}

// Set is what one rule set did.
type Set struct {
	Hash     string           `json:"rule_set"`
	Review   int64            `json:"review_from"` // thresholds of the score
	Deny     int64            `json:"deny_from"`
	Verdicts map[string]*Hits `json:"verdicts"`
	Positive Positive         `json:"positive"` // review and deny together
	List     []Rule           `json:"list"`
	Scores   []Score          `json:"scores"` // ascending
}

// Positive is what the verdicts other than allow come to.
type Positive struct {
	Hits
	Rates
	Worth Worth `json:"worth"`
}

// Rule is what one rule did.
type Rule struct {
	ID          string `json:"id"`
	Description string `json:"description,omitempty"`
	Owner       string `json:"owner,omitempty"`
	Mode        string `json:"mode"`
	Verdict     string `json:"verdict,omitempty"`
	Score       int64  `json:"score"`
	// Change tells the rule from the one of its id in the other set: new, changed,
	// same, or removed where it is only in the set compared with.
	Change string `json:"change,omitempty"`

	Hits
	Rates
	Skipped int64 `json:"skipped"` // transactions that it could not be decided for
	Demoted int64 `json:"demoted"` // hits of a live rule that were kept from acting, as by its rollout
	// Alone are the hits that no other live rule fired for.
	Alone Hits `json:"alone"`
	// Overlap names the rules that fired together with it, the most frequent first;
	// nil where there are too many rules to count that.
	Overlap []Overlap `json:"overlap"`
	// Worth is nil for a rule that allows: it stops nothing.
	Worth *Worth `json:"worth"`
}

// Overlap counts the transactions that another rule fired for as well.
type Overlap struct {
	Rule string `json:"rule"`
	Hits int64  `json:"hits"`
}

// Flip counts the transactions whose verdict is another one than before.
type Flip struct {
	From string `json:"from"` // by the set that is compared with
	To   string `json:"to"`
	Hits
	Examples []string `json:"examples"` // ids of the first few
}

// share gives a ratio, nil where there is nothing to divide by.
func share(n, of int64) *float64 {
	if of == 0 {
		return nil
	}
	x := float64(n) / float64(of)
	return &x
}

// Plus adds two counts up.
func (h Hits) Plus(o Hits) Hits {
	return Hits{
		Hits: h.Hits + o.Hits, Fraud: h.Fraud + o.Fraud, Good: h.Good + o.Good, Unknown: h.Unknown + o.Unknown,
		Money: plus(h.Money, o.Money), FraudMoney: plus(h.FraudMoney, o.FraudMoney), GoodMoney: plus(h.GoodMoney, o.GoodMoney),
	}
}
