package demo

// action is what happens when an event's time has come.
type action uint8

const (
	send      action = iota + 1 // a payment arrives
	sendAgain                   // the same bytes arrive once more
	found                       // a fraud is found out
	wake                        // an account pays
	attack                      // an attack begins
	opening                     // an account is opened
	sale                        // a crowd at a shop
	pot                         // friends collect money
)

// entry is one thing that will happen in the world.
type entry struct {
	at    int64 // ns
	seq   uint64
	do    action
	n     int // account of wake
	draft *draft
}

func (e *entry) before(o *entry) bool { return e.at < o.at || e.at == o.at && e.seq < o.seq }

// agenda is a heap of what will happen: the next first, and at the same time
// what was added first. (container/heap would box every event.)
type agenda struct {
	events []entry
	seq    uint64
}

func (a *agenda) add(e entry) {
	a.seq++
	e.seq = a.seq
	a.events = append(a.events, e)
	i := len(a.events) - 1
	for i > 0 {
		up := (i - 1) / 2
		if !a.events[i].before(&a.events[up]) {
			return
		}
		a.events[i], a.events[up] = a.events[up], a.events[i]
		i = up
	}
}

func (a *agenda) next() entry {
	first, last := a.events[0], len(a.events)-1
	a.events[0] = a.events[last]
	a.events[last] = entry{}
	a.events = a.events[:last]
	for i := 0; ; {
		least := i
		for down := 2*i + 1; down <= 2*i+2 && down < last; down++ {
			if a.events[down].before(&a.events[least]) {
				least = down
			}
		}
		if least == i {
			return first
		}
		a.events[i], a.events[least] = a.events[least], a.events[i]
		i = least
	}
}
