package ledger

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"sluice/rules"
	"sluice/scoring/event"
)

// Options of a Desk.
type Options struct {
	Dir string
	// Disk is where it is; nil: the operating system's.
	Disk Disk
	// Now is the clock by which people say until when.
	Now func() time.Time
	Log *slog.Logger
}

// Desk takes changes from people: it checks them, keeps them, and puts them in
// force. It is safe for concurrent use.
type Desk struct {
	o        Options
	Register *Register

	// order is held from the keeping of a change until it is in force, so that they
	// come into force as they are numbered; mu only while something is looked at.
	order  sync.Mutex
	mu     sync.Mutex
	log    *log
	closed func() error // gives the lock back

	// Set when Attach is called.
	rules *rules.Reloader
	apply func(context.Context, *rules.Changes) error
	now   *rules.Changes

	counts Counts
}

// Counts are what a desk has done since it was opened, and what it holds.
type Counts struct {
	Taken    map[Action]int64 // changes that were taken
	Unkept   int64            // that were not, as they could not be kept
	Entries  int              // changes of lists that hold, or have ended a short while ago
	Snoozes  int
	Revision int64
	Pinned   bool
}

// Counts gives them.
func (d *Desk) Counts() Counts {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := d.counts
	out.Taken = maps.Clone(out.Taken)
	out.Snoozes = len(d.now.Snoozes)
	out.Entries = len(d.log.held) - out.Snoozes
	out.Revision, out.Pinned = d.log.revision, d.Register.Pinned() != nil
	return out
}

// Open reads what is kept in a directory. One that can't be written, or made, is
// no fault before something is to be changed; one that another process uses is.
func Open(o Options) (*Desk, error) {
	if o.Disk == nil {
		o.Disk = OS{}
	}
	unlock, err := lock(o.Dir)
	if err != nil {
		return nil, err
	}
	d := &Desk{o: o, closed: unlock, counts: Counts{Taken: map[Action]int64{Add: 0, LeaveOut: 0, Snooze: 0, Forget: 0}}}
	if d.log, err = openLog(o.Disk, filepath.Join(o.Dir, changesFile)); err == nil {
		d.Register, err = OpenRegister(o.Disk, o.Dir)
	}
	if err != nil {
		_ = unlock()
		return nil, err
	}
	if t := d.log.torn; t != nil {
		o.Log.Warn("the kept changes end in the middle of one, and this part of it was dropped: it was being written when a process died, or the file was cut off, and then a change is lost that was told to be done; "+
			"compare `sluice lists show LIST` and `sluice snooze RULE` with what should hold, and make the change again, or bring an earlier copy of the file back",
			"file", d.log.name, "byte", t.offset, "dropped_bytes", t.bytes, "change", d.log.revision+1)
	}
	d.log.sweep(o.Now())
	d.now = d.compile(nil, "")
	return d, nil
}

// Attach says whose rules are changed, and what puts changes in force. It is
// called once, before any change is made.
func (d *Desk) Attach(r *rules.Reloader, apply func(context.Context, *rules.Changes) error) {
	d.rules, d.apply = r, apply
}

// Close lets another process have the directory.
func (d *Desk) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.log.close()
	return d.closed()
}

// Changes gives what holds now.
func (d *Desk) Changes() *rules.Changes {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now
}

// Held gives the changes that hold, in the order in which they were made. Some
// may have ended.
func (d *Desk) Held() (revision int64, all []Change) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.log.revision, d.log.all()
}

// Request is what somebody wants changed.
type Request struct {
	Value  string
	Entity string        // of a snooze
	Until  string        // a moment or a date; or
	For    time.Duration // from now on
	Author string
	Why    string
}

// Fault is a request that can't be met, and why.
type Fault struct {
	Code   string
	Field  string // of the request
	Detail string
}

// Error gives the detail.
func (f *Fault) Error() string { return f.Detail }

// The bounds of what people write.
const (
	maxValue  = 1 << 10
	maxAuthor = 100
	maxReason = 500
	longest   = 400 * 24 * time.Hour
)

// AddEntry puts a value into a list.
func (d *Desk) AddEntry(ctx context.Context, list string, r Request) (Change, error) {
	lists := d.rules.Current().Lists
	if !lists.Has(list) {
		return Change{}, NoList(lists, list)
	}
	c := Change{Do: Add, List: list, Value: r.Value}
	if err := d.fill(&c, r, true); err != nil {
		return c, err
	}
	if f := fits(lists, list, r.Value); f != nil {
		return c, f
	}
	c.Value = written(lists, list, r.Value)
	return d.change(ctx, c)
}

