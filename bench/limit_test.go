package bench

import (
	"encoding/json"
	"os"
	"slices"
	"strconv"
	"testing"
)

// The limit programs do the heavy job (20 windows over two entities, 100 rules)
// written by hand for exactly this job and this data: no schema, no language,
// no checks. What they cost is the bound that the engine is held against.

const day = 86400

var spans = [5]int64{600, 3600, day, 7 * day, 30 * day}

// seen is one past transaction: seconds and cents.
type seen struct{ t, cents int64 }

// limitTx is a transaction as the limit program holds it.
type limitTx struct{ id, t, customer, terminal, cents int64 }

// limitDecode reads {"transaction_id":0,"tx_datetime":"2018-04-01T00:00:31Z",
// "customer_id":596,"terminal_id":3156,"tx_amount":57.16} and nothing else.
func limitDecode(b []byte) (x limitTx) {
	i := len(`{"transaction_id":`)
	x.id, i = digits(b, i)
	i += len(`,"tx_datetime":"`)
	x.t = limitTime(b[i:])
	i += len(`2018-04-01T00:00:31Z","customer_id":`)
	x.customer, i = digits(b, i)
	i += len(`,"terminal_id":`)
	x.terminal, i = digits(b, i)
	i += len(`,"tx_amount":`)
	x.cents, i = digits(b, i)
	x.cents *= 100
	if b[i] == '.' {
		f, end := digits(b, i+1)
		if end == i+2 {
			f *= 10
		}
		x.cents += f
	}
	return x
}

func digits(b []byte, i int) (n int64, end int) {
	for ; b[i] >= '0' && b[i] <= '9'; i++ {
		n = n*10 + int64(b[i]-'0')
	}
	return n, i
}

func limitTime(b []byte) int64 {
	two := func(i int) int64 { return int64(b[i]-'0')*10 + int64(b[i+1]-'0') }
	month, d := two(5), two(8)
	days := [...]int64{0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334}[month-1] + d - 1 // of 2018
	return (17532+days)*day + two(11)*3600 + two(14)*60 + two(17)
}

// limitWindows puts count and sum of the five windows into v.
func limitWindows(h []seen, now int64, v []int64) []seen {
	for len(h) > 0 && h[0].t <= now-spans[4] {
		h = h[1:]
	}
	var n, sum int64
	j := len(h) - 1
	for k, s := range spans {
		for ; j >= 0 && h[j].t > now-s; j-- {
			n++
			sum += h[j].cents
		}
		v[2*k], v[2*k+1] = n, sum
	}
	return h
}

// limitCond is one comparison, all of them written as lo <= value <= hi.
type limitCond struct {
	field  int
	lo, hi int64
}

type limitRule struct {
	conds []limitCond
	score int64
	id    string
}

type limitRules struct {
	rules        []limitRule
	review, deny int64
}

func readLimitRules(t testing.TB) (p limitRules) {
	t.Helper()
	path := os.Getenv("SLUICE_TEST_PEERS")
	if path == "" {
		path = "../../shared/peers"
	}
	b, err := os.ReadFile(path + "/heavy_rules.json")
	if err != nil {
		t.Skipf("the peers' rules are absent: %v; set SLUICE_TEST_PEERS", err)
	}
	var in struct {
		Windows []struct{ Field string }
		Rules   []struct {
			ID  string
			All []struct {
				Field, Op string
				Value     int64
			}
			Score int64
		}
		Verdict struct{ Review, Deny int64 }
	}
	if err := json.Unmarshal(b, &in); err != nil {
		t.Fatal(err)
	}
	names := []string{"amount"}
	for _, w := range in.Windows {
		names = append(names, w.Field)
	}
	for _, r := range in.Rules {
		rule := limitRule{score: r.Score, id: `"` + r.ID + `"`}
		for _, c := range r.All {
			cond := limitCond{slices.Index(names, c.Field), -1 << 63, 1<<63 - 1}
			switch c.Op {
			case ">":
				cond.lo = c.Value + 1
			case ">=":
				cond.lo = c.Value
			case "<":
				cond.hi = c.Value - 1
			case "<=":
				cond.hi = c.Value
			}
			rule.conds = append(rule.conds, cond)
		}
		p.rules = append(p.rules, rule)
	}
	p.review, p.deny = in.Verdict.Review, in.Verdict.Deny
	return p
}

// limitJob is the whole heavy job by hand.
type limitJob struct {
	limitRules
	customers, terminals map[int64][]seen
	values               [21]int64
	out                  []byte
}

func newLimitJob(t testing.TB) *limitJob {
	return &limitJob{limitRules: readLimitRules(t), customers: map[int64][]seen{}, terminals: map[int64][]seen{}}
}

// observe fills the values and remembers the transaction.
func (j *limitJob) observe(x limitTx) {
	j.values[0] = x.cents
	c := limitWindows(j.customers[x.customer], x.t, j.values[1:11])
	t := limitWindows(j.terminals[x.terminal], x.t, j.values[11:21])
	j.customers[x.customer] = append(c, seen{x.t, x.cents})
	j.terminals[x.terminal] = append(t, seen{x.t, x.cents})
}

// decide evaluates the rules and writes the verdict.
func (j *limitJob) decide(x limitTx) {
	b := append(j.out[:0], `{"transaction_id":`...)
	b = strconv.AppendInt(b, x.id, 10)
	fired := [100]string{}
	n := 0
	score := int64(0)
next:
	for i := range j.rules {
		for _, c := range j.rules[i].conds {
			if v := j.values[c.field]; v < c.lo || v > c.hi {
				continue next
			}
		}
		score += j.rules[i].score
		fired[n] = j.rules[i].id
		n++
	}
	verdict := "allow"
	if score >= j.deny {
		verdict = "deny"
	} else if score >= j.review {
		verdict = "review"
	}
	b = append(append(b, `,"verdict":"`...), verdict...)
	b = strconv.AppendInt(append(b, `","score":`...), score, 10)
	b = append(b, `,"rules":[`...)
	for i, id := range fired[:n] {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, id...)
	}
	j.out = append(b, "]}"...)
}
