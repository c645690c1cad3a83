package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"
	"time"
)

// Action is what a change does.
type Action string

// The actions. Add and LeaveOut are of a list's entry, Snooze is of a rule for
// one entity; Forget takes such a change back.
const (
	Add      Action = "add"
	LeaveOut Action = "leave_out"
	Snooze   Action = "snooze"
	Forget   Action = "forget"
	// base is the first line of a file: of the changes up to its revision only what
	// they came to is there, without what had ended by its Until.
	base Action = "base"
)

// Change is one thing that somebody changed.
type Change struct {
	Revision int64     `json:"revision"`
	At       time.Time `json:"at,omitzero"`
	Do       Action    `json:"do"`
	List     string    `json:"list,omitempty"`
	Rule     string    `json:"rule,omitempty"`
	Entity   string    `json:"entity,omitempty"` // that the rule is snoozed for
	Value    string    `json:"value,omitempty"`
	Until    time.Time `json:"until,omitzero"` // by arrival; zero: always
	Author   string    `json:"author,omitempty"`
	Why      string    `json:"why,omitempty"`
}

// subject is what a change is about: of several the last one holds.
type subject struct{ list, rule, entity, value string }

func (c *Change) subject() subject { return subject{c.List, c.Rule, c.Entity, c.Value} }

// over reports whether a change ended so long ago that nobody who arrives now
// can be concerned.
func (c *Change) over(now time.Time) bool {
	return !c.Until.IsZero() && now.Sub(c.Until) > keepEnded
}

// keepEnded is how long a change outlasts its end: what is decided may have
// arrived long ago, after a standstill of so many days.
const keepEnded = 7 * 24 * time.Hour

// appendLine writes a change as a line of the file: a checksum, a blank, JSON.
func appendLine(b []byte, c *Change) []byte {
	text, err := json.Marshal(c)
	if err != nil {
		panic(err) // it holds texts, numbers and times in range
	}
	b = fmt.Appendf(b, "%08x ", crc32.ChecksumIEEE(text))
	return append(append(b, text...), '\n')
}

// parseLine is the inverse of appendLine, without the line's end.
func parseLine(line []byte) (c Change, err error) {
	sum, text, ok := bytes.Cut(line, []byte{' '})
	wanted, err := strconv.ParseUint(string(sum), 16, 32)
	if !ok || err != nil || len(sum) != 8 {
		return c, errors.New("it does not begin with a checksum")
	}
	if crc32.ChecksumIEEE(text) != uint32(wanted) {
		return c, errors.New("its checksum is wrong")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields() // of a later version: better not read than half understood
	return c, d.Decode(&c)
}