// fits checks that a value is of the kind that a list holds, and one that the
// rules may find there.
func fits(lists *rules.Lists, list, value string) *Fault {
	kind, network := lists.Kind(list), rules.IsNetwork(value)
	switch {
	case kind == rules.OfNetworks && !network:
		return &Fault{"wrong_kind", "value", fmt.Sprintf("%s is a list of networks; write an address like 192.0.2.7, or a network like 192.0.2.0/24", list)}
	case kind == rules.OfTexts && network && strings.Contains(value, "/"):
		return &Fault{"wrong_kind", "value", fmt.Sprintf("%s is a list of texts, where a network would match nothing", list)}
	}
	if misfit := lists.Misfit(list, value); misfit != "" {
		return &Fault{"wrong_kind", "value", misfit}
	}
	return nil
}

// written gives a value as the list holds it.
func written(lists *rules.Lists, list, value string) string {
	if lists.Kind(list) == rules.OfTexts {
		return value
	}
	return rules.Canonical(value)
}

// RemoveEntry takes a value out of a list: what was added is taken back, and what
// the file has is left out until the end that the request names.
func (d *Desk) RemoveEntry(ctx context.Context, list string, r Request) (Change, error) {
	lists := d.rules.Current().Lists
	if !lists.Has(list) {
		return Change{}, NoList(lists, list)
	}
	value := written(lists, list, r.Value)
	_, filed := lists.Filed(list, value)
	d.mu.Lock()
	held, changed := d.log.held[subject{list: list, value: value}]
	d.mu.Unlock()
	c := Change{Do: Forget, List: list, Value: r.Value}
	switch {
	case filed && r.Until == "" && r.For == 0 && (!changed || held.Do != Add):
		return c, &Fault{"no_end", "until", fmt.Sprintf("the value stands in the file lists/%s.txt: say for how long it is left out (ttl or until), or remove it there", list)}
	case filed && (r.Until != "" || r.For != 0):
		c.Do = LeaveOut
	case !filed && (!changed || held.Do != Add):
		return c, &Fault{"no_such_entry", "value", fmt.Sprintf("the list %s has no entry of exactly this value", list)}
	}
	if err := d.fill(&c, r, c.Do == LeaveOut); err != nil {
		return c, err
	}
	c.Value = value
	return d.change(ctx, c)
}

// NoList is the fault of asking for a list that is not there.
func NoList(lists *rules.Lists, name string) *Fault {
	hint := "; there are none: lists are the files lists/NAME.txt of the rule directory"
	if names := lists.Names(); len(names) > 0 {
		hint = "; there are " + strings.Join(names, ", ")
	}
	return &Fault{"no_such_list", "", fmt.Sprintf("there is no list %q%s", clip(name), hint)}
}

// fill checks what all requests have, and fills it in.
func (d *Desk) fill(c *Change, r Request, ends bool) error {
	for _, t := range []struct {
		field, text string
		most        int
	}{{"value", r.Value, maxValue}, {"author", r.Author, maxAuthor}, {"why", r.Why, maxReason}} {
		switch {
		case strings.TrimSpace(t.text) == "":
			return &Fault{"missing_field", t.field, t.field + " is missing or empty"}
		case len(t.text) > t.most:
			return &Fault{"too_long", t.field, fmt.Sprintf("%s may have %d bytes", t.field, t.most)}
		case !utf8.ValidString(t.text) || strings.ContainsFunc(t.text, func(r rune) bool { return r < ' ' || r == 0x7f }):
			return &Fault{"bad_value", t.field, t.field + " holds something that is no text of one line"}
		case t.field == "value" && strings.TrimSpace(t.text) != t.text:
			return &Fault{"bad_value", t.field, "the value begins or ends with a blank, which no entry of a list does"}
		}
	}
	c.Author, c.Why = r.Author, r.Why
	if !ends {
		return nil
	}
	now := d.o.Now()
	switch {
	case r.Until != "" && r.For != 0:
		return &Fault{"bad_value", "until", "say either for how long or until when, not both"}
	case r.Until == "" && r.For == 0:
		return &Fault{"no_end", "until", "say for how long, as 2h or 7d, or until when, as 2027-01-31 or 2027-01-31T18:00:00Z: what is to hold for ever belongs into the files"}
	case r.Until != "":
		ns, err := rules.ParseUntil(r.Until)
		if err != nil {
			return &Fault{"bad_value", "until", fmt.Sprintf("until is a date like 2027-01-31, the beginning of that day in UTC, or a moment like 2027-01-31T18:00:00Z, and not %q", clip(r.Until))}
		}
		c.Until = time.Unix(0, ns).UTC()
	default:
		c.Until = now.Add(r.For).UTC().Truncate(time.Millisecond) // never past the longest
	}
	switch lasts := c.Until.Sub(now); {
	case lasts <= 0:
		return &Fault{"out_of_range", "until", "the end lies in the past"}
	case lasts > longest:
		return &Fault{"out_of_range", "until", "the end lies more than 400 days ahead; what is to hold so long belongs into the files"}
	}
	return nil
}

