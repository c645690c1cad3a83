package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"sluice/rules"
	"sluice/scoring/event"
	"sluice/stream/ledger"
)

// What people change while it runs: entries of lists, snoozes of rules, and which
// of the last rule sets decides.

// people gives the routes of a path; none if it is not one of theirs.
func (g *gateway) people(path string) []route {
	if g.Desk == nil {
		return nil
	}
	switch path {
	case "/v1/lists":
		return []route{{http.MethodGet, g.lists}}
	case "/v1/rules/history":
		return []route{{http.MethodGet, g.history}}
	case "/v1/rules/rollback":
		return []route{{http.MethodPost, g.rollback}}
	case "/v1/rules/release":
		return []route{{http.MethodPost, g.release}}
	}
	if list, rest, ok := below(path, "/v1/lists/", "/entries"); ok {
		if value, one := strings.CutPrefix(rest, "/"); one && value != "" {
			return []route{{http.MethodDelete, func(w http.ResponseWriter, r *http.Request) { g.removeEntry(w, r, list, value) }}}
		}
		if rest == "" {
			return []route{
				{http.MethodGet, func(w http.ResponseWriter, _ *http.Request) { g.entries(w, list) }},
				{http.MethodPost, func(w http.ResponseWriter, r *http.Request) { g.addEntry(w, r, list) }},
			}
		}
	}
	if rule, rest, ok := below(path, "/v1/rules/", "/snoozes"); ok {
		entity, value, one := strings.Cut(strings.TrimPrefix(rest, "/"), "/")
		if one && value != "" {
			return []route{{http.MethodDelete, func(w http.ResponseWriter, r *http.Request) { g.wake(w, r, rule, entity, value) }}}
		}
		if rest == "" {
			return []route{
				{http.MethodGet, func(w http.ResponseWriter, _ *http.Request) { g.snoozes(w, rule) }},
				{http.MethodPost, func(w http.ResponseWriter, r *http.Request) { g.snooze(w, r, rule) }},
			}
		}
	}
	return nil
}

// below takes /before/NAME/behind… apart.
func below(path, before, behind string) (name, rest string, ok bool) {
	path, ok = strings.CutPrefix(path, before)
	if !ok {
		return "", "", false
	}
	name, rest, ok = strings.Cut(path, "/")
	if !ok || name == "" {
		return "", "", false
	}
	rest, ok = strings.CutPrefix("/"+rest, behind)
	return name, rest, ok && (rest == "" || rest[0] == '/')
}

// changeView is a change as it is shown.
type changeView struct {
	Revision int64  `json:"revision"`
	Do       string `json:"do"`
	List     string `json:"list,omitempty"`
	Rule     string `json:"rule,omitempty"`
	Entity   string `json:"entity,omitempty"`
	Value    string `json:"value"`
	Until    string `json:"until,omitempty"`
	At       string `json:"at"`
	Author   string `json:"author"`
	Why      string `json:"why"`
	Warning  string `json:"warning,omitempty"` // why it may not be what was meant
}

func (g *gateway) showChange(c *ledger.Change) changeView {
	return changeView{
		Revision: c.Revision, Do: string(c.Do), List: c.List, Rule: c.Rule, Entity: c.Entity, Value: g.Desk.Shown(c),
		Until: moment(c.Until), At: moment(c.At), Author: event.Mask(c.Author), Why: event.Mask(c.Why),
	}
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// changed answers a request for a change.
func (g *gateway) changed(w http.ResponseWriter, status int, c ledger.Change, err error) {
	if err != nil {
		g.desk(err).write(w)
		return
	}
	v := g.showChange(&c)
	v.Warning = g.Desk.Doubt(&c)
	g.show(w, status, v)
}

// show answers with JSON that people can read.
func (g *gateway) show(w http.ResponseWriter, status int, v any) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		g.fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the client is gone if this fails
}

// desk explains an error of the desk's.
func (g *gateway) desk(err error) Problem {
	var f *ledger.Fault
	switch {
	case errors.As(err, &f):
		p := Problem{Title: "Not changed", Status: http.StatusUnprocessableEntity, Code: f.Code, Field: f.Field, Detail: f.Detail}
		switch f.Code {
		case "no_such_list", "no_such_rule", "no_such_entry", "no_such_snooze":
			p.Title, p.Status = "Not found", http.StatusNotFound
		case "already_active", "not_pinned":
			p.Status = http.StatusConflict
		}
		return p
	case errors.Is(err, ledger.ErrNoSet):
		return Problem{Title: "No such rule set", Status: http.StatusNotFound, Code: "no_such_set", Field: "rule_set", Detail: "the files of this rule set are not kept; `sluice rules history` (GET /v1/rules/history) lists the sets that are"}
	case errors.Is(err, ledger.ErrFull):
		return Problem{Title: "Too many changes", Status: http.StatusInsufficientStorage, Code: "too_many_changes", Detail: err.Error()}
	case errors.Is(err, ledger.ErrUnwritten):
		return Problem{Title: "The change could not be kept", Status: http.StatusServiceUnavailable, Code: "state_unwritten", Detail: "nothing was changed, as it would be lost at the next start: " + err.Error()}
	}
	g.Log.Error("a change failed", "error", event.Mask(err.Error()))
	return Problem{Title: "Not changed", Status: http.StatusUnprocessableEntity, Code: "bad_rules", Detail: event.Mask(err.Error())}
}

