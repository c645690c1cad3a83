package ledger

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// TestPastAgainstTheObvious makes random changes, with restarts and trouble that
// have the file written anew, and asks for every earlier state.
func TestPastAgainstTheObvious(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 8))
	m := newMemory()
	l := reopen(t, m)
	held := map[subject]Change{}
	states := []string{""}
	const n = 400
	for i := range n {
		now := at(i)
		c := Change{Do: []Action{Add, LeaveOut, Snooze, Forget}[r.IntN(4)], Value: fmt.Sprint(r.IntN(9)), Until: now.Add(time.Duration(1+r.IntN(500)) * time.Hour)}
		if c.List = "l"; c.Do == Snooze {
			c.List, c.Rule, c.Entity = "", "large", "card"
		}
		if err := l.append(&c, now); err != nil {
			t.Fatal(err)
		}
		fold(held, c)
		states = append(states, show(sorted(held)))
		if r.IntN(20) == 0 {
			l = reopen(t, m)
		}
	}
	p, err := OpenPast(m, "dir")
	if err != nil || p.Revision() != n {
		t.Fatal(err, p.Revision())
	}
	for revision, want := range states {
		if got := show(inOrder(p.under(int64(revision)))); got != want || !p.Whole(int64(revision), at(0)) {
			t.Fatalf("under %d:\n%snot\n%s", revision, got, want)
		}
	}
	if p.Whole(n+1, at(0)) {
		t.Error("it knows what is yet to come")
	}
}

// TestPastIsFolded: of older changes what holds still is known, and it is said
// that this is not all.
func TestPastIsFolded(t *testing.T) {
	m := newMemory()
	l := reopen(t, m)
	const n = keptPast + 2*slack
	for i := range n {
		c := Change{Do: Add, List: "l", Value: fmt.Sprint(i % 3), Until: at(i + 1)}
		if i == 7 {
			c = Change{Do: Add, List: "l", Value: "once", Until: at(48)}
		}
		if err := l.append(&c, at(i)); err != nil {
			t.Fatal(err)
		}
	}
	l = reopen(t, m) // and the next change writes the file anew
	if err := l.append(&Change{Do: Forget, List: "l", Value: "0"}, at(n)); err != nil {
		t.Fatal(err)
	}
	p, err := OpenPast(m, "dir")
	if err != nil {
		t.Fatal(err)
	}
	for revision, whole := range map[int64]bool{1: false, 2*slack - 1: false, 2 * slack: true, n: true, n + 1: true} {
		if p.Whole(revision, at(n)) != whole {
			t.Errorf("under %d all is known: %v", revision, !whole)
		}
	}
	if p.Whole(n, at(40)) {
		t.Error("what had ended by then is gone, and all is said to be known")
	}
	if got := len(p.Under(n).Lists); got != 1 {
		t.Errorf("%d lists", got)
	}
	if _, err := OpenPast(m, "elsewhere"); !errors.Is(err, ErrNone) {
		t.Error(err)
	}
}

func TestBetween(t *testing.T) {
	m := newMemory()
	l := reopen(t, m)
	for i, c := range []Change{
		{Do: Add, List: "l", Value: "a", Until: at(20)},                   // 1 to 4
		{Do: Snooze, Rule: "r", Entity: "card", Value: "c", Until: at(3)}, // 2 to 3
		{Do: LeaveOut, List: "l", Value: "b", Until: at(8)},               // 3 to 8
		{Do: Forget, List: "l", Value: "a"},                               // at 4
		{Do: Add, List: "l", Value: "c", Until: at(7)},                    // 5 to 6, and
		{Do: Add, List: "l", Value: "c", Until: at(9)},                    // 6 to 9
	} {
		if err := l.append(&c, at(i+1)); err != nil {
			t.Fatal(err)
		}
	}
	p, err := OpenPast(m, "dir")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ from, to, want int }{{0, 1, 0}, {0, 2, 1}, {0, 99, 6 - 1}, {2, 3, 2}, {4, 5, 1}, {5, 6, 2}, {6, 7, 2}, {8, 99, 1}, {9, 99, 0}} {
		if got := p.Between(at(c.from), at(c.to)); got != c.want {
			t.Errorf("between %d and %d: %d, not %d", c.from, c.to, got, c.want)
		}
	}
}
