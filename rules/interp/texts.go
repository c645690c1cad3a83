package interp

import "fmt"

// textWork is what a condition costs a byte of the texts that it looks at: once,
// and for each event of a window. A condition's Cost takes texts to be short;
// this is what keeps one whose texts are not from stopping all payments behind
// it. It is counted ahead of a run, from the sizes of what was loaded, and not
// measured: so it says the same wherever and whenever the payment is decided.
type textWork struct {
	fixed int
	each  []int
}

// maxTextSteps bounds what the texts of one payment and its windows may cost a
// condition.
const maxTextSteps = 4_000_000

// textSize is how much text the events of a window hold, in bytes.
type textSize struct{ events, all, longest int }

// texts gives the work on texts that was counted.
func (m *meter) texts() textWork {
	w := textWork{fixed: m.fixed.bytes, each: make([]int, len(m.each))}
	for i := range m.each {
		w.each[i] = m.each[i].bytes
	}
	return w
}

// check bounds the work on texts of a run: every operation is taken to look at
// all texts that it could.
func (w *textWork) check(current int, windows []textSize) error {
	steps, longest := 0, 0
	for i, each := range w.each {
		steps += each * (windows[i].all + windows[i].events*current)
		longest = max(longest, windows[i].longest)
	}
	if steps += w.fixed * (current + longest); steps <= maxTextSteps {
		return nil
	}
	return fmt.Errorf("its texts are too long: looking through them takes %d steps, at most %d are allowed", steps, maxTextSteps)
}
