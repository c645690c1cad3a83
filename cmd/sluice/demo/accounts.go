package demo

import (
	"fmt"
	"math"
	"math/rand/v2"
)

const (
	hour = int64(3600e9)
	day  = 24 * hour
)

// account is a customer with habits.
type account struct {
	id, wallet string // a wallet is what others transfer to
	country    int
	cards      []string
	devices    []string
	home       string // IP
	carrier    string // IP shared with many others
	favourites []int
	friends    []int
	level      float64 // spending, 1 is usual
	perDay     float64 // payments
	sendsBack  float64 // share of payments that are refunds
	lat, lon   float64

	// A journey: between the two flights the account pays abroad, online from
	// a hotel's IP. 0 if it does not travel.
	leaves, returns int64
	abroad          int
	hotel           string
}

// rhythm is how much is paid in each hour of the day, 1 on average.
func rhythm() [24]float64 {
	return [24]float64{
		.25, .14, .08, .06, .08, .2, .55, 1.05, 1.3, 1.25, 1.3, 1.55,
		1.8, 1.6, 1.3, 1.3, 1.5, 1.85, 1.95, 1.7, 1.3, .95, .65, .4,
	}
}

// busiest is the largest of rhythm.
const busiest = 1.95

// names gives out identifiers. IPs are from ranges that belong to nobody
// (RFC 2544, 3849, 6598), so that no demo accuses a real network.
type names struct {
	rng   *rand.Rand
	homes int
}

func (n *names) card() string   { return fmt.Sprintf("c-%010x", n.rng.Uint64()>>24) }
func (n *names) device() string { return fmt.Sprintf("d-%010x", n.rng.Uint64()>>24) }
func (n *names) wallet() string { return fmt.Sprintf("w-x%08x", n.rng.Uint32()) }

func (n *names) homeIP() string {
	n.homes++
	if h := n.homes; h%3 != 0 && h < 1<<16 {
		return fmt.Sprintf("198.18.%d.%d", h>>8, h&255)
	}
	return fmt.Sprintf("2001:db8:%x:%x:%x:%x:%x:%x", n.group(), n.group(), n.group(), n.group(), n.group(), n.group())
}

// group is one of an IPv6 address, never 0: the canonical text has no "::".
func (n *names) group() int { return 1 + n.rng.IntN(0xffff) }

// strangeIP is one that no account is at home at: a hotel, a proxy, an attacker.
func (n *names) strangeIP() string {
	return fmt.Sprintf("198.19.%d.%d", n.rng.IntN(256), n.rng.IntN(256))
}

func carrierIP(country, k int) string { return fmt.Sprintf("100.64.%d.%d", country, k) }

// openAccount adds an account with the habits of a country's people.
func (g *Generator) openAccount() int {
	i := len(g.accounts)
	c := g.homeCountry()
	place := g.places[c]
	carriers := 1 + int(float64(g.opts.Accounts)*place.weight/g.weight/60)
	a := account{
		id:        fmt.Sprintf("a-%06d", i),
		wallet:    fmt.Sprintf("w-%06d", i),
		country:   c,
		cards:     []string{g.names.card()},
		devices:   []string{g.names.device()},
		home:      g.names.homeIP(),
		carrier:   carrierIP(c, g.rng.IntN(min(carriers, 256))),
		level:     math.Exp(.5 * g.rng.NormFloat64()),
		sendsBack: .015,
		perDay:    g.opts.PerDay * math.Exp(.6*g.rng.NormFloat64()-.18),
		lat:       place.lat + g.rng.NormFloat64()/2,
		lon:       place.lon + g.rng.NormFloat64()/2,
	}
	if g.rng.Float64() < .35 {
		a.cards = append(a.cards, g.names.card())
	}
	if g.rng.Float64() < .3 {
		a.devices = append(a.devices, g.names.device())
	}
	if g.rng.Float64() < .003 {
		a.sendsBack = .5
	}
	for range 6 + g.rng.IntN(8) {
		a.favourites = append(a.favourites, g.market.inCountry[c].pick(g.rng))
	}
	for range 1 + g.rng.IntN(4) {
		if i > 0 {
			a.friends = append(a.friends, g.rng.IntN(i))
		}
	}
	g.accounts = append(g.accounts, a)
	return i
}

func (g *Generator) homeCountry() int {
	x := g.rng.Float64() * g.weight
	for c := range g.places {
		if x -= g.places[c].weight; x < 0 {
			return c
		}
	}
	return 0
}

// elsewhere gives a country that is not c.
func (g *Generator) elsewhere(c int) int {
	return (c + 1 + g.rng.IntN(len(g.places)-1)) % len(g.places)
}

// nextWake draws when an account pays next: a Poisson process with the rhythm
// of its day.
func (g *Generator) nextWake(a *account, now int64) int64 {
	zone := int64(g.places[a.country].zone) * hour
	for {
		now += int64(g.rng.ExpFloat64() * float64(day) / (a.perDay * busiest))
		if g.rng.Float64()*busiest < g.rhythm[(now+zone)%day/hour] {
			return now
		}
	}
}

