package rules

import (
	"fmt"

	"sluice/configs/strict"
)

// ruleFile is what a rule file may say.
type ruleFile struct {
	Policy *policyEntry `yaml:"policy"` // what a score amounts to; one file of the directory holds it
	Rules  []ruleEntry  `yaml:"rules"`
}

type policyEntry struct {
	Mark   strict.Mark `yaml:"-"`
	Review *int64      `yaml:"review"` // from this score on: 50 without it
	Deny   *int64      `yaml:"deny"`   // from this score on: 80 without it
}

// policy fills in what the file leaves to the default.
func (p *policyEntry) policy() Policy {
	policy := DefaultPolicy()
	if p != nil && p.Review != nil {
		policy.Review = *p.Review
	}
	if p != nil && p.Deny != nil {
		policy.Deny = *p.Deny
	}
	return policy
}

// Check looks over the thresholds.
func (p *policyEntry) Check(report func(key, message string)) {
	policy := p.policy()
	switch {
	case policy.Review < 1:
		report("review", "the threshold must be at least 1, or every transaction would be reviewed")
	case policy.Deny < 1:
		report("deny", "the threshold must be at least 1, or every transaction would be denied")
	case policy.Review > policy.Deny:
		report("review", fmt.Sprintf("review from %d on lies above deny from %d on; it must be at most that", policy.Review, policy.Deny))
	}
}

type ruleEntry struct {
	Mark        strict.Mark    `yaml:"-"`
	ID          strict.Text    `yaml:"id,required"`   // small letters, digits, - _ and . like card-testing; its name in verdicts and alerts
	Description string         `yaml:"description"`   // what it is after, for people
	When        strict.Text    `yaml:"when,required"` // the condition, such as count(card.last("10m"), .amount < 5) >= 4; write `|` and go on in the next line where it holds a # or a colon
	Verdict     Verdict        `yaml:"verdict"`       // what its firing demands; the most severe one wins, but allow beats all
	Score       int64          `yaml:"score"`         // added to the transaction's score when it fires
	Reason      upperSnake     `yaml:"reason"`        // what the gateway is told, like CARD_TESTING
	Mode        Mode           `yaml:"mode"`          // live without it; shadow: watched, without effect; off: checked, and not asked
	Alert       alertLevel     `yaml:"alert"`         // whom its firing is told: ticket in working hours, page at once
	Owner       string         `yaml:"owner"`         // the team that answers for it
	Expires     date           `yaml:"expires"`       // the day, UTC, from whose beginning on it is not asked any more
	Rollout     rolloutEntry   `yaml:"rollout"`       // 10%: live for this share of the entities, in shadow for the others; or {share: 10%, by: card}
	Breaker     breakerEntry   `yaml:"breaker"`       // {times: 10}, which is so without it: its owner is told when it fires 10 times as often as usual; with fall_to: shadow it has no effect meanwhile; or off
	Examples    []exampleEntry `yaml:"examples"`      // payments that must or must not fire it; all of them are tried before the rules are taken
}

// maxScore keeps the sum over all rules far from the end of int64.
const maxScore = 1_000_000

// Check looks over the values of a rule.
func (r *ruleEntry) Check(report func(key, message string)) {
	if problem := checkID(r.ID.Value); problem != "" {
		report("id", problem)
	}
	if r.Score > maxScore || r.Score < -maxScore {
		report("score", fmt.Sprintf("a score lies between -%d and %d", maxScore, maxScore))
	}
}

func (r *ruleEntry) rule(file string, rollout Rollout) Rule {
	rule := Rule{
		ID: r.ID.Value, Description: r.Description, When: r.When.Value,
		Verdict: r.Verdict, Score: r.Score, Reason: string(r.Reason), Mode: r.Mode,
		Alert: string(r.Alert), Owner: r.Owner, Expires: r.Expires.ns,
		Rollout: rollout, Breaker: r.Breaker.breaker(),
	}
	rule.Hash = contentHash(fmt.Appendf(nil, "%+v", rule))
	rule.File, rule.Line = file, r.Mark.Line
	return rule
}