// change keeps a change and puts it in force. What is kept is in force at the
// latest with the first decision after the wait for it has ended.
func (d *Desk) change(ctx context.Context, c Change) (Change, error) {
	d.order.Lock()
	defer d.order.Unlock()
	now, err := d.keep(&c)
	if err != nil {
		d.o.Log.Error("a change was not taken", d.about(&c, "error", err)...)
		return c, err
	}
	if err := d.apply(ctx, now); err != nil {
		d.o.Log.Warn("a change is kept and will be in force with the next decision", d.about(&c)...)
		return c, nil
	}
	d.o.Log.Info("a change is in force", d.about(&c)...)
	return c, nil
}

// keep keeps a change and gives all that holds then.
func (d *Desk) keep(c *Change) (*rules.Changes, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.log.append(c, d.o.Now()); err != nil {
		d.counts.Unkept++
		return nil, err
	}
	d.counts.Taken[c.Do]++
	d.now = d.compile(d.now, c.List)
	return d.now, nil
}

// about says what a change is, for the log.
func (d *Desk) about(c *Change, more ...any) []any {
	out := []any{"do", string(c.Do), "revision", c.Revision, "author", event.Mask(c.Author), "why", event.Mask(c.Why)}
	if c.List != "" {
		out = append(out, "list", c.List)
	} else {
		out = append(out, "rule", c.Rule, "entity", c.Entity)
	}
	out = append(out, "value", d.Shown(c))
	if !c.Until.IsZero() {
		out = append(out, "until", c.Until)
	}
	return append(out, more...)
}

// Shown gives the value of a change as it may be shown: of a secret field nothing,
// and card numbers masked.
func (d *Desk) Shown(c *Change) string {
	set := d.rules.Current()
	f := set.Schema.Field(c.Entity)
	if set.Lists.Secret(c.List) || f >= 0 && set.Schema.Fields[f].Secret {
		return "***"
	}
	return event.Mask(c.Value)
}

// compile makes what rules are evaluated under. Only the overlay of the list that
// has changed is made anew; all of them if nothing was there before.
func (d *Desk) compile(before *rules.Changes, list string) *rules.Changes {
	all := d.log.all()
	if before == nil {
		return compile(d.log.revision, all)
	}
	kept := map[string]*rules.Overlay{}
	concerned := all[:0]
	for _, c := range all {
		if c.Do != Snooze && c.List != list {
			kept[c.List] = before.Lists[c.List]
		} else {
			concerned = append(concerned, c)
		}
	}
	out := compile(d.log.revision, concerned)
	maps.Copy(out.Lists, kept)
	return out
}

// compile makes what rules are evaluated under of changes that hold.
func compile(revision int64, held []Change) *rules.Changes {
	out := &rules.Changes{Revision: revision, Lists: map[string]*rules.Overlay{}}
	entries := map[string][]rules.Entry{}
	for _, c := range held {
		if c.Do == Snooze {
			out.Snoozes = append(out.Snoozes, rules.Snooze{Rule: c.Rule, Entity: c.Entity, Value: c.Value, Until: c.Until.UnixNano()})
		} else {
			entries[c.List] = append(entries[c.List], rules.Entry{Value: c.Value, Until: c.Until.UnixNano(), Out: c.Do == LeaveOut})
		}
	}
	for name, changed := range entries {
		out.Lists[name] = rules.NewOverlay(changed)
	}
	return out
}

// clip shortens a text for a message.
func clip(text string) string {
	const most = 64
	if r := []rune(event.Mask(text)); len(r) > most {
		return string(r[:most]) + "…"
	}
	return event.Mask(text)
}
