package scoring

import "math"

// clockBlock is how many inputs must have come after a time for it to be past.
const clockBlock = 4096

// clock tells what time is past, from arrivals alone: the smallest one of the
// last clockBlock and more. Records with a timestamp far ahead, and requests
// that come while an old topic is being read, do not move it, so that memory is
// not given back that others still need.
type clock struct {
	seen          int
	before, since int64 // smallest arrival of the last full block, and of the open one
	full          bool
}

// see notes an arrival (ns).
func (c *clock) see(arrival int64) {
	if c.seen == 0 || arrival < c.since {
		c.since = arrival
	}
	if c.seen++; c.seen == clockBlock {
		c.before, c.full, c.seen = c.since, true, 0
	}
}

// passed gives a time (ns) at or before the arrivals of late.
func (c *clock) passed() int64 {
	switch {
	case !c.full:
		return math.MinInt64 / 2 // nothing is known
	case c.seen == 0:
		return c.before
	}
	return min(c.before, c.since)
}
