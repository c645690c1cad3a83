package lang

import "testing"

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

func TestCost(t *testing.T) {
	cost := func(source string) int {
		tree, faults := checkTest(source)
		if tree == nil {
			t.Fatalf("%s: %v", source, faults)
		}
		return Cost(tree)
	}
	plain, small, whole := cost("tx.amount > 5"), cost("count(card.newest(5), .amount < 5) > 3"), cost(`count(card.last("1d"), .amount < 5) > 3`)
	if plain != 3 || small <= plain || small > 100 || whole < 3000 || whole > 10000 {
		t.Errorf("costs are %d, %d and %d", plain, small, whole)
	}
	if two := cost(`count(card.last("1d"), .amount < 5) > 3 and count(card.last("1d"), .amount < 5) > 3`); two != 2*whole+1 {
		t.Errorf("twice %d costs %d", whole, two)
	}
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
