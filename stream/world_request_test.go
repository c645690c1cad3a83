package stream

import (
	"errors"
	"sync/atomic"

	"sluice/scoring"
	"sluice/scoring/event"
)

// simCall is a request and what the model says of it.
type simCall struct {
	*call
	tx     simArrival
	status scoring.Status
	done   bool
}

// request is a payment over HTTP.
func (s *simProcess) request() {
	if !s.w.requests {
		return
	}
	s.w.meet("engine", "request")
	x := s.w.payment()
	c := &simCall{call: &call{body: []byte(x.message), open: new(atomic.Int64), done: make(chan struct{})}, tx: simArrival{x, s.w.ms() * 1e6}}
	must(event.NewDecoder(s.w.schema).Transaction(&c.call.tx, c.body, c.tx.arrival))
	s.calls[&c.call.tx] = c
	s.w.tell("request %s", x.message)
	select {
	case s.e.requests <- c.call:
	default:
	}
}

// answers looks at the requests that are answered.
func (s *simProcess) answers() (open int) {
	for _, c := range s.calls {
		if c.done {
			continue
		}
		if !c.ended.Load() {
			open++
			continue
		}
		c.done = true
		switch {
		case errors.Is(c.err, ErrConflict):
			s.w.meet("engine", "request in conflict")
			if c.status != scoring.Conflict {
				s.w.fail("request %s: %v", c.tx.id, c.err)
			}
		case c.err != nil:
			s.w.fail("request %s: %v", c.tx.id, c.err)
		default:
			s.w.meet("engine", "request answered")
			s.w.promise(c)
		}
	}
	return open
}
