package stream_test

import (
	"errors"
	"testing"
	"time"

	"sluice/stream"
)

// TestVerdictOfEarlierRun: a verdict can be asked for by its id after a restart,
// when nobody has sent the transaction again and the journal alone knows of it.
func TestVerdictOfEarlierRun(t *testing.T) {
	b := newBench(t)
	o := b.options()
	o.Journal = &stream.Journaling{Dir: t.TempDir(), Interval: 10 * time.Millisecond}
	p, stop := b.run(t, o)
	first, err := p.Decide(t.Context(), b.body(1, "a", time.Now(), 100))
	if err != nil {
		t.Fatal(err)
	}
	stop()

	for _, run := range []string{"second", "third"} {
		p, stop = b.run(t, o)
		if record, err := p.Verdict(t.Context(), "1"); err != nil || string(record) != string(first.Record) {
			t.Errorf("in the %s run: %s %v", run, record, err)
		}
		if _, err := p.Verdict(t.Context(), "77"); !errors.Is(err, stream.ErrUnknown) {
			t.Errorf("an unknown id, in the %s run: %v", run, err)
		}
		stop()
	}
}
