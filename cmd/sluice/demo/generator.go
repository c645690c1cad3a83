package demo

import (
	"math/rand/v2"
	"time"
)

// Options shape the simulated world. The zero value of a field means its default.
type Options struct {
	Seed      uint64
	Start     time.Time     // of the simulated time; default Monday 2 March 2026
	Accounts  int           // default 12,000
	Merchants int           // default 2,400
	PerDay    float64       // payments of an account; default 4
	Warmup    time.Duration // of simulated time before the live part; default 48h
	Peace     time.Duration // without attacks, from the start; default 30h
	AttackGap time.Duration // mean time between two attacks; default 15m
	Malformed float64       // share of messages that are no valid transactions; default none
}

func (o Options) withDefaults() Options {
	if o.Start.IsZero() {
		o.Start = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	}
	setDefault(&o.Accounts, 12000)
	setDefault(&o.Merchants, 2400)
	setDefault(&o.PerDay, 4)
	setDefault(&o.Warmup, 48*time.Hour)
	setDefault(&o.Peace, 30*time.Hour)
	setDefault(&o.AttackGap, 15*time.Minute)
	return o
}

func setDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

// Generator makes payments without end, in the order in which they arrive. The
// same options give the same bytes. It is not safe for concurrent use.
type Generator struct {
	opts    Options
	rng     *rand.Rand
	rhythm  [24]float64
	places  []country
	weight  float64 // of all places
	market  *market
	names   *names
	started int64 // ns
	liveAt  int64 // ns

	accounts []account
	owners   map[string]int // of cards that attackers used: their accounts, to replace them
	agenda   agenda
	ids      int
	attacks  int
	lairs    []lair
	round    []Attack // what is left of the current round of attacks
}

// draft is a payment before it is written.
type draft struct {
	id           string
	at           int64 // event time, ns
	kind         string
	amount       int64 // minor units
	currency     string
	account      string
	card         string
	device       string
	ip           string
	merchant     string
	mcc          string
	country      string
	channel      string
	placed       bool // lat and lon are known
	lat, lon     float64
	attack       Attack
	attackID     int
	json         []byte
	shop, victim int // of an attack: who has to act when it is found out, -1 if nobody
}

// NewGenerator builds a world.
func NewGenerator(opts Options) *Generator {
	opts = opts.withDefaults()
	rng := rand.New(rand.NewPCG(opts.Seed, 0x5157cece))
	g := &Generator{
		opts: opts, rng: rng, rhythm: rhythm(), places: countries(), names: &names{rng: rng},
		started: opts.Start.UnixNano(), liveAt: opts.Start.Add(opts.Warmup).UnixNano(),
		owners: map[string]int{},
	}
	for _, p := range g.places {
		g.weight += p.weight
	}
	g.market = newMarket(rng, opts.Merchants, g.places)
	for range opts.Accounts {
		i := g.openAccount()
		g.agenda.add(entry{at: g.nextWake(&g.accounts[i], g.started), do: wake, n: i})
	}
	g.schedule(attack, opts.Start.Add(opts.Peace).UnixNano(), opts.AttackGap)
	g.schedule(opening, g.started, openingGap)
	g.schedule(sale, g.started, saleGap)
	g.schedule(pot, g.started, potGap)
	return g
}

// How often things happen in the good world that look a little like attacks.
const (
	openingGap = 12 * time.Minute // a new account
	saleGap    = 5 * time.Hour    // a crowd at one shop
	potGap     = 90 * time.Minute // friends collect money for a present
)

// schedule puts something on the agenda, an exponential gap after at.
func (g *Generator) schedule(do action, at int64, gap time.Duration) {
	g.agenda.add(entry{at: at + int64(g.rng.ExpFloat64()*float64(gap)), do: do})
}

// Live gives the simulated time at which the live part starts.
func (g *Generator) Live() time.Time { return time.Unix(0, g.liveAt).UTC() }

