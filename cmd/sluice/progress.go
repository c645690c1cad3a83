package main

import (
	"fmt"
	"strings"
	"sync/atomic"
	"time"
)

// progress shows how far a long work is: redrawn in place on a terminal, a line
// every few seconds elsewhere.
type progress struct {
	out   *messages
	unit  string
	total int64        // of done
	done  atomic.Int64 // what the share is taken from
	items atomic.Int64 // what the rate is taken from
	start time.Time
	quit  chan struct{}
	ended chan struct{}
}

// startProgress begins to show progress towards total; unit names the items
// whose rate is shown.
func startProgress(out *messages, unit string, total int64) *progress {
	p := &progress{
		out: out, unit: unit, total: max(total, 1),
		start: time.Now(), quit: make(chan struct{}), ended: make(chan struct{}),
	}
	every := 5 * time.Second
	if p.out.tty {
		every = 200 * time.Millisecond
	}
	go p.run(every)
	return p
}

func (p *progress) run(every time.Duration) {
	defer close(p.ended)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			p.draw()
		case <-p.quit:
			return
		}
	}
}

// stop ends the display and waits for its goroutine.
func (p *progress) stop() {
	close(p.quit)
	<-p.ended
	p.out.wipe()
}

func (p *progress) draw() {
	elapsed := time.Since(p.start)
	share := min(float64(p.done.Load())/float64(p.total), 1)
	line := fmt.Sprintf("%3.0f %%  %s %s, %s/s", share*100, thousands(p.items.Load()), p.unit,
		thousands(int64(float64(p.items.Load())/elapsed.Seconds())))
	if share > 0.02 && share < 1 {
		left := time.Duration(float64(elapsed) / share * (1 - share))
		line += fmt.Sprintf(", %s left", left.Round(time.Second))
	}
	if !p.out.tty {
		fmt.Fprintln(p.out, strings.TrimSpace(line))
		return
	}
	const width = 30
	full := int(share * width)
	p.out.draw(fmt.Sprintf("[%s%s] %s", strings.Repeat("█", full), strings.Repeat("·", width-full), line))
}

// thousands writes a number with commas between groups of three digits.
func thousands(n int64) string {
	if n < 0 {
		return "-" + thousands(-n)
	}
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}

// plural writes a number and what there is so many of.
func plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(n) + " " + many
}
