package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

// steps are changes of all kinds; some take earlier ones back.
func steps() []Change {
	return []Change{
		{Do: Add, List: "bad", Value: "shop-1", Until: at(48), Author: "ana", Why: "complaints"},
		{Do: Add, List: "bad", Value: "shop-2", Until: at(24), Author: "ana", Why: "complaints"},
		{Do: LeaveOut, List: "bad", Value: "shop-3", Until: at(24), Author: "bo", Why: "it was cleared\u2028é"},
		{Do: Snooze, Rule: "large", Entity: "card", Value: "c-1", Until: at(4), Author: "bo", Why: "he called"},
		{Do: Forget, List: "bad", Value: "shop-2", Author: "ana", Why: "a mistake"},
		{Do: Add, List: "bad", Value: "shop-1", Until: at(72), Author: "ana", Why: "longer"},
		{Do: Forget, Rule: "large", Entity: "card", Value: "c-1", Author: "bo", Why: "done"},
	}
}

// folded gives what holds after the first n steps, in the obvious way.
func folded(n int) (out []Change) {
	for _, c := range steps()[:n] {
		out = slices.DeleteFunc(out, func(o Change) bool { return o.subject() == c.subject() })
		if c.Do != Forget {
			out = append(out, c)
		}
	}
	return out
}

func reopen(t *testing.T, m *memory) *log {
	t.Helper()
	l, err := openLog(m, "dir/changes")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestCutAtEveryByte lets the process die at every byte that it writes: what was
// acknowledged is there, and what was not is there whole or not at all. A part of
// a change is noted, and its number is not given again.
func TestCutAtEveryByte(t *testing.T) {
	m := newMemory()
	l := reopen(t, m)
	sizes := []int{}
	for _, c := range steps() {
		if err := l.append(&c, at(0)); err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, len(m.files["dir/changes"]))
	}
	whole := m.files["dir/changes"]
	for cut := sizes[0]; cut <= len(whole); cut++ {
		acknowledged := 0
		for acknowledged < len(sizes) && sizes[acknowledged]-1 <= cut { // the line's end says nothing
			acknowledged++
		}
		left := newMemory()
		left.files["dir/changes"] = slices.Clone(whole[:cut])
		l := reopen(t, left)
		if got, want := show(l.all()), show(folded(acknowledged)); got != want || l.revision != int64(acknowledged) {
			t.Fatalf("cut at %d of %d, revision %d:\n%snot\n%s", cut, len(whole), l.revision, got, want)
		}
		next := int64(acknowledged) + 1
		if whole := sizes[acknowledged-1]; cut > whole {
			if l.torn == nil || *l.torn != (torn{whole, cut - whole}) {
				t.Fatalf("cut at %d, %d bytes behind a whole change: %v", cut, cut-whole, l.torn)
			}
			next++
		} else if l.torn != nil {
			t.Fatalf("cut at %d: %v is noted", cut, *l.torn)
		}
		// It goes on from there, and the torn line is gone.
		c := Change{Do: Add, List: "new", Value: "x", Until: at(9)}
		if err := l.append(&c, at(0)); err != nil || c.Revision != next {
			t.Fatal(err, c.Revision)
		}
		again := reopen(t, left)
		if show(again.all()) != show(append(folded(acknowledged), c)) || again.torn != nil || again.revision != next {
			t.Fatalf("cut at %d: after another change:\n%s", cut, show(again.all()))
		}
		// What was decided under a number that was lost can't be explained.
		for n := range next + 2 {
			past := Past{again.past, again.revision}
			if known := n <= int64(acknowledged) || n == next; past.Whole(n, at(0)) != known {
				t.Fatalf("cut at %d: under %d all is known: %v", cut, n, !known)
			}
		}
	}
}

