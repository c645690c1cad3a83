package ledger

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"sluice/rules"
	"sluice/scoring/event"
)

const deskSchema = `
key: card
fields:
  id:       {type: string}
  time:     {type: timestamp}
  card:     {type: string, entity: true}
  ip:       {type: string}
  merchant: {type: string}
  address:  {type: ip}
  country:  {type: country}
`

const deskRules = `rules:
  - {id: bad, when: tx.merchant in lists.shops or tx.ip in lists.nets or tx.merchant in lists.empty, verdict: deny}
`

// place is a rule directory and a directory of state, and a desk over them.
type place struct {
	*Desk
	dir    string
	now    time.Time
	set    *rules.Changes // in force
	failed error
	disk   Disk
	label  string    // of --version-label
	told   io.Writer // nil: the log goes nowhere
}

func newPlace(t *testing.T) *place {
	t.Helper()
	p := &place{dir: t.TempDir(), now: at(0), label: "v0"}
	p.write(t, "rules/a.yaml", deskRules)
	p.write(t, "rules/lists/shops.txt", "shop-1\nshop-2 until 2027-01-31\n")
	p.write(t, "rules/lists/nets.txt", "10.0.0.0/8\n")
	p.write(t, "rules/lists/empty.txt", "# nothing yet\n")
	p.open(t)
	return p
}

