package stream_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sluice/stream"
)

// TestForgottenIDsAreFound: the verdict of an id that this run has forgotten is
// found in the journal, also by the run that has made it.
func TestForgottenIDsAreFound(t *testing.T) {
	b := newBench(t)
	b.create(t, b.options())
	o := b.options()
	o.Core.MaxIDs = 10
	o.Journal = &stream.Journaling{Dir: t.TempDir(), Interval: 20 * time.Millisecond}
	p, stop := b.run(t, o)
	b.pay(t, 0, 50)
	b.decided(t, p, 50)
	b.pay(t, 50, 100)
	b.decided(t, p, 100)
	for i := range 7 {
		record, err := p.Verdict(t.Context(), fmt.Sprint(i))
		if err != nil || !strings.HasPrefix(string(record), fmt.Sprintf(`{"transaction_id":%d,`, i)) {
			t.Fatalf("verdict on %d: %s %v", i, record, err)
		}
	}
	reply, err := p.Decide(t.Context(), b.body(7, "c7", b.start.Add(7*time.Second), 100))
	if err != nil || !reply.Repeat || !strings.HasPrefix(string(reply.Record), `{"transaction_id":7,`) {
		t.Errorf("asking for the verdict on 7 once more: %+v %v", reply, err)
	}
	stop()
}
