//go:build ignore

// Summary makes the tables of README.md of what kafka-to-kafka.sh measured:
//
//	go run bench/summary.go [-baseline ENGINE] results.jsonl
//
// A cell holds minimum / median / maximum over the rounds. A ratio compares two
// runs of the same round, with the baseline's.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"slices"
	"strings"
)

// run is one line of the file.
type run struct {
	Kind, Engine, Job string
	Round             int
	Load              float64
	Watch             struct {
		Whole  float64 `json:"cpu_us_tx"`
		Half   float64 `json:"cpu_us_tx_half"`
		Rate   float64 `json:"rate_half"`
		RSS    float64 `json:"rss_mib"`
		Broker float64 `json:"broker_cpu_s"`
	}
	Check struct {
		Distinct, Equal, Missing, Dup float64
		Rate                          float64 `json:"tx_s_999"`
	}
	Feed struct {
		N, Missing float64
		P50        float64 `json:"p50_ms"`
		P99        float64 `json:"p99_ms"`
		P999       float64 `json:"p999_ms"`
		Max        float64 `json:"max_ms"`
	}
}

// table is what the columns of a table are made of.
type table struct {
	all      []run
	baseline string // whom the ratios compare with
}

func main() {
	baseline := flag.String("baseline", "naivego", "the `engine` that the ratios compare with")
	flag.Parse()
	if flag.NArg() != 1 {
		log.Fatal("usage: summary [-baseline ENGINE] results.jsonl")
	}
	all, err := read(flag.Arg(0))
	if err != nil {
		log.Fatal(err)
	}
	t := table{all, *baseline}
	t.print("drain", []column{
		{"CPU µs/tx whole", "%.2f", func(r run) float64 { return r.Watch.Whole }, true},
		{"CPU µs/tx last half", "%.2f", func(r run) float64 { return r.Watch.Half }, true},
		{"broker CPU µs/tx", "%.2f", func(r run) float64 { return r.Watch.Broker / r.Check.Distinct * 1e6 }, false},
		{"k tx/s to 99.9 %", "%.0f", func(r run) float64 { return r.Check.Rate / 1e3 }, true},
		{"k tx/s last half", "%.0f", func(r run) float64 { return r.Watch.Rate / 1e3 }, true},
		{"peak RSS MiB", "%.0f", func(r run) float64 { return r.Watch.RSS }, false},
		{"verdicts equal", "%.0f", func(r run) float64 { return r.Check.Equal }, false},
		{"missing or twice", "%.0f", func(r run) float64 { return r.Check.Missing + r.Check.Dup }, false},
		{"load before", "%.1f", func(r run) float64 { return r.Load }, false},
	})
	t.print("latency", []column{
		{"p50 ms", "%.2f", func(r run) float64 { return r.Feed.P50 }, false},
		{"p99 ms", "%.2f", func(r run) float64 { return r.Feed.P99 }, false},
		{"p99.9 ms", "%.2f", func(r run) float64 { return r.Feed.P999 }, false},
		{"max ms", "%.1f", func(r run) float64 { return r.Feed.Max }, false},
		{"measured", "%.0f", func(r run) float64 { return r.Feed.N }, false},
		{"missing", "%.0f", func(r run) float64 { return r.Feed.Missing }, false},
		{"load before", "%.1f", func(r run) float64 { return r.Load }, false},
	})
}

func read(path string) ([]run, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var all []run
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r run
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, lines.Err()
}

// column is one measure; compared ones have a second column, of ratios.
type column struct {
	head, format string
	of           func(run) float64
	compared     bool
}

// print writes one table: a line for each job and engine.
func (t *table) print(kind string, columns []column) {
	groups := map[string][]run{}
	var order []string
	for _, r := range t.all {
		if r.Kind != kind {
			continue
		}
		if name := r.Job + " | " + r.Engine; groups[name] == nil {
			order = append(order, name)
		}
		groups[r.Job+" | "+r.Engine] = append(groups[r.Job+" | "+r.Engine], r)
	}
	if len(order) == 0 {
		return
	}
	head := []string{"job", "engine", "rounds"}
	for _, c := range columns {
		head = append(head, c.head)
		if c.compared {
			head = append(head, "÷ "+t.baseline)
		}
	}
	fmt.Printf("| %s |\n|%s\n", strings.Join(head, " | "), strings.Repeat("---|", len(head)))
	for _, name := range order {
		cells := []string{name, fmt.Sprint(len(groups[name]))}
		for _, c := range columns {
			cells = append(cells, spread(c.format, values(groups[name], c.of)))
			if c.compared {
				cells = append(cells, spread("%.2f", t.ratios(groups[name], c.of)))
			}
		}
		fmt.Printf("| %s |\n", strings.Join(cells, " | "))
	}
	fmt.Println()
}

func values(runs []run, of func(run) float64) (out []float64) {
	for _, r := range runs {
		out = append(out, of(r))
	}
	return out
}

// ratios compares each run with the baseline's of the same kind, job and round.
func (t *table) ratios(runs []run, of func(run) float64) (out []float64) {
	for _, r := range runs {
		for _, b := range t.all {
			if b.Kind == r.Kind && b.Job == r.Job && b.Round == r.Round && b.Engine == t.baseline {
				out = append(out, of(r)/of(b))
			}
		}
	}
	return out
}

// spread writes minimum / median / maximum, or the one value there is.
func spread(format string, x []float64) string {
	if len(x) == 0 {
		return "-"
	}
	slices.Sort(x)
	if low, high := fmt.Sprintf(format, x[0]), fmt.Sprintf(format, x[len(x)-1]); low != high {
		median := (x[(len(x)-1)/2] + x[len(x)/2]) / 2
		return low + " / " + fmt.Sprintf(format, median) + " / " + high
	}
	return fmt.Sprintf(format, x[0])
}
