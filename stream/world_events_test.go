package stream

import (
	"fmt"
	"strings"
	"syscall"
	"time"

	"sluice/scoring/event"
)

// tick lets time pass.
func (w *simWorld) tick() {
	w.outage--
	w.now += w.r.Int64N(int64(2*time.Second)) / 1e6 * 1e6
	if w.calm {
		return
	}
	switch w.r.IntN(60) {
	case 0, 1:
		w.now += w.r.Int64N(int64(hour)) / 1e6 * 1e6
	case 2:
		jump := min(w.span, w.r.Int64N(int64(9*days))) / 1e6 * 1e6
		w.span -= jump
		w.now += jump
		w.meet("clock", "jumps ahead")
		w.tell("the clock is %s", w.clock(w.now))
	case 3:
		back := min(w.now-w.began, w.r.Int64N(int64(4*hour))) / 1e6 * 1e6
		w.now -= back
		w.span += back
		w.meet("clock", "goes back")
		w.tell("the clock goes back to %s", w.clock(w.now))
	}
}

// chance is something that may happen, so many times in a hundred.
type chance struct {
	percent int
	do      func()
}

// step lets one thing happen.
func (w *simWorld) step() {
	w.tick()
	n := w.r.IntN(100)
	for _, c := range w.chances() {
		if n -= c.percent; n < 0 {
			c.do()
			break
		}
	}
	w.process.answers()
	w.process.watch()
}

func (w *simWorld) chances() []chance {
	s := w.process
	return []chance{
		{16, w.publish},
		{4, w.finding},
		{12, s.fetch},
		{16, s.turn},
		{11, func() { s.read(false) }},
		{8, s.bring},
		{12, func() { s.verdicts.step(false) }},
		{2, func() { s.letters.step(false); s.transactions.step(false) }},
		{6, s.tick},
		{5, func() { s.write(true) }},
		{1, s.forget},
		{1, s.sift},
		{1, s.reload},
		{3, s.request},
		{1, s.regroup},
		{1, w.kill},
	}
}

// kill kills the process, more rarely than other things happen, and lets what
// others have left do something.
func (w *simWorld) kill() {
	w.haunt()
	if w.r.IntN(3) == 0 {
		w.meet("crash", "killed")
		panic(simCrash{"killed"})
	}
}

// haunt lets the producers of dead processes send something.
func (w *simWorld) haunt() {
	for _, z := range w.zombies {
		if w.r.IntN(2) == 0 {
			z.step(false)
		}
	}
}

// payment makes a payment: mostly a new one.
func (w *simWorld) payment() *simTx {
	r := w.r
	if n := len(w.payments); n > 0 {
		old := w.payments[n-1-r.IntN(min(n, 40))]
		switch r.IntN(14) {
		case 0:
			w.meet("payments", "the same again")
			return old
		case 1:
			w.meet("payments", "another body of an id")
			x := *old
			if r.IntN(2) == 0 {
				x.amount++
			} else {
				x.entities[r.IntN(2)] = w.value(r.IntN(2))
			}
			return w.make(&x)
		case 2:
			w.meet("payments", "the same but for its secret")
			x := *old
			x.entities[2] = w.value(2)
			return w.make(&x)
		}
	}
	x := &simTx{id: fmt.Sprintf("t%03d", len(w.payments)+1), amount: r.Int64N(10_000), entities: [3]string{w.value(0), w.value(1), w.value(2)}}
	x.time = w.now - r.Int64N(10)*w.grain
	switch r.IntN(20) {
	case 0:
		x.time = w.now - r.Int64N(int64(6*hour))
	case 1:
		x.time = w.now - r.Int64N(int64(33*days))
	case 2:
		x.time = w.now - simRetention - (r.Int64N(3)-1)*1e6
	case 3:
		x.time = w.now + event.MaxAhead + (r.Int64N(3)-1)*1e6
	case 4:
		x.time = w.now + r.Int64N(int64(hour))
	default:
		x.time = x.time / w.grain * w.grain
	}
	x.time = x.time / 1e6 * 1e6
	x = w.make(x)
	w.meet("payments", "new")
	if x.time < w.newest {
		w.meet("payments", "older than one before")
	}
	w.newest = max(w.newest, x.time)
	w.payments = append(w.payments, x)
	return x
}

