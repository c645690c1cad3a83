package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"sluice/configs/strict"
	"sluice/rules"
	"sluice/scoring/event"
)

// ruleView is a rule as GET /v1/rules shows it.
type ruleView struct {
	ID          string `json:"id"`
	Description string `json:"description,omitempty"`
	When        string `json:"when"`
	Verdict     string `json:"verdict,omitempty"`
	Score       int64  `json:"score,omitempty"`
	Reason      string `json:"reason,omitempty"`
	Mode        string `json:"mode"`
	Alert       string `json:"alert,omitempty"`
	Owner       string `json:"owner,omitempty"`
	Expires     string `json:"expires,omitempty"`
	Rollout     string `json:"rollout,omitempty"` // the share that it is live for, like "10% by card"
	File        string `json:"file"`
	Line        int    `json:"line"`
	Quarantined string `json:"quarantined,omitempty"` // why it is not asked any more

	Breaker     string `json:"breaker"`                // when it opens, "off" if there is none
	BreakerOpen string `json:"breaker_open,omitempty"` // why it is open
}

// refusalView is a set of files that was not taken, as GET /v1/rules shows it.
type refusalView struct {
	RuleSet string   `json:"rule_set,omitempty"`
	Faults  []string `json:"faults"`
}

// maxRefused bounds the faults that are shown of a refused set.
const maxRefused = 50

type policyView struct {
	Review int64 `json:"review"`
	Deny   int64 `json:"deny"`
}

// rules shows the rule set in force.
func (g *gateway) rules(w http.ResponseWriter, _ *http.Request) {
	set := g.Rules()
	out := struct {
		RuleSet string       `json:"rule_set"`
		Changes int64        `json:"changes,omitempty"`        // the last change that lies over it
		Pinned  *pinView     `json:"pinned,omitempty"`         // it decides in place of the files
		Idle    []string     `json:"without_effect,omitempty"` // what people changed and no rule asks
		Policy  policyView   `json:"policy"`
		Refused *refusalView `json:"refused,omitempty"` // what was tried last, if it was not taken
		Rules   []ruleView   `json:"rules"`
	}{set.Hash, g.changes(), g.pinned(), g.idle(set), policyView(set.Policy), g.refusal(), []ruleView{}}
	for _, list := range [][]rules.Rule{set.Rules, set.Off} {
		for i := range list {
			v := view(&list[i])
			v.Quarantined, v.BreakerOpen = g.held(&list[i]), g.open(&list[i])
			out.Rules = append(out.Rules, v)
		}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // so that people can read the conditions
	if err := enc.Encode(out); err != nil {
		g.fail(w, err)
		return
	}
	send(w, b.Bytes())
}

// changes gives the number of the last change by people, 0: there never was one.
func (g *gateway) changes() int64 {
	if g.Desk == nil {
		return 0
	}
	return g.Desk.Changes().Revision
}

// idle tells what people changed and has no effect under a set.
func (g *gateway) idle(set *rules.Set) []string {
	if g.Desk == nil {
		return nil
	}
	return g.Desk.Idle(set)
}

// refusal says why the files that are there now were not taken, nil if they were.
func (g *gateway) refusal() *refusalView {
	if g.Refused == nil {
		return nil
	}
	r := g.Refused()
	if r == nil {
		return nil
	}
	v := &refusalView{RuleSet: r.RuleSet}
	var faults strict.Faults
	if !errors.As(r.Err, &faults) {
		v.Faults = []string{event.Mask(r.Err.Error())}
		return v
	}
	for _, f := range faults[:min(len(faults), maxRefused)] {
		f.Source = ""
		v.Faults = append(v.Faults, event.Mask(f.Error()))
	}
	return v
}

// held says why a rule is in quarantine, "" if it is not.
func (g *gateway) held(r *rules.Rule) string {
	if g.Held == nil {
		return ""
	}
	for _, h := range g.Held() {
		if h.Rule == r.ID && h.Hash == r.Hash {
			return h.Why
		}
	}
	return ""
}

// open says why a rule's breaker is open, "" if it is not.
func (g *gateway) open(r *rules.Rule) string {
	if g.Open == nil {
		return ""
	}
	for _, t := range g.Open() {
		if t.Rule.ID == r.ID && t.Rule.Hash == r.Hash {
			return t.Why
		}
	}
	return ""
}

func view(r *rules.Rule) ruleView {
	v := ruleView{
		ID: r.ID, Description: r.Description, When: r.When, Verdict: r.Verdict.String(), Score: r.Score, Reason: r.Reason,
		Mode: r.Mode.String(), Alert: r.Alert, Owner: r.Owner, Rollout: r.Rollout.String(), Breaker: r.Breaker.String(), File: r.File, Line: r.Line,
	}
	if r.Expires != 0 {
		v.Expires = time.Unix(0, r.Expires).UTC().Format(time.DateOnly)
	}
	return v
}
