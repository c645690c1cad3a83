package demo

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
)

// country is where accounts and merchants are at home.
type country struct {
	code, currency string
	zone           int // hours from UTC; the simulated world has no summer time
	lat, lon       float64
	weight         float64 // share of accounts
}

func countries() []country {
	return []country{
		{"DE", "EUR", 1, 50.1, 8.7, 26},
		{"FR", "EUR", 1, 48.9, 2.4, 16},
		{"ES", "EUR", 1, 40.4, -3.7, 10},
		{"IT", "EUR", 1, 45.5, 9.2, 10},
		{"NL", "EUR", 1, 52.4, 4.9, 7},
		{"AT", "EUR", 1, 48.2, 16.4, 4},
		{"IE", "EUR", 0, 53.3, -6.3, 2},
		{"GB", "GBP", 0, 51.5, -0.1, 10},
		{"CH", "CHF", 1, 47.4, 8.5, 5},
		{"US", "USD", -5, 40.7, -74.0, 10},
	}
}

// category is a line of business with what its prices look like.
type category struct {
	mcc, channel  string
	median, sigma float64
	weight        float64 // share of purchases
}

func categories() []category {
	return []category{
		{"5411", "pos", 24, .7, 24},   // groceries
		{"5814", "pos", 8, .45, 13},   // fast food
		{"5812", "pos", 32, .55, 8},   // restaurants
		{"5541", "pos", 52, .4, 6},    // fuel
		{"4111", "pos", 3.4, .35, 9},  // local transport
		{"5912", "pos", 15, .6, 5},    // pharmacies
		{"5651", "pos", 48, .6, 4},    // clothing
		{"4121", "ecom", 14, .5, 4},   // taxis
		{"5311", "ecom", 38, .75, 10}, // department stores
		{"5732", "ecom", 110, .8, 3},  // electronics
		{"5816", "ecom", 9, .7, 4},    // games
		{"5815", "ecom", 10, .25, 4},  // streaming, charged without the payer there
		{"5942", "ecom", 19, .5, 2.5}, // books
		{"8398", "ecom", 15, .7, 1},   // charities
		{"4722", "ecom", 260, .7, 1},  // travel agencies
		{"7011", "ecom", 150, .5, 1},  // hotels
		{"5944", "ecom", 140, .7, .5}, // jewellery
	}
}

const streaming = "5815"

// merchant is a shop.
type merchant struct {
	id       string
	country  int
	category category
	price    float64 // the median of what it charges
	lat, lon float64
	closed   bool // an acquirer ended the contract
}

// market is the merchants of all countries, with how popular each is.
type market struct {
	all       []merchant
	inCountry []popularity
	online    []popularity // of each country, those that sell online
}

// popularity picks merchants, the popular ones more often.
type popularity struct {
	merchants []int
	upTo      []float64
}

func (p *popularity) add(merchant int, weight float64) {
	last := 0.
	if n := len(p.upTo); n > 0 {
		last = p.upTo[n-1]
	}
	p.merchants, p.upTo = append(p.merchants, merchant), append(p.upTo, last+weight)
}

func (p *popularity) pick(rng *rand.Rand) int {
	x := rng.Float64() * p.upTo[len(p.upTo)-1]
	return p.merchants[sort.SearchFloat64s(p.upTo, x)]
}

// anyOf picks one regardless of how popular it is.
func (p *popularity) anyOf(rng *rand.Rand) int { return p.merchants[rng.IntN(len(p.merchants))] }

// newMarket opens n merchants or a few more. In each category of a country the
// k-th merchant has 1/(k+3) of the trade (Zipf, with a flattened top).
func newMarket(rng *rand.Rand, n int, places []country) *market {
	m := &market{inCountry: make([]popularity, len(places)), online: make([]popularity, len(places))}
	lines := categories()
	whole := 0.
	for _, p := range places {
		whole += p.weight
	}
	for c, place := range places {
		perLine := max(4, int(float64(n)*place.weight/whole)/len(lines))
		for _, line := range lines {
			for k := range perLine {
				m.open(rng, c, place, line, line.weight/float64(k+3)/harmonic(perLine))
			}
		}
	}
	return m
}

func harmonic(n int) float64 {
	sum := 0.
	for k := range n {
		sum += 1 / float64(k+3)
	}
	return sum
}

func (m *market) open(rng *rand.Rand, c int, place country, line category, weight float64) {
	id := len(m.all)
	m.all = append(m.all, merchant{
		id:       fmt.Sprintf("m-%05d", id),
		country:  c,
		category: line,
		price:    line.median * math.Exp(.3*rng.NormFloat64()),
		lat:      place.lat + rng.NormFloat64()/2,
		lon:      place.lon + rng.NormFloat64()/2,
	})
	m.inCountry[c].add(id, weight)
	if line.channel == "ecom" {
		m.online[c].add(id, weight)
	}
}

// amount is what a customer of a spending level pays here, in minor units.
func (m *merchant) amount(rng *rand.Rand, level float64) int64 {
	x := m.price * math.Sqrt(level) * math.Exp(m.category.sigma*rng.NormFloat64())
	switch m.category.mcc {
	case streaming, "4111": // price lists: a few fixed prices
		return max(90, int64(math.Round(x))*100-1)
	}
	return max(50, int64(x*100))
}
