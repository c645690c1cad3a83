package main

import (
	"bufio"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const tunedRules = "../../configs/handbook/rules-tuned"

func TestTunedExamples(t *testing.T) {
	stdout, stderr, code := sluice(t, "test", "--coverage", "--schema", "../../configs/handbook/schema.yaml", tunedRules)
	if code != 0 || strings.Contains(stdout, "one way only") || strings.Contains(stdout, "no example") {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
}

// TestTunedInAugust holds the rules that were found on April to July to what
// they must reach in the month after.
func TestTunedInAugust(t *testing.T) {
	if testing.Short() {
		t.Skip("five months of real data: run without -short")
	}
	const minPrecision, minRecall = 0.85, 0.72
	data := handbook(t, "transactions.csv.gz")
	out := filepath.Join(t.TempDir(), "verdicts.csv")
	// The run begins in April: rules look back 60 days, and at verdicts of those days.
	_, stderr, code := sluice(t, "backtest", "--rules", tunedRules, "--schema", "../../configs/handbook/schema.yaml",
		"--label-delay", "168h", "--verdicts", out, data)
	if code != 0 {
		t.Fatalf("exit %d\n%s", code, stderr)
	}
	fraud := labels(t, data, "2018-08")
	hits, caught, frauds := 0, 0, 0
	file, err := os.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		id, rest, _ := strings.Cut(lines.Text(), ",")
		is, august := fraud[id]
		if !august {
			continue
		}
		hit := !strings.HasPrefix(rest, "allow,")
		switch {
		case hit && is:
			hits, caught, frauds = hits+1, caught+1, frauds+1
		case hit:
			hits++
		case is:
			frauds++
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	precision, recall := float64(caught)/float64(hits), float64(caught)/float64(frauds)
	t.Logf("August: %d hits, %d of %d frauds: precision %.4f, recall %.4f", hits, caught, frauds, precision, recall)
	if !(precision >= minPrecision && recall >= minRecall) {
		t.Errorf("precision %.4f, recall %.4f; want at least %v and %v", precision, recall, minPrecision, minRecall)
	}
}

// labels gives of each transaction of a month, by its id, whether it is fraud.
func labels(t *testing.T, path, month string) map[string]bool {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	z, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	fraud := map[string]bool{}
	lines := bufio.NewScanner(z)
	for lines.Scan() {
		id, rest, _ := strings.Cut(lines.Text(), ",")
		if strings.HasPrefix(rest, month) {
			fraud[id] = strings.Split(rest, ",")[5] == "1"
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return fraud
}
