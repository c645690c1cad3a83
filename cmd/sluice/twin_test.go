package main

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

const twinRules = `
policy: {review: 1000, deny: 2000}
rules:
  - {id: count, when: count(customer.last("10m")) >= 3, score: 1}
  - {id: sum, when: 'sum(customer.last("1h"), .amount_minor) > 3 * tx.amount_minor', score: 2}
  - {id: mean, when: 'tx.amount > 2 * mean(customer.last("1h"), .amount)', score: 4}
  - {id: frauds, when: 'count(terminal.between("20m", "10m"), .fraud) >= 2', score: 8}
  - {id: burnt, when: 'any(customer.last("30d"), .fraud)', score: 16}
  - {id: newest, when: 'count(customer.newest(3), .terminal == tx.terminal) >= 2', score: 32}
  - {id: distinct, when: 'distinct(map(terminal.last("30m"), .customer)) >= 3', score: 64}
  - {id: last, when: 'last(customer.last("1h")).amount < tx.amount', score: 128}
`

// twinRow is a row of a file; an empty text is a missing value.
type twinRow struct {
	id, at             int // at: seconds
	customer, terminal string
	cents              int
	fraud              bool
}

var twinStart = time.Date(2026, 1, 5, 10, 0, 0, 0, time.UTC)

func (r twinRow) csv() string {
	fraud := 0
	if r.fraud {
		fraud = 1
	}
	return fmt.Sprintf("%d,%s,%s,%s,%d.%02d,%d\n", r.id, twinStart.Add(time.Duration(r.at)*time.Second).Format(time.RFC3339),
		r.customer, r.terminal, r.cents/100, r.cents%100, fraud)
}

// twinRows makes rows with many ties, repeats, conflicts and missing values.
func twinRows(r *rand.Rand, n int) []twinRow {
	name := func(n int) string {
		if i := r.IntN(n + 1); i > 0 {
			return strconv.Itoa(i)
		}
		return ""
	}
	var rows []twinRow
	at := 0
	for i := range n {
		at += []int{0, 0, 1, 30, 60, 300, 600}[r.IntN(7)]
		rows = append(rows, twinRow{i, at, name(4), name(3), r.IntN(4) * 1005, r.IntN(5) == 0})
		if again := rows[r.IntN(len(rows))]; r.IntN(10) == 0 {
			if r.IntN(2) == 0 {
				again.cents += r.IntN(2)
				again.at = at
			}
			rows = append(rows, again)
		}
	}
	return rows
}

// twin decides rows as plainly as it can be said.
func twin(rows []twinRow, delay int) (want []string) {
	slices.SortStableFunc(rows, func(a, b twinRow) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.id, b.id)) })
	var past []twinRow
	for _, tx := range rows {
		if slices.ContainsFunc(past, func(p twinRow) bool { return p.id == tx.id }) {
			continue
		}
		window := func(of func(twinRow) string, from, to int) (in []twinRow, ok bool) {
			for _, p := range past {
				if of(p) == of(tx) && p.at > tx.at-from && p.at <= tx.at-to {
					in = append(in, p)
				}
			}
			return in, of(tx) != ""
		}
		customer := func(r twinRow) string { return r.customer }
		terminal := func(r twinRow) string { return r.terminal }
		known := func(p twinRow) bool { return delay >= 0 && p.fraud && p.at+delay <= tx.at }
		var fired []string
		score := 0
		fire := func(id string, points int) {
			fired = append(fired, id)
			score += points
		}
		if in, ok := window(customer, 600, 0); ok && len(in) >= 3 {
			fire("count", 1)
		}
		hour, ok := window(customer, 3600, 0)
		sum := 0
		for _, p := range hour {
			sum += p.cents
		}
		if ok && sum > 3*tx.cents {
			fire("sum", 2)
		}
		if len(hour) > 0 && ok && float64(tx.cents)/100 > 2*(float64(sum)/(float64(len(hour))*100)) {
			fire("mean", 4)
		}
		frauds := 0
		in, ok := window(terminal, 1200, 600)
		for _, p := range in {
			if known(p) {
				frauds++
			}
		}
		if ok && frauds >= 2 {
			fire("frauds", 8)
		}
		all, ok := window(customer, 30*86400, 0)
		if ok && slices.ContainsFunc(all, known) {
			fire("burnt", 16)
		}
		same := 0
		for _, p := range all[max(0, len(all)-3):] {
			if p.terminal == tx.terminal && tx.terminal != "" {
				same++
			}
		}
		if ok && same >= 2 {
			fire("newest", 32)
		}
		in, ok = window(terminal, 1800, 0)
		customers := map[string]bool{}
		for _, p := range in {
			if p.customer != "" {
				customers[p.customer] = true
			}
		}
		if ok && len(customers) >= 3 {
			fire("distinct", 64)
		}
		if len(hour) > 0 && tx.customer != "" && hour[len(hour)-1].cents < tx.cents {
			fire("last", 128)
		}
		past = append(past, tx)
		want = append(want, fmt.Sprintf("%d,allow,%d,%s", tx.id, score, strings.Join(fired, "|")))
	}
	return want
}

