package tally

import (
	"cmp"
	"math"
	"slices"
	"time"

	"sluice/rules"
)

// calendar keeps a sheet a day, as long as the day may turn out to be young: which
// ones are is known at the end only. Those before are one sheet.
type calendar struct {
	zone *time.Location
	lag  int64
	size int // cells

	days     []*day // ascending
	settled  sheet
	today    *day // the last one asked for, from..to
	from, to int64
}

// day is what is counted of one day in the schema's zone.
type day struct {
	start  int64 // ns
	chart  Day
	sheet  sheet // nil: in calendar.settled
	closed bool
	settle *calendar
}

// Day counts the verdicts of a day.
type Day struct {
	Date         string `json:"date"`
	Transactions int64  `json:"transactions"`
	Fraud        int64  `json:"fraud"`
	Review       int64  `json:"review"`
	Deny         int64  `json:"deny"`
	// Of the set that is compared with; 0 without one.
	WasReview int64 `json:"against_review"`
	WasDeny   int64 `json:"against_deny"`
}

func (c *calendar) begin(zone *time.Location, lag int64) {
	c.zone, c.lag, c.size = zone, lag, flips
	if zone == nil {
		c.zone = time.UTC
	}
}

// of gives the day of a time; newest is the newest time of all.
func (c *calendar) of(at, newest int64) *day {
	if c.today != nil && at >= c.from && at < c.to {
		return c.today
	}
	c.from, c.to = c.bounds(at)
	i, found := slices.BinarySearchFunc(c.days, c.from, func(d *day, start int64) int { return cmp.Compare(d.start, start) })
	if !found {
		date := time.Unix(0, c.from).In(c.zone).Format(time.DateOnly)
		c.days = slices.Insert(c.days, i, &day{start: c.from, chart: Day{Date: date}, settle: c})
		c.fold(newest)
	}
	c.today = c.days[i]
	return c.today
}

// bounds gives the beginning of a time's day, and of the next.
func (c *calendar) bounds(at int64) (from, to int64) {
	y, m, d := time.Unix(0, at).In(c.zone).Date()
	return c.midnight(y, m, d), c.midnight(y, m, d+1)
}

// midnight gives the first moment of a date. Where clocks go forward at midnight,
// no clock shows 0:00, and where they go back to it, they show it twice: time.Date
// then gives 23:00 of the day before, or the second 0:00.
func (c *calendar) midnight(y int, m time.Month, d int) int64 {
	t := time.Date(y, m, d, 0, 0, 0, 0, c.zone)
	if t.Day() != time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Day() {
		_, t = t.ZoneBounds()
	} else if before := t.Add(-1); before.Day() == t.Day() {
		hour, minute, second := before.Clock()
		since := (hour*60+minute)*60 + second
		t = before.Add(1 - time.Second - time.Duration(since)*time.Second)
	}
	return t.UnixNano()
}

// fold adds up the days that are settled whatever comes.
func (c *calendar) fold(newest int64) {
	young := c.youngFrom(newest)
	for _, d := range c.days {
		if d.start >= young {
			return
		}
		if !d.closed {
			c.settled.merge(d.sheet, c.size)
			d.sheet, d.closed = nil, true
		}
	}
}

// youngFrom gives the beginning of the young days: that of the day on which the
// lag before the horizon ends.
func (c *calendar) youngFrom(horizon int64) int64 {
	if c.lag <= 0 || horizon < math.MinInt64+c.lag {
		return math.MaxInt64
	}
	from, _ := c.bounds(horizon - c.lag)
	return from
}

// column gives the cells that a transaction of the day is counted in.
func (d *day) column(currency uint64, size int) []cell {
	if d.closed {
		return d.settle.settled.column(currency, size)
	}
	return d.sheet.column(currency, size)
}

// sums gives what is counted of all days, and of the young ones.
func (c *calendar) sums(young int64) (all, recent sheet) {
	all.merge(c.settled, c.size)
	for _, d := range c.days {
		all.merge(d.sheet, c.size)
		if d.start >= young {
			recent.merge(d.sheet, c.size)
		}
	}
	return all, recent
}

func (d *Day) count(label Label, now, was rules.Verdict) {
	d.Transactions++
	if label == Fraud {
		d.Fraud++
	}
	switch now {
	case rules.Review:
		d.Review++
	case rules.Deny:
		d.Deny++
	}
	switch was {
	case rules.Review:
		d.WasReview++
	case rules.Deny:
		d.WasDeny++
	}
}
