package event

import "strings"

// layout says how a JSON object is laid out: a tree of members, the same for
// reading and for writing. Members of one object lie side by side.
type layout struct {
	fields  []Field
	members []member
	nodes   []node // the first is the object itself
	money   []int  // indexes of money fields
	text    []int  // indexes of fields held as text
	must    []int  // indexes of required fields
	numbers []int  // index of each money field in money, of other ones -1
}

// member is a member of an object: a field, or an object that holds fields.
type member struct {
	name  string
	field int // -1: node
	node  int // -1: field
	first int // for messages: the first field that is read from here
}

// node is an object.
type node struct {
	members []int
	index   map[string]int // of members, by name
}

// isText reports whether values of a type are held as text.
func isText(t Type) bool {
	switch t {
	case TypeString, TypeIP, TypeCountry, TypeCurrency:
		return true
	}
	return false
}

// newLayout lays fields out by their From. The paths must not collide.
func newLayout(fields []Field) *layout {
	l := &layout{fields: fields, nodes: []node{{index: map[string]int{}}}}
	for i, f := range fields {
		l.add(i, strings.Split(f.From, "."))
		l.numbers = append(l.numbers, -1)
		switch {
		case f.Type == TypeMoney:
			l.numbers[i] = len(l.money)
			l.money = append(l.money, i)
		case isText(f.Type):
			l.text = append(l.text, i)
		}
		if f.Required {
			l.must = append(l.must, i)
		}
	}
	return l
}

func (l *layout) add(field int, path []string) {
	at := 0
	for len(path) > 1 {
		m, ok := l.nodes[at].index[path[0]]
		if !ok {
			l.nodes = append(l.nodes, node{index: map[string]int{}})
			m = l.join(at, member{name: path[0], field: -1, node: len(l.nodes) - 1, first: field})
		}
		at, path = l.members[m].node, path[1:]
	}
	l.join(at, member{name: path[0], field: field, node: -1, first: field})
}

func (l *layout) join(at int, m member) int {
	l.members = append(l.members, m)
	n := &l.nodes[at]
	n.members = append(n.members, len(l.members)-1)
	n.index[m.name] = len(l.members) - 1
	return len(l.members) - 1
}