// TestEveryOperationFails lets each operation of the disk fail in turn, torn
// writes included: nothing acknowledged is lost, and nothing refused stays for
// longer than to the next change.
func TestEveryOperationFails(t *testing.T) {
	for _, torn := range []bool{false, true} {
		for fail := 1; ; fail++ {
			m := newMemory()
			m.left, m.torn = fail, torn
			l, err := openLog(m, "dir/changes")
			if err != nil {
				if !errors.Is(err, errDisk) {
					t.Fatal(err)
				}
				continue
			}
			held := map[subject]Change{}
			refused := 0
			for i, c := range steps() {
				err := l.append(&c, at(0))
				switch {
				case errors.Is(err, ErrUnwritten) && errors.Is(err, errDisk):
					refused++
					// A process that dies now finds what was acknowledged, and perhaps
					// what was not.
					late := reopen(t, &memory{files: m.files})
					with := map[subject]Change{}
					for k, v := range held {
						with[k] = v
					}
					fold(with, c)
					if got := show(late.all()); got != show(sorted(held)) && got != show(sorted(with)) {
						t.Fatalf("operation %d, step %d:\n%s", fail, i, got)
					}
					continue
				case err != nil:
					t.Fatal(err)
				}
				fold(held, c)
				if got := reopen(t, &memory{files: m.files}); show(got.all()) != show(sorted(held)) || got.revision != c.Revision {
					t.Fatalf("operation %d, step %d:\n%snot\n%s", fail, i, show(got.all()), show(sorted(held)))
				}
			}
			if m.left > 0 { // there were fewer operations
				break
			}
			if refused > 1 {
				t.Fatalf("operation %d failed once and refused %d changes", fail, refused)
			}
		}
	}
}

func sorted(held map[subject]Change) (out []Change) {
	for _, c := range held {
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b Change) int { return int(a.Revision - b.Revision) })
	return out
}

func TestDamageIsNotStarted(t *testing.T) {
	m := newMemory()
	l := reopen(t, m)
	for _, c := range steps() {
		if err := l.append(&c, at(0)); err != nil {
			t.Fatal(err)
		}
	}
	whole := m.files["dir/changes"]
	for i := range len(whole) - 1 { // without its end, the last line is one that was being written
		bad := slices.Clone(whole)
		bad[i] ^= 0x04
		if _, err := openLog(&memory{files: map[string][]byte{"dir/changes": bad}}, "dir/changes"); !errors.Is(err, ErrDamaged) {
			t.Fatalf("byte %d turned: %v", i, err)
		}
	}
	base := string(whole[:bytes.IndexByte(whole, '\n')+1])
	for _, bad := range []string{"", "\n", "garbage", string(whole[20:]), base, base[:len(base)-1], string(whole[:len(base)+30])} {
		if _, err := openLog(&memory{files: map[string][]byte{"dir/changes": []byte(bad)}}, "dir/changes"); !errors.Is(err, ErrDamaged) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// TestTheFileStaysSmall changes the same things over and over, and others that end.
func TestTheFileStaysSmall(t *testing.T) {
	m := newMemory()
	l := reopen(t, m)
	most := 0
	for i := range 40_000 {
		now := at(i)
		c := Change{Do: Add, List: "l", Value: fmt.Sprint(i % 7), Until: now.Add(time.Hour)}
		if i%2 == 0 {
			c.Value = fmt.Sprint("once-", i)
		}
		if err := l.append(&c, now); err != nil {
			t.Fatal(err)
		}
		most = max(most, bytes.Count(m.files["dir/changes"], []byte{'\n'}))
	}
	if most > 2*keptPast+2*slack {
		t.Errorf("%d lines", most)
	}
	again := reopen(t, m)
	again.sweep(at(40_000))
	l.sweep(at(40_000))
	if again.revision != 40_000 || show(again.all()) != show(l.all()) {
		t.Errorf("revision %d", again.revision)
	}
	if n := len(m.files); n != 1 {
		t.Errorf("%d files", n)
	}
}

func TestChangesAreBounded(t *testing.T) {
	l := reopen(t, newMemory())
	l.most = 3
	add := func(value string, now int) error {
		return l.append(&Change{Do: Add, List: "l", Value: value, Until: at(now + 1)}, at(now))
	}
	for _, value := range []string{"a", "b", "c", "c"} {
		if err := add(value, 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := add("d", 0); !errors.Is(err, ErrFull) || len(l.all()) != 3 {
		t.Error(err)
	}
	if err := add("d", 24*9); err != nil { // what ended long ago makes room
		t.Error(err)
	}
}
