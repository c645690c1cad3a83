package demo

import "math"

const (
	second = int64(1e9)
	minute = 60 * second
)

// attack begins the next attack. Every round has each kind once, in an order of
// its own, so that a short demo shows them all.
func (g *Generator) attack(now int64) {
	if len(g.round) == 0 {
		all := Attacks()
		g.round = all[:]
		g.rng.Shuffle(len(g.round), func(i, j int) { g.round[i], g.round[j] = g.round[j], g.round[i] })
	}
	kind := g.round[0]
	g.round = g.round[1:]
	g.attacks++
	switch kind {
	case CardTesting:
		if g.rng.Float64() < .6 {
			g.testCard(now)
		} else {
			g.guessCards(now)
		}
	case Takeover:
		g.takeOver(now)
	case BadMerchant:
		g.goBad(now)
	case OneIP:
		g.tryCards(now)
	case MuleAccount:
		g.useMule(now)
	}
}

// commit posts a payment of the running attack. More than half of them are
// found out some hours later, when a victim reads a statement.
func (g *Generator) commit(kind Attack, d *draft, victim, shop int) {
	d.attack, d.attackID, d.victim, d.shop = kind, g.attacks, victim, shop
	g.post(d)
	if g.rng.Float64() < .6 {
		g.agenda.add(entry{at: d.at + 5*hour + int64(g.rng.ExpFloat64()*float64(12*hour)), do: found, draft: d})
	}
}

// victim picks an account, one that has something to steal.
func (g *Generator) victim() int {
	for {
		if i := g.rng.IntN(len(g.accounts)); g.accounts[i].perDay > 1 {
			return i
		}
	}
}

// between draws a whole number from a to b.
func (g *Generator) between(a, b int) int { return a + g.rng.IntN(b-a+1) }

// within draws an amount in minor units, small ones more often.
func (g *Generator) within(a, b int64) int64 {
	return int64(float64(a) * math.Pow(float64(b)/float64(a), g.rng.Float64()))
}

// patience is how much slower than usual an attack goes. A few attackers know
// that haste is what gives them away; a demo that catches everybody would lie.
func (g *Generator) patience() int64 {
	if g.rng.Float64() < .12 {
		return 10
	}
	return 1
}

// lair is where an attacker pays from.
type lair struct{ device, ip string }

// attackFrom gives a new lair, or one that served before: attackers move less
// often than they should.
func (g *Generator) attackFrom() lair {
	if n := len(g.lairs); n > 0 && g.rng.Float64() < .25 {
		return g.lairs[g.rng.IntN(n)]
	}
	l := lair{g.names.device(), g.names.strangeIP()}
	g.lairs = append(g.lairs, l)
	return l
}

// testCard: a stolen card is tried with small payments at many shops; if it
// works, something dear follows.
func (g *Generator) testCard(now int64) {
	v := g.victim()
	a := &g.accounts[v]
	card, from := a.cards[0], g.attackFrom()
	shops := g.market.online[a.country]
	tries, slow := g.between(10, 28), g.patience()
	for i := range tries + g.between(1, 3) {
		now += slow * (8*second + int64(g.rng.ExpFloat64()*float64(14*second)))
		amount := g.within(50, 480)
		if i >= tries {
			now += 2 * minute
			amount = g.within(15000, 90000)
		}
		d := g.charge(a, &g.market.all[shops.anyOf(g.rng)], now, amount)
		d.card, d.device, d.ip = card, from.device, from.ip
		g.commit(CardTesting, d, v, -1)
	}
}

// guessCards: made-up card numbers are tried at one shop that takes small
// amounts from anybody, from ever new addresses and without an account.
func (g *Generator) guessCards(now int64) {
	c := g.homeCountry()
	m := &g.market.all[g.market.online[c].anyOf(g.rng)]
	slow := g.patience()
	for range g.between(40, 90) {
		now += slow * int64(g.rng.ExpFloat64()*float64(9*second))
		d := g.charge(&g.accounts[0], m, now, g.within(50, 390))
		d.account, d.card, d.device, d.ip = "", g.names.card(), g.names.device(), g.names.strangeIP()
		d.country = g.places[g.elsewhere(c)].code
		g.commit(CardTesting, d, -1, -1)
	}
}