func (p *place) write(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(p.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// open starts the desk, as a process does.
func (p *place) open(t *testing.T) {
	t.Helper()
	schema, err := event.ParseSchema("schema.yaml", []byte(deskSchema), nil)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	if p.told != nil {
		log = slog.New(slog.NewTextHandler(p.told, nil))
	}
	p.Desk, err = Open(Options{Dir: filepath.Join(p.dir, "state"), Disk: p.disk, Now: func() time.Time { return p.now }, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	reloader, err := p.Start(filepath.Join(p.dir, "rules"), p.label, schema, nil, func(r rules.Reload) { p.Note(r) })
	if err != nil {
		t.Fatal(err)
	}
	p.set = p.Changes()
	p.Attach(reloader, func(_ context.Context, to *rules.Changes) error { p.set = to; return p.failed })
}

// restart is a new process after the end of the old one.
func (p *place) restart(t *testing.T) {
	t.Helper()
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	p.open(t)
}

// holds asks a list for what arrives so many hours into the test.
func (p *place) holds(list, value string, hours int) bool {
	lists := p.rules.Current().Lists
	lists.Lay(p.set.Lists)
	return lists.Contains(list, value, at(hours).UnixNano())
}

func TestChangesHoldAndEnd(t *testing.T) {
	p := newPlace(t)
	for _, c := range []struct {
		list, value string
		request     Request
	}{
		{"shops", "shop-9", Request{For: 2 * time.Hour}},
		{"nets", "192.0.2.77/24", Request{Until: "2026-11-23T02:00:00Z"}},
		{"empty", "198.51.100.7", Request{For: 2 * time.Hour}},
	} {
		c.request.Value, c.request.Author, c.request.Why = c.value, "ana", "a case"
		if _, err := p.AddEntry(t.Context(), c.list, c.request); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.RemoveEntry(t.Context(), "shops", Request{Value: "shop-1", For: 3 * time.Hour, Author: "bo", Why: "cleared"}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for _, c := range []struct {
			list, value string
			hours       int
			want        bool
		}{
			{"shops", "shop-9", 1, true},
			{"shops", "shop-9", 2, false},
			{"shops", "shop-1", 2, false},
			{"shops", "shop-1", 3, true},
			{"nets", "192.0.2.1", 1, true},
			{"nets", "192.0.2.1", 2, false},
			{"nets", "10.1.1.1", 1, true},
			{"empty", "198.51.100.7", 1, true},
			{"empty", "198.51.100.8", 1, false},
		} {
			if got := p.holds(c.list, c.value, c.hours); got != c.want {
				t.Errorf("%s holds %s at %d h: %v", c.list, c.value, c.hours, got)
			}
		}
		if p.set.Revision != 4 {
			t.Errorf("revision %d", p.set.Revision)
		}
		p.restart(t)
	}
	// What was added is taken back, also where it is written otherwise.
	if c, err := p.RemoveEntry(t.Context(), "nets", Request{Value: "192.0.2.0/24", Author: "ana", Why: "enough"}); err != nil || c.Do != Forget || c.Revision != 5 {
		t.Error(c, err)
	}
	if p.holds("nets", "192.0.2.1", 1) {
		t.Error("it is still there")
	}
}

func TestFaultsOfRequests(t *testing.T) {
	p := newPlace(t)
	good := Request{Value: "shop-9", For: time.Hour, Author: "ana", Why: "a case"}
	with := func(change func(*Request)) Request { r := good; change(&r); return r }
	for _, c := range []struct {
		list        string
		r           Request
		code, field string
	}{
		{"shop", good, "no_such_list", ""},
		{"shops", with(func(r *Request) { r.Value = "" }), "missing_field", "value"},
		{"shops", with(func(r *Request) { r.Value = " x" }), "bad_value", "value"},
		{"shops", with(func(r *Request) { r.Value = "a\nb" }), "bad_value", "value"},
		{"shops", with(func(r *Request) { r.Value = "a\xff" }), "bad_value", "value"},
		{"shops", with(func(r *Request) { r.Value = strings.Repeat("x", 1025) }), "too_long", "value"},
		{"shops", with(func(r *Request) { r.Author = " " }), "missing_field", "author"},
		{"shops", with(func(r *Request) { r.Why = "" }), "missing_field", "why"},
		{"shops", with(func(r *Request) { r.Why = strings.Repeat("x", 501) }), "too_long", "why"},
		{"shops", with(func(r *Request) { r.For = 0 }), "no_end", "until"},
		{"shops", with(func(r *Request) { r.Until = "2026-12-01" }), "bad_value", "until"},
		{"shops", with(func(r *Request) { r.For, r.Until = 0, "tomorrow" }), "bad_value", "until"},
		{"shops", with(func(r *Request) { r.For, r.Until = 0, "2026-11-23" }), "out_of_range", "until"},
		{"shops", with(func(r *Request) { r.For = 401 * 24 * time.Hour }), "out_of_range", "until"},
		{"shops", with(func(r *Request) { r.Value = "10.0.0.0/8" }), "wrong_kind", "value"},
		{"nets", good, "wrong_kind", "value"},
	} {
		_, err := p.AddEntry(t.Context(), c.list, c.r)
		wantFault(t, err, c.code, c.field)
	}
	why := Request{Author: "ana", Why: "a case"}
	for _, c := range []struct{ list, value, code string }{
		{"shops", "shop-7", "no_such_entry"}, {"shops", "shop-1", "no_end"}, {"nets", "10.0.0.1", "no_such_entry"}, {"other", "x", "no_such_list"},
	} {
		r := why
		r.Value = c.value
		_, err := p.RemoveEntry(t.Context(), c.list, r)
		wantFault(t, err, c.code, map[string]string{"no_such_entry": "value", "no_end": "until"}[c.code])
	}
	_, err := p.Snooze(t.Context(), "none", good)
	wantFault(t, err, "no_such_rule", "")
	_, err = p.Snooze(t.Context(), "bad", good)
	wantFault(t, err, "missing_field", "entity")
	_, err = p.Snooze(t.Context(), "bad", with(func(r *Request) { r.Entity = "merchant" }))
	wantFault(t, err, "bad_value", "entity")
	_, err = p.Wake(t.Context(), "bad", with(func(r *Request) { r.Entity = "card" }))
	wantFault(t, err, "no_such_snooze", "")
	if p.set.Revision != 0 {
		t.Error("a fault changed something")
	}
}

// TestValuesThatNoRuleFinds: a value is judged by what rules look up in a list,
// also while its file is empty.
func TestValuesThatNoRuleFinds(t *testing.T) {
	p := newPlace(t)
	p.write(t, "rules/a.yaml", `rules:
  - {id: a, when: tx.address in lists.nets or tx.address in lists.origins, verdict: deny}
  - {id: b, when: tx.country in lists.places, verdict: deny}
  - {id: c, when: tx.address in lists.mixed or tx.card in lists.mixed, verdict: deny}
  - {id: d, when: tx.card in lists.unasked, verdict: deny, mode: off}
`)
	for _, name := range []string{"origins", "places", "mixed", "unasked"} {
		p.write(t, "rules/lists/"+name+".txt", "")
	}
	if err := p.rules.Reload(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ list, value, says string }{
		{"origins", "10.0.0.0/33", "this is not a network: write an address, a slash and a number of bits"},
		{"origins", "hello", "rules look up in origins what the field `address` holds, an address: write one like 192.0.2.7"},
		{"origins", "10.0.0.7", ""},
		{"origins", "10.0.0.0/8", ""},
		{"nets", "hello", "nets is a list of networks"},
		{"places", "de", `the two capital letters of a country, as DE; did you mean "DE"?`},
		{"places", "Germany", "the two capital letters of a country, as DE"},
		{"places", "DE, FR", "the two capital letters of a country, as DE"},
		{"places", "DE", ""},
		{"mixed", "10.0.0.0/33", "this is not a network"},
		{"mixed", "hello", ""},
		{"unasked", "hello", ""},
	} {
		_, err := p.AddEntry(t.Context(), c.list, Request{Value: c.value, For: time.Hour, Author: "a", Why: "b"})
		if c.says == "" {
			if err != nil {
				t.Errorf("%s does not take %s: %v", c.list, c.value, err)
			}
			continue
		}
		wantFault(t, err, "wrong_kind", "value")
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s, %s: %v", c.list, c.value, err)
		}
	}
	for _, c := range []struct{ list, value, says string }{
		{"shops", "shop-1", "no rule that is not off asks lists.shops"},
		{"unasked", "c-1", "no rule that is not off asks lists.unasked: this has no effect until one does"},
		{"mixed", "c-3, c-4", `"c-3, c-4" is one value`},
		{"mixed", `"c-3"`, "the quotes are a part of the value"},
		{"mixed", "c-3 unti 2027-01-31", "an end stands behind the word `until`"},
		{"mixed", "c-3", ""},
	} {
		if got := p.Doubt(&Change{Do: Add, List: c.list, Value: c.value}); !strings.Contains(got, c.says) || c.says == "" && got != "" {
			t.Errorf("%s, %s: %q", c.list, c.value, got)
		}
	}
}

// TestVersionAfterARestart: the set that decided before is named as the new start
// says; one that says nothing leaves it its name.
func TestVersionAfterARestart(t *testing.T) {
	p := newPlace(t)
	for _, c := range []struct{ label, want string }{{"v1", "v1"}, {"", "v1"}, {"v9", "v9"}} {
		p.label = c.label
		for range 2 {
			p.restart(t)
			if s := p.Register.Sets(); len(s) != 1 || s[0].Version != c.want || s[0].Fate != Active {
				t.Errorf("%q: %+v", c.label, s)
			}
		}
	}
	p.write(t, "rules/VERSION", "v10\n")
	p.restart(t)
	if s := p.Register.Sets(); len(s) != 1 || s[0].Version != "v10" {
		t.Errorf("%+v", s)
	}
}

// TestSecretsAreNotShown: what people write of a secret field is kept, and works,
// and is in no log; nor is it shown.
func TestSecretsAreNotShown(t *testing.T) {
	p := newPlace(t)
	schema, err := event.ParseSchema("schema.yaml", []byte(deskSchema+"  pin: {type: string, secret: true, entity: true}\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	p.write(t, "rules/a.yaml", deskRules+`  - {id: pins, when: tx.pin in lists.pins, verdict: deny}
  - {id: off, when: tx.pin in lists.old, verdict: deny, mode: "off"}
`)
	p.write(t, "rules/lists/pins.txt", "0000\n")
	p.write(t, "rules/lists/old.txt", "1111\n")
	set, err := rules.Load(p.dir+"/rules", schema)
	if err != nil {
		t.Fatal(err)
	}
	*p.rules.Current() = *set
	var told strings.Builder
	p.o.Log = slog.New(slog.NewTextHandler(&told, nil))
	request := Request{Value: "7351", For: time.Hour, Author: "ana", Why: "a case"}
	for do, f := range map[string]func() (Change, error){
		"pins": func() (Change, error) { return p.AddEntry(t.Context(), "pins", request) },
		"old":  func() (Change, error) { return p.AddEntry(t.Context(), "old", request) },
		"snooze": func() (Change, error) {
			r := request
			r.Entity = "pin"
			return p.Snooze(t.Context(), "bad", r)
		},
	} {
		c, err := f()
		if err != nil {
			t.Fatal(err)
		}
		if shown := p.Shown(&c); shown != "***" {
			t.Errorf("%s shows %s", do, shown)
		}
	}
	if log := told.String(); strings.Contains(log, "7351") || strings.Count(log, "value=***") != 3 {
		t.Error(log)
	}
	if !p.holds("pins", "7351", 0) {
		t.Error("the value is not in the list")
	}
	c, err := p.AddEntry(t.Context(), "shops", request)
	if err != nil || p.Shown(&c) != "7351" {
		t.Errorf("an open value is shown as %s: %v", p.Shown(&c), err)
	}
}

// TestIdleChanges: a rule set under which a change has no effect is told of.
func TestIdleChanges(t *testing.T) {
	p := newPlace(t)
	before := p.rules.Current().Hash
	p.write(t, "rules/a.yaml", deskRules+"  - {id: new, when: tx.card in lists.cards, verdict: deny}\n")
	p.write(t, "rules/lists/cards.txt", "")
	if err := p.rules.Reload(); err != nil {
		t.Fatal(err)
	}
	in := Request{Value: "c-1", For: time.Hour, Author: "a", Why: "b"}
	for range 2 {
		if _, err := p.AddEntry(t.Context(), "cards", in); err != nil {
			t.Fatal(err)
		}
		in.Value, in.For = "c-2", 3*time.Hour
	}
	if _, err := p.AddEntry(t.Context(), "shops", in); err != nil {
		t.Fatal(err)
	}
	in.Entity = "card"
	if _, err := p.Snooze(t.Context(), "new", in); err != nil {
		t.Fatal(err)
	}
	if idle := p.Idle(p.rules.Current()); len(idle) != 0 {
		t.Error(idle)
	}
	var told strings.Builder
	p.told = &told
	p.restart(t)
	if told.Len() > 0 {
		t.Error(told.String())
	}
	if err := p.Rollback(before, "bo", "why"); err != nil {
		t.Fatal(err)
	}
	const want = "changes of the list cards, which no rule of it asks: 2; snoozes of new, which is no rule of it: 1"
	if got := strings.Join(p.Idle(p.rules.Current()), "; "); got != want {
		t.Error(got)
	}
	if !strings.Contains(told.String(), "level=WARN") || !strings.Contains(told.String(), want) {
		t.Error(told.String())
	}
	told.Reset()
	p.restart(t)
	if !strings.Contains(told.String(), want) {
		t.Errorf("the start does not tell: %s", told.String())
	}
	p.now = at(2)
	if got := p.Idle(p.rules.Current()); len(got) != 2 || !strings.HasSuffix(got[0], "asks: 1") {
		t.Error("what has ended is told: ", got)
	}
}

func wantFault(t *testing.T, err error, code, field string) {
	t.Helper()
	var f *Fault
	if !errors.As(err, &f) || f.Code != code || f.Field != field || f.Detail == "" {
		t.Errorf("%v is not %s of %q", err, code, field)
	}
}

// TestTornEnd cuts off the last change that was kept: the start says what is lost.
func TestTornEnd(t *testing.T) {
	p := newPlace(t)
	for _, value := range []string{"shop-8", "shop-9"} {
		if _, err := p.AddEntry(t.Context(), "shops", Request{Value: value, For: time.Hour, Author: "a", Why: "b"}); err != nil {
			t.Fatal(err)
		}
	}
	name := filepath.Join(p.dir, "state", "changes")
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	p.write(t, "state/changes", string(whole[:len(whole)-10]))
	var told strings.Builder
	p.told = &told
	p.restart(t)
	last := strings.LastIndexByte(string(whole[:len(whole)-1]), '\n') + 1
	for _, want := range []string{
		"level=WARN", "a change is lost that was told to be done", "file=" + name,
		fmt.Sprintf("byte=%d dropped_bytes=%d change=2", last, len(whole)-10-last),
	} {
		if !strings.Contains(told.String(), want) {
			t.Errorf("%q is not in\n%s", want, told.String())
		}
	}
	if !p.holds("shops", "shop-8", 0) || p.holds("shops", "shop-9", 0) {
		t.Error("another change is lost")
	}
	c, err := p.AddEntry(t.Context(), "shops", Request{Value: "shop-7", For: time.Hour, Author: "a", Why: "b"})
	if err != nil || c.Revision != 3 {
		t.Error(c, err)
	}
	told.Reset()
	p.restart(t)
	if told.Len() > 0 {
		t.Error(told.String())
	}
}

// TestUnwritableState takes nothing that would be lost, and goes on deciding.
func TestUnwritableState(t *testing.T) {
	p := newPlace(t)
	if _, err := p.AddEntry(t.Context(), "shops", Request{Value: "y", For: time.Hour, Author: "a", Why: "b"}); err != nil {
		t.Fatal(err)
	}
	p.disk = readOnly{}
	p.restart(t)
	_, err := p.AddEntry(t.Context(), "shops", Request{Value: "z", For: time.Hour, Author: "a", Why: "b"})
	if !errors.Is(err, ErrUnwritten) || !errors.Is(err, syscall.EROFS) || p.set.Revision != 1 || !p.holds("shops", "y", 0) || p.holds("shops", "z", 0) {
		t.Error(err)
	}
	if c := p.Counts(); c.Unkept != 1 || c.Taken[Add] != 0 || c.Entries != 1 {
		t.Errorf("%+v", c)
	}
	first := p.rules.Current().Hash
	p.write(t, "rules/a.yaml", "rules: []")
	if err := p.rules.Reload(); err != nil {
		t.Error(err)
	}
	if sets := p.Register.Sets(); len(sets) != 2 || sets[0].Fate != Active || sets[0].Files != nil || sets[1].RuleSet != first {
		t.Errorf("%+v", sets)
	}
	if err := p.Rollback(first, "a", "b"); !errors.Is(err, ErrUnwritten) || p.rules.Current().Hash == first || p.Register.Pinned() != nil {
		t.Error(err)
	}
}

// readOnly is a disk that takes nothing.
type readOnly struct{ OS }

func (readOnly) MkdirAll(string) error       { return syscall.EROFS }
func (readOnly) Create(string) (File, error) { return nil, syscall.EROFS }
func (readOnly) Append(string) (File, error) { return nil, syscall.EROFS }
func (readOnly) Rename(string, string) error { return syscall.EROFS }
func (readOnly) Remove(string) error         { return syscall.EROFS }

func TestTwoProcesses(t *testing.T) {
	p := newPlace(t)
	if _, err := Open(p.o); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Error(err)
	}
}

func TestRollback(t *testing.T) {
	p := newPlace(t)
	ids := func() string {
		var out []string
		for _, r := range p.rules.Current().Rules {
			out = append(out, r.ID)
		}
		return strings.Join(out, " ")
	}
	fates := func() string {
		var out []string
		for _, s := range p.Register.Sets() {
			out = append(out, s.Version+":"+string(s.Fate))
		}
		return strings.Join(out, " ")
	}
	reload := func(version, text string) {
		t.Helper()
		p.write(t, "rules/VERSION", version+"\nmore\n")
		p.write(t, "rules/a.yaml", text)
		p.now = p.now.Add(time.Hour)
		_ = p.rules.Reload()
	}
	first := p.rules.Current().Hash
	reload("v1", "rules: [{id: one, when: 'true'}]")
	reload("v2", "rules: [{id: two, when: 'tru'}]")
	reload("v2", "rules: [{id: two, when: 'tru'}]")
	if got := fates(); got != "v2:refused v1:active v0:replaced" || ids() != "one" {
		t.Errorf("%s; %s", got, ids())
	}
	if err := p.Rollback(first, "bo", "v1 hits everybody"); err != nil {
		t.Fatal(err)
	}
	want := "v0:active v2:refused v1:rolled_back v0:replaced"
	for range 2 { // which survives a restart,
		if s := p.Register.Sets()[0]; fates() != want || ids() != "bad" || s.Author != "bo" || s.Why != "v1 hits everybody" {
			t.Errorf("%s; %s; %+v", fates(), ids(), s)
		}
		_ = p.rules.Reload() // and files that are as they were
		if ids() != "bad" || p.rules.Current().Lists.Size("shops") != 2 {
			t.Errorf("after a reload: %s", ids())
		}
		p.write(t, "rules/a.yaml", "rules: [{id: one, when: 'true'}]")
		p.write(t, "rules/a.yaml", "rules: [{id: two, when: 'tru'}]")
		p.restart(t)
	}
	wantFault(t, p.Rollback(first, "bo", "again"), "already_active", "rule_set")
	if err := p.Rollback("0123456789abcdef", "bo", "why"); !errors.Is(err, ErrNoSet) {
		t.Error(err)
	}
	wantFault(t, p.Release("bo", "try"), "bad_rules", "")
	if ids() != "bad" || p.Register.Pinned() == nil {
		t.Error("bad files were released")
	}
	// Files that change take over.
	reload("v3", "rules: [{id: three, when: 'true'}]")
	if ids() != "three" || p.Register.Pinned() != nil {
		t.Errorf("%s; %+v", ids(), p.Register.Pinned())
	}
	if err := p.Rollback(first, "bo", "v3 too"); err != nil {
		t.Fatal(err)
	}
	if err := p.Release("ana", "mended"); err != nil || ids() != "three" || p.Register.Pinned() != nil {
		t.Error(err, ids())
	}
	wantFault(t, p.Release("ana", "again"), "not_pinned", "")
	p.restart(t)
	if ids() != "three" || !strings.HasPrefix(fates(), "v3:active v0:replaced v3:rolled_back") {
		t.Error(ids(), fates())
	}
	// Many bad saves push no good set out, and files of old sets go.
	for i := range 30 {
		reload("bad", strings.Repeat(" ", i)+"x")
	}
	for i := range 30 {
		reload("good", "rules: []"+strings.Repeat("\n", i))
	}
	n := 0
	for _, s := range p.Register.Sets() {
		if s.Fate != Refused {
			n++
		}
	}
	kept, err := os.ReadDir(filepath.Join(p.dir, "state", "files"))
	if err != nil || n != keptSets || len(p.Register.Sets()) != 2*keptSets || len(kept) != keptSets+3 {
		t.Errorf("%d of %d sets decided, %d files, %v", n, len(p.Register.Sets()), len(kept), err)
	}
	if err := p.Rollback(p.Register.Sets()[keptSets-1].RuleSet, "bo", "old"); err != nil {
		t.Error(err)
	}
}

// TestRegisterOperationsFail lets each operation of the disk fail in turn: what
// was kept before is whole.
func TestRegisterOperationsFail(t *testing.T) {
	for fail := 1; ; fail++ {
		m := newMemory()
		m.torn = true
		r, err := OpenRegister(m, "dir")
		if err != nil {
			t.Fatal(err)
		}
		files := func(s string) []rules.File { return []rules.File{{Name: "a.yaml", Data: []byte(s)}} }
		if err := r.Took(Set{RuleSet: "a"}, files("a")); err != nil {
			t.Fatal(err)
		}
		m.left = fail
		failed := r.Took(Set{RuleSet: "b"}, files("b"))
		pinned := r.Pin(&Pin{RuleSet: "a", Over: "b"})
		again := &memory{files: m.files}
		read, err := OpenRegister(again, "dir")
		if err != nil {
			t.Fatalf("operation %d: %v", fail, err)
		}
		for _, s := range read.Sets() {
			if s.Files == nil {
				continue
			}
			if got, err := read.Files(s.RuleSet); err != nil || string(got[0].Data) != s.RuleSet {
				t.Fatalf("operation %d: %s: %v", fail, s.RuleSet, err)
			}
		}
		if len(read.Sets()) == 0 || pinned == nil && read.Pinned() == nil {
			t.Fatalf("operation %d: %+v", fail, read.page)
		}
		if failed == nil && pinned == nil && m.left > 0 {
			break
		}
	}
}