// value draws the value of an entity; some have none.
func (w *simWorld) value(entity int) string {
	n := w.r.IntN([]int{7, 3, 5}[entity] + 1)
	if n == 0 && w.r.IntN(3) > 0 {
		n = 1
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%s%d", simEntities()[entity], n)
}

// make writes the message.
func (w *simWorld) make(x *simTx) *simTx {
	var b strings.Builder
	fmt.Fprintf(&b, `{"id":%q,"time":%d,"amount":"%d.%02d"`, x.id, x.time/1e6, x.amount/100, x.amount%100)
	for e, value := range x.entities {
		if value != "" {
			fmt.Fprintf(&b, `,%q:%q`, simEntities()[e], value)
		}
	}
	x.message = b.String() + "}"
	w.txs[x.message] = x
	return x
}

// publish puts a payment into the topic.
func (w *simWorld) publish() {
	x := w.payment()
	partition := int32(w.r.IntN(len(w.transactions.parts)))
	at := w.ms()
	switch w.r.IntN(12) {
	case 0:
		at -= w.r.Int64N(int64(3*hour) / 1e6)
	case 1:
		at += w.r.Int64N(int64(2*hour) / 1e6)
	}
	if at < w.arrived {
		w.meet("payments", "arrival before one before")
	}
	w.arrived = max(w.arrived, at)
	offset := w.transactions.add(partition, []simRecord{{time: at, key: []byte(x.entities[0]), value: []byte(x.message)}})
	w.tell("publish %d:%d at %s %s", partition, offset, w.clock(at*1e6), x.message)
}

// finding puts a label into the topic, of a payment that came or is to come.
func (w *simWorld) finding() {
	r := w.r
	id := fmt.Sprintf("t%03d", max(1, len(w.payments)+5-r.IntN(40)))
	l := event.Label{ID: id, Fraud: r.IntN(4) > 0}
	l.Time = w.now + []int64{0, -1, 1, -24, 3}[r.IntN(5)]*r.Int64N(3)*int64(hour)
	l.Time = l.Time / w.grain * w.grain / 1e6 * 1e6
	value := fmt.Sprintf(`{"id":%q,"fraud":%v,"at":%q}`, id, l.Fraud, time.Unix(0, l.Time).UTC().Format(time.RFC3339Nano))
	partition := int32(r.IntN(len(w.labels.parts)))
	for i := range 1 + r.IntN(5)/4 {
		if i > 0 {
			w.meet("labels", "twice")
		}
		w.labels.add(partition, []simRecord{{time: w.ms(), value: []byte(value)}})
		w.told[partition] = append(w.told[partition], l)
	}
	w.tell("publish label %d: %s", partition, value)
}

// trouble arms a fault of the disk for the next write.
func (w *simWorld) trouble() {
	if w.calm {
		return
	}
	if w.outage > 0 {
		w.disk.arm(1+w.r.IntN(14), 1000, w.fault, 0, 0)
		return
	}
	switch w.r.IntN(10) {
	case 0, 1:
		w.disk.arm(1+w.r.IntN(12), 1+w.r.IntN(3), w.fault, 0, 0)
	case 2:
		w.fault = []error{syscall.EIO, syscall.ENOSPC}[w.r.IntN(2)]
		w.outage = w.r.IntN(150)
		w.meet("disk", "fails for a while")
		w.tell("the disk fails: %v", w.fault)
	case 3:
		w.disk.arm(0, 0, nil, 1+w.r.IntN(14), w.tear())
	}
}

// power dies with the process if the power failed meanwhile.
func (w *simWorld) power() {
	if w.left = w.disk.disarm(); w.left != nil {
		w.meet("crash", "power fails in a write")
		panic(simCrash{"the power fails in a write"})
	}
}

// between lets the rest of the world go on, in which the process may die.
func (w *simWorld) between() {
	if w.calm {
		return
	}
	if w.r.IntN(60) == 0 {
		w.meet("crash", "killed while it starts")
		panic(simCrash{"killed while it starts"})
	}
	w.haunt()
}
