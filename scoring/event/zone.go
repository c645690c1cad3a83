package event

import (
	"math"
	"sort"
	"time"
)

// zoneOffset is a stretch of time with one offset from UTC.
type zoneOffset struct{ from, seconds int64 }

// lastSecond is the last second that a timestamp can hold: the end of 2261.
const lastSecond = 9214646399

// MaxTime is the last time that a timestamp can hold, in nanoseconds.
const MaxTime = int64(lastSecond*1e9 + 999_999_999)

// NoTime stands in for a time (ns) that nobody says.
const NoTime = int64(math.MinInt64)

// zoneOffsets lists a zone's offsets over the range of timestamps, so that the
// hour of a payment is a short search and no call.
func zoneOffsets(zone *time.Location) []zoneOffset {
	var list []zoneOffset
	last := int64(math.MinInt64)
	for at := time.Unix(0, 0).In(zone); at.Unix() <= lastSecond; {
		if _, offset := at.Zone(); int64(offset) != last {
			last = int64(offset)
			list = append(list, zoneOffset{at.Unix(), last})
		}
		_, end := at.ZoneBounds()
		if end.IsZero() {
			break
		}
		if !end.After(at) { // Go 1.26 gives this for the last day of a leap year past the table
			end = at.Add(time.Hour)
		}
		at = end
	}
	return list
}

// local gives the seconds since 1970 that a clock in the schema's zone shows.
func (s *Schema) local(ns int64) int64 {
	sec := floorDiv(ns, 1e9)
	switch {
	case s.Zone == nil || s.Zone == time.UTC:
		return sec
	case s.offsets == nil:
		_, offset := time.Unix(sec, 0).In(s.Zone).Zone()
		return sec + int64(offset)
	case len(s.offsets) == 1:
		return sec + s.offsets[0].seconds
	}
	i := sort.Search(len(s.offsets), func(i int) bool { return s.offsets[i].from > sec })
	return sec + s.offsets[max(i-1, 0)].seconds
}

// Hour gives the hour of day, 0 to 23, of a time (ns) in the schema's zone.
func (s *Schema) Hour(ns int64) int64 {
	return floorMod(s.local(ns), 86400) / 3600
}

// Weekday gives the day of the week of a time (ns) in the schema's zone, Monday
// is 1 and Sunday 7.
func (s *Schema) Weekday(ns int64) int64 {
	return floorMod(floorDiv(s.local(ns), 86400)+3, 7) + 1 // 1970 began on a Thursday
}

func floorMod(a, n int64) int64 { return a - floorDiv(a, n)*n }

func floorDiv(a, n int64) int64 {
	q := a / n
	if a%n < 0 {
		q--
	}
	return q
}