func (g *gateway) addEntry(w http.ResponseWriter, r *http.Request, list string) {
	a, p := g.read(w, r, "value", "ttl", "until", "author", "why")
	g.change(w, http.StatusCreated, a, p, func(req ledger.Request) (ledger.Change, error) {
		return g.Desk.AddEntry(r.Context(), list, req)
	})
}

func (g *gateway) removeEntry(w http.ResponseWriter, r *http.Request, list, value string) {
	a, p := g.query(r, "ttl", "until", "author", "why")
	a.Value = value
	g.change(w, http.StatusOK, a, p, func(req ledger.Request) (ledger.Change, error) {
		return g.Desk.RemoveEntry(r.Context(), list, req)
	})
}

func (g *gateway) snooze(w http.ResponseWriter, r *http.Request, rule string) {
	a, p := g.read(w, r, "entity", "value", "for", "until", "author", "why")
	g.change(w, http.StatusCreated, a, p, func(req ledger.Request) (ledger.Change, error) {
		return g.Desk.Snooze(r.Context(), rule, req)
	})
}

func (g *gateway) wake(w http.ResponseWriter, r *http.Request, rule, entity, value string) {
	a, p := g.query(r, "author", "why")
	a.Entity, a.Value = entity, value
	g.change(w, http.StatusOK, a, p, func(req ledger.Request) (ledger.Change, error) {
		return g.Desk.Wake(r.Context(), rule, req)
	})
}

// change makes the change that was asked for, unless p is wrong with it.
func (g *gateway) change(w http.ResponseWriter, status int, a asked, p *Problem, do func(ledger.Request) (ledger.Change, error)) {
	var req ledger.Request
	if p == nil {
		req, p = a.request()
	}
	if p != nil {
		p.write(w)
		return
	}
	c, err := do(req)
	g.changed(w, status, c, err)
}

// listView is a list as GET /v1/lists shows it.
type listView struct {
	Name    string `json:"name"`
	Kind    string `json:"kind"`    // texts, networks, or empty; gone: its file is
	Filed   int    `json:"filed"`   // entries of its file
	Changed int    `json:"changed"` // entries changed since
}

func (g *gateway) lists(w http.ResponseWriter, _ *http.Request) {
	lists := g.Rules().Lists
	revision, all := g.Desk.Held()
	changed := map[string][]ledger.Change{}
	for _, name := range lists.Names() {
		changed[name] = nil
	}
	for _, c := range all {
		if c.Do != ledger.Snooze {
			changed[c.List] = append(changed[c.List], c)
		}
	}
	out := struct {
		Revision int64      `json:"revision"`
		Lists    []listView `json:"lists"`
	}{revision, []listView{}}
	for _, name := range slices.Sorted(maps.Keys(changed)) {
		out.Lists = append(out.Lists, viewList(lists, name, changed[name]))
	}
	g.show(w, http.StatusOK, out)
}

// viewList shows a list. One whose file holds nothing holds what was added.
func viewList(lists *rules.Lists, name string, changed []ledger.Change) listView {
	v := listView{name, lists.Kind(name).String(), lists.Size(name), len(changed)}
	if !lists.Has(name) {
		v.Kind = "gone"
		return v
	}
	for _, c := range changed {
		switch {
		case lists.Kind(name) != rules.OfAnything || c.Do != ledger.Add:
		case !rules.IsNetwork(c.Value):
			v.Kind = rules.OfTexts.String()
			return v
		default:
			v.Kind = rules.OfNetworks.String()
		}
	}
	return v
}

func (g *gateway) entries(w http.ResponseWriter, list string) {
	lists := g.Rules().Lists
	revision, all := g.Desk.Held()
	changed, entries := []ledger.Change{}, []changeView{}
	for i := range all {
		if all[i].Do != ledger.Snooze && all[i].List == list {
			changed, entries = append(changed, all[i]), append(entries, g.showChange(&all[i]))
		}
	}
	if len(changed) == 0 && !lists.Has(list) {
		g.desk(ledger.NoList(lists, list)).write(w)
		return
	}
	g.show(w, http.StatusOK, struct {
		listView
		Revision int64        `json:"revision"`
		Entries  []changeView `json:"entries"`
	}{viewList(lists, list, changed), revision, entries})
}

func (g *gateway) snoozes(w http.ResponseWriter, rule string) {
	_, all := g.Desk.Held()
	out := struct {
		Rule    string       `json:"rule"`
		Snoozes []changeView `json:"snoozes"`
	}{rule, []changeView{}}
	for i := range all {
		if all[i].Do == ledger.Snooze && all[i].Rule == rule {
			out.Snoozes = append(out.Snoozes, g.showChange(&all[i]))
		}
	}
	if len(out.Snoozes) == 0 && !has(g.Rules(), rule) {
		g.desk(ledger.NoRule(rule)).write(w)
		return
	}
	g.show(w, http.StatusOK, out)
}

func has(set *rules.Set, id string) bool {
	for _, list := range [][]rules.Rule{set.Rules, set.Off} {
		for i := range list {
			if list[i].ID == id {
				return true
			}
		}
	}
	return false
}
