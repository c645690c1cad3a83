package event

import (
	"math"
	"strconv"
)

// DefaultMaxBytes bounds a message where nothing else is said.
const DefaultMaxBytes = 64 << 10

// typeFlag is the type of a label's value: true and false, or 1 and 0.
const typeFlag = TypeCurrency + 1

// Decoder decodes JSON messages. It is scratch space: one goroutine uses it.
type Decoder struct {
	// MaxBytes is the size of the largest message taken.
	MaxBytes int

	schema *Schema
	scanner
	tx, label course
	labelText []byte
	labelWord []uint64
	keys      []int // of a label's entities
}

// course is the state of reading one layout.
type course struct {
	filler
	// follow holds what came behind each member, and at the beginning of each
	// node, in the last message: producers write members in a fixed order.
	follow []int
	seen   []bool // by member
}

// NewDecoder makes a decoder for messages of a schema.
func NewDecoder(s *Schema) *Decoder {
	d := &Decoder{MaxBytes: DefaultMaxBytes, schema: s, tx: newCourse(s.layout())}
	if s.Label != nil && s.Label.reading != nil {
		d.label = newCourse(s.Label.reading)
		d.keys = s.Label.fieldsOfEntities(len(s.Entities))
	}
	return d
}

func newCourse(l *layout) course {
	c := course{filler: filler{layout: l}}
	c.follow = make([]int, len(l.members)+len(l.nodes))
	for i := range c.follow {
		c.follow[i] = -1
	}
	c.seen = make([]bool, len(l.members))
	return c
}

// layout gives how transactions are read. A schema that was put together by
// hand has it made each time.
func (s *Schema) layout() *layout {
	if s.reading != nil {
		return s.reading
	}
	return newLayout(s.Fields)
}

// Transaction decodes a message that arrived at a time (ns) into dst, whose
// slices are used again. Where nobody says when it did (NoTime), it arrived at its
// event time. The error is a *Fault, and then dst holds nothing of use.
func (d *Decoder) Transaction(dst *Transaction, msg []byte, arrival int64) error {
	c := &d.tx
	c.begin(dst.Words, dst.Text)
	if f := d.read(c, msg); f != nil {
		return f
	}
	if field, offset, code := c.fill(dst, d.schema); code != "" {
		if offset < 0 {
			offset = len(msg)
		}
		return newFault(code, &d.schema.Fields[field], offset)
	}
	if arrival == NoTime {
		arrival = int64(dst.Words[d.schema.Time])
	}
	dst.Arrive(arrival)
	return nil
}

// IDKey gives the key of the id of the last transaction, zero where a fault ended
// the reading before its id was read.
func (d *Decoder) IDKey() Key { return d.tx.idKey(d.schema) }

// read reads a whole message.
func (d *Decoder) read(c *course, msg []byte) *Fault {
	if d.MaxBytes > 0 && len(msg) > d.MaxBytes {
		return &Fault{Code: Oversize, Offset: d.MaxBytes, Message: "the message has " + strconv.Itoa(len(msg)) +
			" bytes, more than the " + strconv.Itoa(d.MaxBytes) + " that are read"}
	}
	d.b, d.depth = msg, 0
	d.names.begin()
	clear(c.seen)
	field := -1
	i := d.space(0)
	if i >= len(msg) || msg[i] != '{' {
		i = d.other(i)
	} else if i, field = d.object(c, 0, i); i >= 0 {
		if i = d.space(i); i < len(msg) {
			i = d.fail(TrailingData, i)
		}
	}
	d.b = nil // don't hold on to the message
	switch {
	case i >= 0:
		return nil
	case field < 0:
		return newFault(d.code, nil, d.at)
	}
	return newFault(d.code, &c.layout.fields[field], d.at)
}

// other reads a message that is no object, to say what is wrong with it.
func (d *Decoder) other(i int) int {
	if len(d.b) == 0 {
		return d.fail(NotAnObject, 0)
	}
	end := d.skip(i)
	if end < 0 {
		return -1
	}
	if end = d.space(end); end < len(d.b) {
		return d.fail(TrailingData, end)
	}
	return d.fail(NotAnObject, i)
}

