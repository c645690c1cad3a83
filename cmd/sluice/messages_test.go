package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

// TestMessagesBesideProgress: what several goroutines say comes out in whole
// lines, none of them behind what is left of the progress, and that is gone in
// the end.
func TestMessagesBesideProgress(t *testing.T) {
	var out bytes.Buffer
	m := messagesTo(&out)
	m.tty = true
	var all sync.WaitGroup
	const n = 300
	all.Go(func() {
		for i := range n {
			m.draw(fmt.Sprintf("[%d of %d]", i, n))
		}
	})
	for _, who := range []string{"a", "b"} {
		all.Go(func() {
			for i := range n {
				fmt.Fprintf(m, "%s%d is wrong\n", who, i)
			}
		})
	}
	all.Wait()
	m.wipe()
	var got, want []string
	for line := range strings.Lines(out.String()) {
		screen := ""
		for _, part := range strings.SplitAfter(line, "\x1b[K") { // erases behind the cursor, which \r brings to the left
			if after, ok := strings.CutPrefix(part, "\r"); ok {
				screen = after
			} else {
				screen += part
			}
			screen = strings.TrimSuffix(screen, "\x1b[K")
		}
		got = append(got, screen)
	}
	for i := range n {
		want = append(want, fmt.Sprintf("a%d is wrong\n", i), fmt.Sprintf("b%d is wrong\n", i))
	}
	if last := got[len(got)-1]; last != "" && !slices.Contains(want, last) {
		t.Errorf("%q is left in the last line", last)
	}
	got = slices.DeleteFunc(got, func(line string) bool { return line == "" })
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("on the screen stands\n%q\nand not\n%q", got, want)
	}
}
