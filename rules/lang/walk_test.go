package lang

import (
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	names := []string{"amount", "account", "country", "count", "card", "ip"}
	for name, want := range map[string]string{
		"amuont": "amount", "amout": "amount", "Amount": "amount", "accuont": "account", "counrty": "country",
		"cuont": "count", "crad": "card", "pi": "ip", "xyz": "", "": "", "a": "", "merchant": "",
	} {
		if got := nearest(name, names); got != want {
			t.Errorf("nearest to %q is %q, want %q", name, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0},
		{"", "abc", 3},
		{"abc", "abc", 0},
		{"abc", "acb", 1},
		{"abc", "abd", 1},
		{"abc", "ab", 1},
		{"kitten", "sitting", 3},
		{"für", "fur", 1},
	} {
		if got := distance(c.a, c.b); got != c.want || distance(c.b, c.a) != c.want {
			t.Errorf("from %q to %q it is %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

// TestSteps holds what an operation costs by itself to what it does.
func TestSteps(t *testing.T) {
	for _, c := range []struct {
		cheap, dear string
		times       int // at least
	}{
		{`tx.merchant matches "^a"`, `tx.merchant matches "((a{10}){10})b"`, 10},
		{"tx.lat in [1, 2]", "tx.lat in [" + strings.Repeat("1.5, ", 999) + "2]", 200},
		{"abs(tx.lat) > 1", "distance_km(tx.lat, tx.lon, 1, 2) > 1", 5},
	} {
		if cheap, dear := dearest(t, c.cheap), dearest(t, c.dear); dear < c.times*cheap || cheap == 0 {
			t.Errorf("%s costs %d, %s %d", c.cheap, cheap, c.dear, dear)
		}
	}
	texts := `tx.merchant in [` + strings.Repeat(`"a", `, 999) + `"b"]`
	if one, many := dearest(t, `tx.merchant in ["a"]`), dearest(t, texts); one != many {
		t.Errorf("one text costs %d, a thousand %d: they are looked up", one, many)
	}
}

func dearest(t *testing.T, source string) (steps int) {
	t.Helper()
	tree, faults := checkTest(source)
	if tree == nil {
		t.Fatalf("%s: %v", source, faults)
	}
	Walk(tree, func(n *Node) bool {
		steps = max(steps, Steps(n))
		return true
	})
	return steps
}

// TestSecretsStayInside checks that no part of a condition that may be shown
// has a secret's value: secrets are only compared.
func TestSecretsStayInside(t *testing.T) {
	for _, source := range []string{
		"tx.cvv", "len(tx.cvv) > 1", "lower(tx.cvv) == \"x\"", "(tx.cvv ?? \"\") == \"\"", "(true ? tx.cvv : \"\") == \"\"",
		`most_common(card.last("1h"), tx.cvv) == "1"`, `tx.cvv in map(card.last("1h"), tx.cvv)`,
		`find(card.last("1h"), .cvv == tx.cvv) == nil`, `last(card.last("1h")).cvv == tx.cvv`, `max(tx.cvv, tx.cvv) == ""`,
	} {
		if tree, _ := checkTest(source); tree != nil {
			t.Errorf("%s is accepted", source)
		}
	}
}

func TestNoLists(t *testing.T) {
	if _, faults := Check("tx.ip in lists.bad", testSchema(), nil); len(faults) != 1 {
		t.Errorf("faults: %v", faults)
	}
}
