package interp

import (
	"math"
	"time"

	"github.com/expr-lang/expr/vm"

	"sluice/scoring/event"
	"sluice/scoring/history"
)

// memoryBudget bounds the elements of the lists that one run may build.
const memoryBudget = 1_000_000

// Machine is the scratch space of one goroutine, for any number of programs.
// The zero Machine is ready.
type Machine struct {
	vm    vm.VM
	env   environment
	boxed any // env, as the VM takes it
	slabs []slab

	// The sizes of the texts that were loaded, in bytes.
	current int        // all of the current transaction
	texts   []textSize // a window each
}

// environment is what programs see. Both slices hold nil where something is
// missing. It is a struct by value, and boxed only when a slice has moved, so
// that a run costs no allocation for it. One type serves all programs: columns
// are read by functions that know their place (slot, cell), which the VM calls
// without reflection, where the fields of a type made for each program would
// cost reflection on every event.
type environment struct {
	Tx      []any // a column of the current transaction each, and its arrival
	Windows []any // a list of *row each, as []any
}

// row is one past event. Cells that its window has no column for hold anything.
type row struct {
	cells    []any // by layout.columns
	currency uint64
}

// slab holds the events of one window; all of it is used again by the next run.
type slab struct {
	rows  []row
	cells []any
	refs  []any // of the rows
}

// load fills the environment for a layout.
func (m *Machine) load(l *layout, tx *event.Transaction, lists []history.List) {
	m.grow(len(l.tx)+1, len(l.windows))
	m.current = 0
	if l.named {
		setInt(&m.env.Tx[l.arrival()], int(tx.Arrival))
	}
	for i, c := range l.tx {
		loadColumn(&m.env.Tx[i], l.schema, tx, c)
		if s, ok := m.env.Tx[i].(string); ok {
			m.current += len(s)
		}
	}
	for i := range l.windows {
		if lists[i].Why == history.NoEntity {
			m.env.Windows[i], m.texts[i] = nil, textSize{}
			continue
		}
		m.env.Windows[i], m.texts[i] = m.slabs[i].load(&l.windows[i], len(l.columns), &lists[i])
	}
}

func (m *Machine) grow(tx, windows int) {
	if m.boxed != nil && tx <= len(m.env.Tx) && windows <= len(m.env.Windows) {
		return
	}
	m.env.Tx = append(m.env.Tx, make([]any, max(0, tx-len(m.env.Tx)))...)
	m.env.Windows = append(m.env.Windows, make([]any, max(0, windows-len(m.env.Windows)))...)
	m.slabs = append(m.slabs, make([]slab, max(0, windows-len(m.slabs)))...)
	m.texts = append(m.texts, make([]textSize, max(0, windows-len(m.texts)))...)
	m.boxed = m.env
}

// decide runs a program that gives true or false.
func (m *Machine) decide(p *vm.Program) (bool, error) {
	v, err := m.value(p)
	yes, _ := v.(bool)
	return yes, err
}

// value runs a program.
func (m *Machine) value(p *vm.Program) (any, error) {
	m.vm.MemoryBudget = memoryBudget
	return m.vm.Run(p, m.boxed)
}

// load fills the slab with a list's events, rows of width cells.
func (s *slab) load(w *window, width int, list *history.List) ([]any, textSize) {
	size := textSize{events: list.N}
	s.grow(list.N, width)
	columns := len(w.query.Columns)
	for i := range list.N {
		r := &s.rows[i]
		r.cells = s.cells[i*width : (i+1)*width : (i+1)*width]
		r.currency = 0
		if i < len(list.Currencies) {
			r.currency = list.Currencies[i]
		}
		values := list.Values[i*columns : (i+1)*columns]
		for k, cell := range w.cells {
			if cell != nowhere {
				setCell(&r.cells[cell], &values[k])
				size.all += len(values[k].Text)
				size.longest = max(size.longest, len(values[k].Text))
			}
		}
	}
	return s.refs[:list.N:list.N], size
}

func (s *slab) grow(n, width int) {
	if n*width > len(s.cells) {
		s.cells = make([]any, max(n*width, 2*len(s.cells)))
	}
	if n <= len(s.rows) && s.refs != nil {
		return
	}
	s.rows = make([]row, max(n, 2*len(s.rows), 16))
	s.refs = make([]any, len(s.rows))
	for i := range s.rows {
		s.refs[i] = &s.rows[i]
	}
}

// setCell puts a value into a cell. One that is there already is kept: it
// spares boxing it again, and windows of one transaction resemble the last one's.
func setCell(cell *any, v *event.Value) {
	switch v.Kind {
	case event.None:
		*cell = nil
	case event.Bool:
		*cell = v.Bits != 0
	case event.Int, event.Time:
		setInt(cell, int(v.Bits))
	case event.Float:
		setFloat(cell, math.Float64frombits(v.Bits))
	case event.String:
		if old, ok := (*cell).(string); !ok || old != v.Text {
			*cell = v.Text
		}
	}
}

func setInt(cell *any, x int) {
	if old, ok := (*cell).(int); !ok || old != x {
		*cell = x
	}
}

func setFloat(cell *any, x float64) {
	if old, ok := (*cell).(float64); !ok || old != x {
		*cell = x
	}
}

// loadColumn puts a column of the current transaction into a cell.
func loadColumn(cell *any, s *event.Schema, tx *event.Transaction, c event.Column) {
	switch c.Form {
	case event.Hour:
		*cell = local(s, tx).Hour()
		return
	case event.Weekday:
		*cell = (int(local(s, tx).Weekday())+6)%7 + 1
		return
	}
	if tx.Words[c.Field] == event.Missing {
		*cell = nil
		return
	}
	w := tx.Words[c.Field]
	if c.Form == event.Minor {
		setInt(cell, int(w))
		return
	}
	switch s.Fields[c.Field].Type {
	case event.TypeInteger:
		setInt(cell, int(w))
	case event.TypeTimestamp:
		if c.Field == s.Time {
			w = uint64(tx.Time)
		}
		setInt(cell, int(w))
	case event.TypeNumber:
		setFloat(cell, math.Float64frombits(w))
	case event.TypeMoney:
		setFloat(cell, float64(int64(w))/power(scaleOf(s, c.Field, tx.Currency)))
	case event.TypeBool:
		*cell = w != 0
	default:
		text, _ := tx.String(c.Field)
		if old, ok := (*cell).(string); !ok || old != string(text) {
			*cell = string(text)
		}
	}
}

func local(s *event.Schema, tx *event.Transaction) time.Time {
	t := time.Unix(0, tx.Time)
	if s.Zone == nil {
		return t.UTC()
	}
	return t.In(s.Zone)
}

// mixable reports whether a money field's amounts may be in several currencies.
func mixable(s *event.Schema, field int) bool {
	return s.Fields[field].CurrencyFrom >= 0 && s.BaseCurrency == ""
}

// scaleOf gives the decimal digits of a money field's minor units, for an event
// of a currency.
func scaleOf(s *event.Schema, field int, currency uint64) int {
	if mixable(s, field) {
		return event.CurrencyScale(currency)
	}
	return s.Fields[field].Scale
}

// power gives 10^scale.
func power(scale int) float64 {
	p := 1.0
	for range scale {
		p *= 10
	}
	return p
}
