package stream

import (
	"context"
	"errors"
	"testing"
)

// TestAdapt: a broker from which little gets through is asked for little, and
// for more again.
func TestAdapt(t *testing.T) {
	f := &fetching{cluster: &Cluster{}, buffers: &buffers{}}
	asked := func() int32 {
		req, _ := f.request(nil, 0)
		return req.MaxBytes
	}
	for _, want := range []int32{responseBytes, responseBytes / 2, responseBytes / 4} {
		if got := asked(); got != want {
			t.Errorf("%d bytes are asked for, not %d", got, want)
		}
		f.adapt(context.DeadlineExceeded)
	}
	for range 20 {
		f.adapt(context.DeadlineExceeded)
	}
	if got := asked(); got != responseBytes/leastShare {
		t.Errorf("%d bytes are asked for at the least", got)
	}
	for range moreAfter - 1 {
		f.adapt(nil)
	}
	if got := asked(); got != responseBytes/leastShare {
		t.Errorf("%d bytes are asked for after few answers", got)
	}
	for range 10 * moreAfter {
		f.adapt(nil)
	}
	if got := asked(); got != responseBytes {
		t.Errorf("%d bytes are asked for after many answers", got)
	}
}

// TestLaneStops: what stops a partition for good is told, whatever of it was
// fetched before and is decoded meanwhile; only a gap takes its payments from
// the others.
func TestLaneStops(t *testing.T) {
	l := newLane("t", 0, false, 0, 0)
	l.stick(errors.New("a damaged batch"))
	l.stick(nil)
	if l.trouble() != nil || l.lacks() {
		t.Errorf("it is over, and there is %v", l.trouble())
	}
	refused := errors.New("refused")
	l.stop(refused)
	l.stick(nil)
	if !errors.Is(l.trouble(), refused) || l.lacks() {
		t.Errorf("it says %v", l.trouble())
	}
	l.stop(&GapError{Topic: "t", From: 3, First: 5, Last: 9})
	l.stick(nil)
	if l.trouble() == nil || !l.lacks() {
		t.Errorf("it says %v", l.trouble())
	}
}
