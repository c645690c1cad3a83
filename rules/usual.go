package rules

import "time"

// usual is how often a rule fires, by the hour of the day. What is counted is in
// 1,024ths, so that small numbers fade too.
type usual struct {
	hours           uint64 // that were counted
	hits, txs       [24]uint64
	allHits, allTxs uint64 // the sums of hits and txs
}

const usualUnit = 1024

// usualPrior is how many hits, at the rate of the whole day, are counted to those
// of each hour of the day: of a few hits, which may be chance, little is made.
const usualPrior = 5

// lateHour is an hour that is over; without transactions it is none.
type lateHour struct {
	hour      int // of the day
	hits, txs uint64
}

func (u *usual) add(l lateHour) {
	u.hours++
	u.allHits += fade(&u.hits[l.hour], l.hits)
	u.allTxs += fade(&u.txs[l.hour], l.txs)
}

// fade takes an eighth from a count and adds to it. It gives the difference, which
// may be below 0: sums of unsigned numbers come out right all the same.
func fade(count *uint64, n uint64) uint64 {
	before := *count
	*count += n*usualUnit - *count/breakerFades
	return *count - before
}

// rate gives the share of transactions that the rule usually fires for, at an
// hour of the day.
func (u *usual) rate(hour int) float64 {
	if u.allHits == 0 {
		return 0
	}
	all := float64(u.allHits) / float64(u.allTxs)
	return max(all, u.at(hour, all), u.at((hour+23)%24, all))
}

// at gives the share at an hour of the day: that of the whole day at first, and its
// own as more is known of it.
func (u *usual) at(hour int, all float64) float64 {
	const prior = usualPrior * usualUnit
	return (float64(u.hits[hour]) + prior) / (float64(u.txs[hour]) + prior/all)
}

// pace tells the time by arrivals.
type pace struct {
	now   int64 // ns
	least int64 // arrival of the open block
	seen  int   // in it
}

// paceBlock is how many transactions one after the other say what time it is, and
// paceBack how far they must be behind for the time to go back: less far are
// partitions that are not quite level.
const (
	paceBlock = 8
	paceBack  = int64(24 * time.Hour)
)

// see notes an arrival; moved says that the time has changed.
func (p *pace) see(arrival int64) (moved bool) {
	if p.seen == 0 || arrival < p.least {
		p.least = arrival
	}
	if p.seen++; p.seen < paceBlock {
		return false
	}
	p.seen = 0
	if p.least <= p.now && p.least >= p.now-paceBack || p.least < 0 {
		return false
	}
	p.now = p.least
	return true
}
