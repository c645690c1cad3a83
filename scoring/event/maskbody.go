package event

import (
	"slices"
	"strconv"
	"strings"
)

// MaskBody copies a JSON message with the values of secret fields replaced by
// "***" and card numbers masked, in keys, strings and numbers. It errs on the
// side of hiding: a member is secret wherever it stands, however its name is
// capitalised, and where a path is written as one name ("auth.pin"). It is false
// for what can't be parsed (any JSON value can, with duplicate keys too), and so
// can't be masked.
func MaskBody(s *Schema, msg []byte) ([]byte, bool) {
	m := masker{scanner: scanner{b: msg, twice: true}, secret: map[string]bool{}, leads: map[string]bool{}}
	for _, f := range s.Fields {
		if f.Secret {
			path := strings.Split(strings.ToLower(f.From), ".")
			for _, part := range path[:len(path)-1] {
				m.leads[part] = true
			}
			m.secret[path[len(path)-1]] = true
		}
	}
	i := m.value(m.space(0), false)
	if i < 0 || m.space(i) != len(msg) {
		return nil, false
	}
	return m.out, true
}

// masker copies JSON.
type masker struct {
	scanner
	out    []byte
	secret map[string]bool // names of secret members, in lower case
	leads  map[string]bool // names of objects that secret members stand in
}

// value copies a value. leads is set where an object with a secret is expected:
// anything but an object or a list is hidden.
func (m *masker) value(i int, leads bool) int {
	if i >= len(m.b) {
		return -1
	}
	switch c := m.b[i]; {
	case c == '{':
		return m.nested(i, '}', leads)
	case c == '[':
		return m.nested(i, ']', leads)
	case leads && c != 'n':
		return m.hide(i)
	case c == '"':
		return m.string(i)
	case c == '-' || c-'0' <= 9:
		return m.number(i)
	}
	end := m.skip(i)
	if end >= 0 {
		m.out = append(m.out, m.b[i:end]...)
	}
	return end
}

// hide writes asterisks for a value.
func (m *masker) hide(i int) int {
	end := m.skip(i)
	m.out = append(m.out, `"***"`...)
	return end
}

func (m *masker) string(i int) int {
	text, end := m.str(i)
	if end < 0 {
		return -1
	}
	if masked, changed := maskText(append([]byte(nil), text...)); changed {
		m.out = AppendString(m.out, masked)
	} else {
		m.out = append(m.out, m.b[i:end]...)
	}
	return end
}

// number copies a number; one that is or holds a card number becomes a string.
func (m *masker) number(i int) int {
	n, ok := scanNumber(m.b, i)
	if !ok {
		return -1
	}
	text := append([]byte(nil), m.b[i:n.end]...)
	for !n.wide && n.exp < 0 && n.digits%10 == 0 && n.digits > 0 {
		n.digits /= 10
		n.exp++
	}
	if !n.integer && !n.wide && n.exp >= 0 && n.exp <= maxCard { // 4.1e15 is an integer, too
		text = strconv.AppendUint(text[:0], n.digits, 10)
		for range n.exp {
			text = append(text, '0')
		}
	}
	if masked, changed := maskText(text); changed {
		m.out = AppendString(m.out, masked)
	} else {
		m.out = append(m.out, m.b[i:n.end]...)
	}
	return n.end
}

// nested copies a list or an object.
func (m *masker) nested(i int, closing byte, leads bool) int {
	if !m.enter(i) {
		return -1
	}
	m.out = append(m.out, m.b[i])
	if i = m.space(i + 1); i < len(m.b) && m.b[i] == closing {
		m.out = append(m.out, closing)
		m.depth--
		return i + 1
	}
	for {
		if closing == '}' {
			i = m.member(i)
		} else {
			i = m.value(i, leads)
		}
		if i < 0 {
			return -1
		}
		if i = m.space(i); i >= len(m.b) || m.b[i] != ',' && m.b[i] != closing {
			return -1
		}
		m.out = append(m.out, m.b[i])
		if m.b[i] == closing {
			m.depth--
			return i + 1
		}
		i = m.space(i + 1)
	}
}

func (m *masker) member(i int) int {
	if i >= len(m.b) || m.b[i] != '"' {
		return -1
	}
	text, end := m.str(i)
	if end < 0 {
		return -1
	}
	path := strings.Split(strings.ToLower(string(text)), ".")
	if m.string(i) < 0 {
		return -1
	}
	if i = m.colon(end); i < 0 {
		return -1
	}
	m.out = append(m.out, ':')
	secret := slices.ContainsFunc(path, func(name string) bool { return m.secret[name] })
	if secret && m.b[i] != 'n' {
		return m.hide(i)
	}
	return m.value(i, m.leads[path[len(path)-1]])
}