// flight is how long a journey takes, each way. Nobody pays on the plane.
const flight = 8 * hour

func (a *account) away(now int64) bool { return now >= a.leaves && now < a.returns }

func (a *account) flying(now int64) bool {
	return now >= a.leaves && now < a.leaves+flight || now >= a.returns-flight && now < a.returns
}

// live is what changes in an account's life now and then: a journey, a new phone.
func (g *Generator) live(a *account, now int64) {
	switch x := g.rng.Float64() * a.perDay; {
	case now > a.returns && x < 1./90:
		a.leaves = now + 6*hour
		a.returns = a.leaves + 2*day + g.rng.Int64N(5*day)
		a.abroad, a.hotel = g.elsewhere(a.country), g.names.strangeIP()
	case x > a.perDay-1./120:
		a.devices[g.rng.IntN(len(a.devices))] = g.names.device()
	}
}

// pay makes the payment that an account makes now, nil if it can't pay.
func (g *Generator) pay(i int, now int64) *draft {
	a := &g.accounts[i]
	g.live(a, now)
	if a.flying(now) {
		return nil
	}
	switch x := g.rng.Float64(); {
	case x < .06 && len(a.friends) > 0:
		friend := &g.accounts[a.friends[g.rng.IntN(len(a.friends))]]
		return g.transfer(a, now, friend.wallet, 500+int64(g.rng.ExpFloat64()*4000*a.level))
	case x < .06+a.sendsBack:
		return g.refund(a, now)
	case x > .99:
		return g.cardCheck(a, now)
	}
	return g.purchase(a, now)
}

func (g *Generator) purchase(a *account, now int64) *draft {
	m := g.shop(a, now)
	d := g.charge(a, m, now, m.amount(g.rng, a.level))
	if m.category.mcc == streaming {
		d.device, d.ip = "", "" // the merchant charges, the payer is not there
	}
	return d
}

// shop picks where an account buys: mostly where it always does.
func (g *Generator) shop(a *account, now int64) *merchant {
	away := a.away(now)
	for {
		pick := 0
		switch x := g.rng.Float64(); {
		case away && x < .8:
			pick = g.market.inCountry[a.abroad].pick(g.rng)
		case away && x < .82: // the card stayed at home, with the family
			pick = a.favourites[0]
		case away:
			pick = g.market.online[a.country].pick(g.rng)
		case x < .74:
			n := len(a.favourites)
			pick = a.favourites[int(float64(n)*math.Pow(g.rng.Float64(), 1.7))]
		case x < .97:
			pick = g.market.inCountry[a.country].pick(g.rng)
		default: // a shop of another country
			pick = g.market.online[g.elsewhere(a.country)].pick(g.rng)
		}
		if !g.market.all[pick].closed {
			return &g.market.all[pick]
		}
	}
}

// charge is a card payment of an account at a merchant, with the account's own
// things.
func (g *Generator) charge(a *account, m *merchant, now, amount int64) *draft {
	d := &draft{
		at: now, kind: "payment", amount: amount, currency: g.places[m.country].currency,
		account: a.id, card: a.cards[g.rng.IntN(len(a.cards))],
		merchant: m.id, mcc: m.category.mcc, channel: m.category.channel, country: g.places[m.country].code,
	}
	if m.category.channel == "pos" {
		d.placed, d.lat, d.lon = true, m.lat, m.lon
		return d
	}
	g.connect(a, d)
	return d
}

// connect fills in from which device and network an account pays.
func (g *Generator) connect(a *account, d *draft) {
	d.device = a.devices[g.rng.IntN(len(a.devices))]
	d.country = g.places[a.country].code
	switch x := g.rng.Float64(); {
	case a.away(d.at):
		d.ip, d.country = a.hotel, g.places[a.abroad].code
	case x < .01: // through a proxy in another country
		d.ip, d.country = g.names.strangeIP(), g.places[g.elsewhere(a.country)].code
	case x < .4:
		d.ip = a.carrier
	default:
		d.ip = a.home
	}
}

func (g *Generator) transfer(a *account, now int64, wallet string, amount int64) *draft {
	d := &draft{
		at: now, kind: "transfer", amount: amount, currency: g.places[a.country].currency,
		account: a.id, merchant: wallet, mcc: "4829", channel: "wallet",
	}
	g.connect(a, d)
	return d
}

func (g *Generator) refund(a *account, now int64) *draft {
	m := g.shop(a, now)
	d := g.charge(a, m, now, m.amount(g.rng, a.level))
	d.kind, d.device, d.ip = "refund", "", ""
	return d
}

// cardCheck is what a shop sends when a card is stored with it: an amount of 0.
func (g *Generator) cardCheck(a *account, now int64) *draft {
	m := &g.market.all[g.market.online[a.country].pick(g.rng)]
	d := g.charge(a, m, now, 0)
	d.kind = "card_check"
	return d
}