// Speed gives how many simulated seconds have to pass in one real second for
// about perSecond payments a second.
func (g *Generator) Speed(perSecond float64) float64 {
	return perSecond * 86400 / (float64(g.opts.Accounts) * g.opts.PerDay)
}

// Next gives the next message.
func (g *Generator) Next() Message {
	for {
		e := g.agenda.next()
		switch e.do {
		case send:
			return g.send(e)
		case sendAgain:
			m := g.message(e.draft, e.at)
			m.Repeat = true
			return m
		case found:
			return g.foundOut(e)
		case wake:
			if d := g.pay(e.n, e.at); d != nil {
				g.post(d)
			}
			g.agenda.add(entry{at: g.nextWake(&g.accounts[e.n], e.at), do: wake, n: e.n})
		case attack:
			g.attack(e.at)
			g.schedule(attack, e.at, g.opts.AttackGap)
		case opening:
			i := g.openAccount()
			g.agenda.add(entry{at: e.at + int64(time.Minute), do: wake, n: i})
			g.schedule(opening, e.at, openingGap)
		case sale:
			g.crowd(e.at)
			g.schedule(sale, e.at, saleGap)
		case pot:
			g.collect(e.at)
			g.schedule(pot, e.at, potGap)
		}
	}
}

// send writes a payment, or now and then something broken in front of it.
func (g *Generator) send(e entry) Message {
	if e.draft.id == "" {
		if g.opts.Malformed > 0 && g.rng.Float64() < g.opts.Malformed {
			g.agenda.add(e)
			return g.broken(e)
		}
		g.ids++
		e.draft.id = paymentID(g.ids)
		e.draft.json = e.draft.appendJSON(nil)
	}
	return g.message(e.draft, e.at)
}

func (g *Generator) message(d *draft, arrival int64) Message {
	return Message{
		Kind: Payment, Key: d.key(), JSON: d.json, ID: d.id,
		Time: time.Unix(0, d.at).UTC(), Arrival: time.Unix(0, arrival).UTC(), Warmup: arrival < g.liveAt,
		Attack: d.attack, AttackID: d.attackID,
		Amount: money(d.amount), Currency: d.currency,
		Account: d.account, Card: d.card, Device: d.device, IP: d.ip, Merchant: d.merchant,
	}
}

// post sends a payment when it has found its way here: mostly within a second,
// sometimes after those that happened later, rarely twice.
func (g *Generator) post(d *draft) {
	delay := int64(20e6 + g.rng.ExpFloat64()*150e6)
	if g.rng.Float64() < .004 {
		delay += g.rng.Int64N(120e9)
	}
	d.at -= d.at % 1e6 // milliseconds are what is written
	g.agenda.add(entry{at: d.at + delay, do: send, draft: d})
	if g.rng.Float64() < .001 {
		g.agenda.add(entry{at: d.at + delay + 1e9 + g.rng.Int64N(20e9), do: sendAgain, draft: d})
	}
}

// crowd is a sale: many buy at one shop within two hours, for usual prices.
func (g *Generator) crowd(now int64) {
	c := g.homeCountry()
	m := &g.market.all[g.market.online[c].anyOf(g.rng)]
	for range 30 + g.rng.IntN(40) {
		a := &g.accounts[g.rng.IntN(len(g.accounts))]
		if a.country == c && !m.closed {
			g.post(g.charge(a, m, now+g.rng.Int64N(2*hour), m.amount(g.rng, a.level)))
		}
	}
}

// collect is friends who send one of them money for a present.
func (g *Generator) collect(now int64) {
	to := g.rng.IntN(len(g.accounts))
	each := int64(500 * (1 + g.rng.IntN(8)))
	for range 4 + g.rng.IntN(12) {
		a := &g.accounts[g.rng.IntN(len(g.accounts))]
		if a.country == g.accounts[to].country {
			g.post(g.transfer(a, now+g.rng.Int64N(8*hour), g.accounts[to].wallet, each))
		}
	}
}