// takeOver: somebody else logs in, from a new device, mostly abroad, and spends
// as fast as possible.
func (g *Generator) takeOver(now int64) {
	v := g.victim()
	a := &g.accounts[v]
	from, country := g.attackFrom(), g.places[a.country].code
	if g.rng.Float64() < .75 {
		country = g.places[g.elsewhere(a.country)].code
	}
	cash := g.names.wallet()
	for range g.between(4, 9) {
		now += minute + int64(g.rng.ExpFloat64()*float64(5*minute))
		amount := int64(float64(g.within(15000, 80000)) * math.Sqrt(a.level))
		d := g.charge(a, &g.market.all[g.market.online[a.country].anyOf(g.rng)], now, amount)
		if g.rng.Float64() < .35 {
			d = g.transfer(a, now, cash, amount)
		}
		d.device, d.ip, d.country = from.device, from.ip, country
		g.commit(Takeover, d, v, -1)
	}
}

// goBad: a shop charges cards that it knows far too much, many of them
// repeatedly, without their owners being there.
func (g *Generator) goBad(now int64) {
	c := g.homeCountry()
	shop := g.market.online[c].anyOf(g.rng)
	m := &g.market.all[shop]
	end := now + int64(g.between(60, 180))*minute
	for range g.between(20, 45) {
		v := g.victim()
		a := &g.accounts[v]
		at := now + g.rng.Int64N(end-now)
		d := g.charge(a, m, at, int64(m.price*100*(3+3*g.rng.Float64())))
		for range 1 + g.rng.IntN(3) {
			again := *d
			again.at, again.device, again.ip = at, "", ""
			g.commit(BadMerchant, &again, v, shop)
			at += 2*minute + g.rng.Int64N(20*minute)
		}
	}
}

// tryCards: one address, many stolen cards, one purchase with each. Half of
// the attackers change their device's fingerprint each time.
func (g *Generator) tryCards(now int64) {
	from, steady := g.attackFrom(), g.rng.Float64() < .5
	c := g.homeCountry()
	gap := float64(g.between(20, 75)) * float64(g.patience()*second)
	for range g.between(18, 60) {
		now += int64(g.rng.ExpFloat64() * gap)
		v := g.victim()
		a := &g.accounts[v]
		d := g.charge(a, &g.market.all[g.market.online[c].pick(g.rng)], now, g.within(2000, 25000))
		d.ip, d.device, d.country = from.ip, from.device, g.places[c].code
		if !steady {
			d.device = g.names.device()
		}
		if g.rng.Float64() < .5 { // bought on a market for stolen cards, the owner banks elsewhere
			d.account, d.card, v = "", g.names.card(), -1
		}
		g.commit(OneIP, d, v, -1)
	}
}

// useMule: people are talked into sending money to an account that was bought
// or opened for it, and from there it is gone within minutes. The payers are
// real and pay from their own devices; only the receiver is strange.
func (g *Generator) useMule(now int64) {
	mule := g.openAccount()
	g.accounts[mule].perDay = .5
	m := g.accounts[mule]
	sum, at, slow := int64(0), now, g.patience()
	for range g.between(12, 30) {
		at += slow * int64(g.rng.ExpFloat64()*float64(9*minute))
		v := g.victim()
		d := g.transfer(&g.accounts[v], at, m.wallet, g.within(12000, 80000))
		d.currency = g.places[m.country].currency
		sum += d.amount
		g.commit(MuleAccount, d, -1, -1)
	}
	cash := g.names.wallet()
	at += 10 * minute
	for n := g.between(4, 7); n > 0; n-- {
		at += minute + g.rng.Int64N(4*minute)
		d := g.transfer(&m, at, cash, sum/int64(n)*8/10)
		sum -= d.amount
		g.commit(MuleAccount, d, -1, -1)
	}
}