// TestBacktestAgainstTwin holds backtest to the twin on files with all that is
// nasty, in any order, cut into files anyhow.
func TestBacktestAgainstTwin(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "rules"), 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("rules/a.yaml", twinRules)
	hits := map[string]int{}
	for round := range 60 {
		r := rand.New(rand.NewPCG(uint64(round), 1))
		rows := twinRows(r, 300)
		// Rows in order, shuffled a little or entirely; one file or several.
		switch round % 3 {
		case 1:
			for range 10 {
				i := r.IntN(len(rows) - 1)
				rows[i], rows[i+1] = rows[i+1], rows[i]
			}
		case 2:
			r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		default:
			slices.SortStableFunc(rows, func(a, b twinRow) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.id, b.id)) })
		}
		parts := make([][]twinRow, 1+r.IntN(3))
		for _, row := range rows {
			i := r.IntN(len(parts))
			parts[i] = append(parts[i], row)
		}
		var data []string
		for i, part := range parts {
			text := handbookHeader
			for _, row := range part {
				text += row.csv()
			}
			data = append(data, write(fmt.Sprintf("data%d.csv", i), text))
		}
		delay := []int{-1, 0, 1, 300, 600, 86400}[r.IntN(6)]
		args := []string{"backtest", "--schema", "../../configs/handbook/schema.yaml", "--rules", filepath.Join(dir, "rules"), "--verdicts", filepath.Join(dir, "out.csv")}
		if delay >= 0 {
			args = append(args, "--label-delay", fmt.Sprintf("%ds", delay))
		}
		_, stderr, code := sluice(t, append(args, data...)...)
		if code != exitOK {
			t.Fatalf("exit %d: %s", code, stderr)
		}
		out, err := os.ReadFile(filepath.Join(dir, "out.csv"))
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Split(strings.TrimSpace(string(out)), "\n")[1:]
		want := twin(slices.Concat(parts...), delay)
		if len(got) != len(want) {
			t.Fatalf("round %d: %d rows, not %d", round, len(got), len(want))
		}
		for i := range got {
			if got[i] != want[i] {
				t.Fatalf("round %d, delay %d: got %s, want %s", round, delay, got[i], want[i])
			}
			for _, rule := range strings.Split(got[i][strings.LastIndexByte(got[i], ',')+1:], "|") {
				hits[rule]++
			}
		}
	}
	for _, rule := range []string{"count", "sum", "mean", "frauds", "burnt", "newest", "distinct", "last", ""} {
		if hits[rule] < 20 {
			t.Errorf("rule %q fired %d times only: the test shows little", rule, hits[rule])
		}
	}
}