// object reads the object of a node. field is that of a fault, -1 if none.
func (d *Decoder) object(c *course, at, i int) (end, field int) {
	if !d.enter(i) {
		return -1, -1
	}
	b, l := d.b, c.layout
	object := d.names.object()
	slot := len(l.members) + at // what comes first
	i = d.space(i + 1)
	if i < len(b) && b[i] == '}' {
		d.depth--
		return i + 1, -1
	}
	for {
		if i >= len(b) || b[i] != '"' {
			return d.fail(Malformed, i), -1
		}
		m, value := c.guess(b, i, slot)
		if m < 0 {
			var name []byte
			if name, value = d.str(i); value < 0 {
				return -1, -1
			}
			var ok bool
			if m, ok = l.nodes[at].index[string(name)]; !ok {
				i = d.rest(i, value, name, object)
			} else {
				c.follow[slot] = m
			}
			if i < 0 {
				return -1, -1
			}
			if !ok {
				m = -1
			}
		}
		if m >= 0 {
			slot = m
			if i, field = d.member(c, m, i, value); i < 0 {
				return -1, field
			}
		}
		if b[i] == '}' {
			d.depth--
			return i + 1, -1
		}
		i = d.space(i + 1)
	}
}

// guess tries whether the name at i is the one that stood here last time.
func (c *course) guess(b []byte, i, slot int) (m, end int) {
	m = c.follow[slot]
	if m < 0 {
		return -1, 0
	}
	name := c.layout.members[m].name
	end = i + 1 + len(name)
	if end < len(b) && b[end] == '"' && string(b[i+1:end]) == name {
		return m, end + 1
	}
	return -1, 0
}

// member reads a known member from behind its name on, up to what follows.
func (d *Decoder) member(c *course, m, i, value int) (end, field int) {
	mem := &c.layout.members[m]
	if c.seen[m] {
		return d.fail(DuplicateKey, i), mem.first
	}
	c.seen[m] = true
	if i = d.colon(value); i < 0 {
		return -1, mem.first
	}
	if mem.field >= 0 {
		i = d.value(c, mem.field, i)
	} else if i, field = d.group(c, mem, i); i < 0 {
		return -1, field
	}
	if i < 0 {
		return -1, mem.first
	}
	return d.comma(i), mem.first
}

// group reads an object that holds fields.
func (d *Decoder) group(c *course, mem *member, i int) (end, field int) {
	switch d.b[i] {
	case '{':
		return d.object(c, mem.node, i)
	case 'n':
		return d.word(i, "null"), mem.first
	}
	return d.wrongType(i), mem.first
}

// value reads a field's value.
func (d *Decoder) value(c *course, field, i int) int {
	switch ch := d.b[i]; {
	case ch == '"':
		text, end := d.str(i)
		if end < 0 {
			return -1
		}
		if code := c.fromText(field, text, i); code != "" {
			return d.fail(code, i)
		}
		return end
	case ch == '-' || ch-'0' <= 9:
		n, ok := scanNumber(d.b, i)
		if !ok {
			return d.fail(Malformed, n.end)
		}
		if code := c.fromNumber(field, &n, d.b, i); code != "" {
			return d.fail(code, i)
		}
		return n.end
	case ch == 'n':
		return d.word(i, "null")
	case ch == 't' || ch == 'f':
		return d.truth(c, field, i)
	}
	return d.wrongType(i)
}

func (d *Decoder) truth(c *course, field, i int) int {
	word, value := "true", uint64(1)
	if d.b[i] == 'f' {
		word, value = "false", 0
	}
	end := d.word(i, word)
	if end < 0 {
		return -1
	}
	if t := c.layout.fields[field].Type; t != TypeBool && t != typeFlag {
		return d.fail(WrongType, i)
	}
	c.words[field] = value
	return end
}

// wrongType tells a value of the wrong type from what is no value.
func (d *Decoder) wrongType(i int) int {
	if d.skip(i) < 0 {
		return -1
	}
	return d.fail(WrongType, i)
}

// floatWord gives the word of a float64; -0 becomes 0.
func floatWord(v float64) uint64 {
	if v == 0 {
		return 0
	}
	return math.Float64bits(v)
}
