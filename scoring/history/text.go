package history

import (
	"strings"

	"sluice/scoring/event"
)

// arena makes strings of bytes that will change. Many strings share one piece
// of memory, which the collector takes when the last of them is gone.
type arena struct{ b strings.Builder }

const arenaSize = 64 << 10

func (a *arena) keep(text []byte) string {
	if a.b.Cap()-a.b.Len() < len(text) {
		a.b = strings.Builder{}
		a.b.Grow(max(arenaSize, len(text)))
	}
	from := a.b.Len()
	a.b.Write(text)
	return a.b.String()[from:]
}

// verdictNames gives verdicts their numbers in rows: 0 is none.
var verdictNames = [...]string{"", "allow", "review", "deny"}

// verdictWords holds the hash of each verdict.
type verdictWords [len(verdictNames)]uint64

func newVerdictWords() (v verdictWords) {
	v[0] = event.Missing
	for i := 1; i < len(v); i++ {
		v[i] = event.Hash([]byte(verdictNames[i]))
	}
	return v
}

func (v *verdictWords) word(n uint8) uint64 { return v[n] }

func (v *verdictWords) text(n uint8) string { return verdictNames[n] }

func verdictOf(r []uint64) uint8 { return uint8(r[rowCount] >> 32) }
