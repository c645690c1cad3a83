package main

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"sluice/bench/kafkatest"
	"sluice/rules"
	"sluice/scoring"
	"sluice/stream/files"
)

// TestEndToEndBacktestTopics holds what a backtest makes of topics to what it makes of the
// files that they were filled from, as a whole and between two times.
func TestEndToEndBacktestTopics(t *testing.T) {
	l := newLoading(t, "-labels", "")
	r := rand.New(rand.NewPCG(11, 5))
	rows := twinRows(r, 2500)
	slices.SortStableFunc(rows, func(a, b twinRow) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.id, b.id)) })
	rows = slices.CompactFunc(rows, func(a, b twinRow) bool { return a.id == b.id })
	text := handbookHeader
	seen := map[int]bool{}
	kept := rows[:0]
	for _, row := range rows { // repeats are counted by the files alone
		if !seen[row.id] {
			seen[row.id] = true
			kept = append(kept, row)
			text += row.csv()
		}
	}
	data := l.file(t, "data.csv", text)
	if _, stderr, code := l.load(t, "--label-delay", "10m", data); code != 0 {
		t.Fatal(stderr)
	}
	dir := filepath.Join(l.dir, "rules")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	l.file(t, "rules/a.yaml", strings.Replace(twinRules, "policy: {review: 1000, deny: 2000}", "policy: {review: 40, deny: 100}", 1))
	out := filepath.Join(l.dir, "out.csv")
	backtest := func(args ...string) (report string, verdicts []string) {
		t.Helper()
		stdout, stderr, code := sluice(t, append([]string{"backtest", "--rules", dir, "--verdicts", out, "--label-lag", "1d"}, args...)...)
		if code != 0 {
			t.Fatal(stderr)
		}
		written, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		return stdout, strings.Split(strings.TrimSpace(string(written)), "\n")
	}
	_, want := backtest("--schema", "../../configs/handbook/schema.yaml", "--label-delay", "10m", data)
	all, got := backtest("--config", l.config)
	if !slices.Equal(got, want) {
		t.Fatalf("the topics give %d verdicts that are not the files' %d", len(got), len(want))
	}
	if !strings.Contains(all, "leave out what is too young: ") || !strings.Contains(all, "NET MONEY") {
		t.Error(all)
	}

	// A part of it, with the past before it: every verdict is the same as before.
	from, to := kept[len(kept)/3].at, kept[2*len(kept)/3].at
	var part []string
	for i, row := range kept {
		if row.at >= from && row.at < to {
			part = append(part, want[i+1])
		}
	}
	when := func(at int) string { return twinStart.Add(time.Duration(at) * time.Second).Format(time.RFC3339) }
	report, got := backtest("--config", l.config, "--from", when(from), "--to", when(to))
	if !slices.Equal(got[1:], part) {
		t.Errorf("between two times there are %d verdicts, not the same as the %d of the whole", len(got)-1, len(part))
	}
	if !strings.HasPrefix(report, thousands(int64(len(part)))+" transactions, ") {
		t.Error(report)
	}

	// Nobody has joined a group, or committed anything.
	client, err := kgo.NewClient(kgo.SeedBrokers(l.seeds...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if groups, err := kadm.NewClient(client).ListGroups(t.Context()); err != nil || l.fake != nil && len(groups) > 0 {
		t.Errorf("%v %v", groups.Groups(), err)
	}
}

// TestEndToEndBacktestTopicsRefuses says what is wrong with a command line about topics.
func TestEndToEndBacktestTopicsRefuses(t *testing.T) {
	l := newLoading(t, "-labels", "")
	for want, args := range map[string][]string{
		"give files or --config, not both":  {"--config", l.config, "data.csv"},
		"--from and --to cut topics":        {"--rules", "x", "--from", "2026-01-01", "data.csv"},
		"labels come from their topic":      {"--config", l.config, "--label-delay", "7d"},
		`--from: "yesterday" is no time`:    {"--config", l.config, "--from", "yesterday"},
		"--from 2026-02-01 lies behind":     {"--config", l.config, "--from", "2026-02-01", "--to", "2026-01-01"},
		"there is no topic " + l.name + "-": {"--config", l.config},
	} {
		_, stderr, code := sluice(t, append([]string{"backtest"}, args...)...)
		if code == 0 || !strings.Contains(stderr, want) {
			t.Errorf("%v: exit %d, want %q:\n%s", args, code, want, stderr)
		}
	}
	if _, err := parseTime(fmt.Sprint(5)); err == nil {
		t.Error("5 is no time")
	}
}

// TestEndToEndExplainTopics looks verdicts up in their topic, with the past in the others,
// and decides them again.
func TestEndToEndExplainTopics(t *testing.T) {
	l := newLoading(t, "-labels", "")
	rows := twinRows(rand.New(rand.NewPCG(12, 5)), 400)
	slices.SortStableFunc(rows, func(a, b twinRow) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.id, b.id)) })
	text := handbookHeader
	for _, row := range rows {
		text += row.csv()
	}
	if _, stderr, code := l.load(t, "--label-delay", "10m", l.file(t, "data.csv", text)); code != 0 {
		t.Fatal(stderr)
	}
	dir := filepath.Join(l.dir, "rules")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	l.file(t, "rules/a.yaml", strings.Replace(twinRules, "policy: {review: 1000, deny: 2000}", "policy: {review: 40, deny: 100}", 1))
	l.decide(t, dir, text)

	verified := 0
	for _, id := range []string{"3", "57", "211", "399"} {
		stdout, stderr, code := sluice(t, "explain", id, "--config", l.config, "--rules", dir, "--verify")
		if code != 0 || !strings.HasPrefix(stdout, "Transaction "+id+" of ") || strings.Contains(stdout, "That is not what is said above") {
			t.Errorf("%s: exit %d\n%s%s", id, code, stdout, stderr)
		}
		verified += strings.Count(stdout, "\nVerified: ")
	}
	if verified != 4 {
		t.Errorf("%d verified", verified)
	}
	_, stderr, code := sluice(t, "explain", "100000", "--config", l.config, "--rules", dir)
	if code != 1 || !strings.Contains(stderr, "there is no transaction 100000 there") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	if _, stderr, code = sluice(t, "explain", "abc", "--config", l.config); code != 2 || !strings.Contains(stderr, "ids are whole numbers") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}

// decide fills the verdicts topic as serve would.
func (l *loading) decide(t *testing.T, rulesDir, data string) {
	t.Helper()
	schema, err := loadSchema("../../configs/handbook/schema.yaml")
	if err != nil {
		t.Fatal(err)
	}
	set, err := rules.Load(rulesDir, schema)
	if err != nil {
		t.Fatal(err)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(l.seeds...), kgo.DefaultProduceTopic(l.name+"-verdicts"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	kafkatest.Create(t, client, 3, nil, l.name+"-verdicts")
	r := newReplay(schema, set, nil, 10*time.Minute)
	r.core = scoring.New(schema, set, scoring.Options{})
	var records []*kgo.Record
	r.settle = func(d *scoring.Decision, _ *rules.Outcome, _ *files.Item) {
		if d.Status == scoring.Decided {
			records = append(records, &kgo.Record{Value: slices.Clone(d.Record)})
		}
	}
	err = files.Read(t.Context(), schema, []string{l.file(t, "decided.csv", data)}, files.Options{}, func(items []files.Item) error {
		for i := range items {
			r.take(&items[i])
		}
		r.flush()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	records = append(records, &kgo.Record{Headers: []kgo.RecordHeader{{Key: "sluice-run", Value: []byte("r")}}}) // a marker is no verdict
	if err := client.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}
