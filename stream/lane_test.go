package stream

import (
	"errors"
	"testing"
)

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
