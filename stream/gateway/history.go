package gateway

import (
	"net/http"

	"sluice/scoring/event"
)

// setView is a rule set as GET /v1/rules/history shows it.
type setView struct {
	RuleSet string `json:"rule_set,omitempty"`
	Version string `json:"version,omitempty"`
	Fate    string `json:"fate"`
	Since   string `json:"since"`
	Until   string `json:"until,omitempty"`
	Author  string `json:"author,omitempty"`
	Why     string `json:"why,omitempty"`
	Kept    bool   `json:"kept"` // it can be rolled back to
}

// pinView says that a rule set decides in place of the files.
type pinView struct {
	RuleSet string `json:"rule_set"`
	Over    string `json:"over"`
	At      string `json:"at"`
	Author  string `json:"author"`
	Why     string `json:"why"`
}

func (g *gateway) history(w http.ResponseWriter, _ *http.Request) {
	out := struct {
		Pinned *pinView  `json:"pinned,omitempty"`
		Sets   []setView `json:"sets"`
	}{g.pinned(), []setView{}}
	for _, s := range g.Desk.Register.Sets() {
		out.Sets = append(out.Sets, setView{s.RuleSet, s.Version, string(s.Fate), moment(s.Since), moment(s.Until), event.Mask(s.Author), event.Mask(s.Why), s.Files != nil})
	}
	g.show(w, http.StatusOK, out)
}

func (g *gateway) pinned() *pinView {
	if g.Desk == nil {
		return nil
	}
	p := g.Desk.Register.Pinned()
	if p == nil {
		return nil
	}
	return &pinView{p.RuleSet, p.Over, moment(p.At), event.Mask(p.Author), event.Mask(p.Why)}
}

func (g *gateway) rollback(w http.ResponseWriter, r *http.Request) {
	a, p := g.read(w, r, "rule_set", "author", "why")
	if p != nil {
		p.write(w)
		return
	}
	if err := g.Desk.Rollback(a.RuleSet, a.Author, a.Why); err != nil {
		g.desk(err).write(w)
		return
	}
	g.rules(w, r)
}

func (g *gateway) release(w http.ResponseWriter, r *http.Request) {
	a, p := g.read(w, r, "author", "why")
	if p != nil {
		p.write(w)
		return
	}
	if err := g.Desk.Release(a.Author, a.Why); err != nil {
		g.desk(err).write(w)
		return
	}
	g.rules(w, r)
}
