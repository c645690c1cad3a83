package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// handbook gives the path of a file of the real data, and skips the test where
// it is absent (.ci/run fails if it was).
func handbook(t testing.TB, name string) string {
	t.Helper()
	root := os.Getenv("SLUICE_TEST_DATA")
	if root == "" {
		root = "../../../shared/data"
	}
	path := filepath.Join(root, "handbook", name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("real data is absent: %v; set SLUICE_TEST_DATA", err)
	}
	return path
}

// sluice runs the program as its user does, in this process.
func sluice(t testing.TB, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(context.Background(), args, console{&out, messagesTo(&errs), os.LookupEnv})
	return out.String(), errs.String(), code
}

// TestBacktestHandbook holds every verdict on the real data to the reference.
func TestBacktestHandbook(t *testing.T) {
	data, ref := handbook(t, "transactions.csv.gz"), handbook(t, "verdicts_ref.csv.gz")
	out := filepath.Join(t.TempDir(), "verdicts.csv")
	stdout, stderr, code := sluice(t, "backtest", "--rules", "../../configs/handbook/rules", "--schema", "../../configs/handbook/schema.yaml",
		"--label-delay", "168h", "--verdicts", out, data)
	if code != 0 {
		t.Fatalf("exit %d\n%s", code, stderr)
	}
	t.Logf("\n%s", stdout)
	want := reference(t, ref, func(c []string) string {
		fired := ""
		for i, rule := range []string{"r1", "r2", "r3"} {
			if c[4+i] == "1" {
				fired += "|" + rule
			}
		}
		return c[7] + " " + strings.TrimPrefix(fired, "|")
	})
	compare(t, out, want, func(c []string) string { return c[1] + " " + c[3] })
}

// TestBacktestHeavy holds every verdict and score of the 100 rules to the reference.
func TestBacktestHeavy(t *testing.T) {
	if testing.Short() {
		t.Skip("five months of real data: run without -short")
	}
	data, ref := handbook(t, "transactions.csv.gz"), handbook(t, "heavy_ref.csv.gz")
	out := filepath.Join(t.TempDir(), "verdicts.csv")
	_, stderr, code := sluice(t, "backtest", "--rules", "../../configs/heavy/rules", "--schema", "../../configs/handbook/schema.yaml",
		"--verdicts", out, data)
	if code != 0 {
		t.Fatalf("exit %d\n%s", code, stderr)
	}
	want := reference(t, ref, func(c []string) string { return c[2] + " " + c[1] })
	compare(t, out, want, func(c []string) string { return c[1] + " " + c[2] })
}

// reference reads what each transaction must get.
func reference(t *testing.T, path string, verdict func(columns []string) string) map[string]string {
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
	want := map[string]string{}
	lines := bufio.NewScanner(z)
	lines.Scan()
	for lines.Scan() {
		c := strings.Split(lines.Text(), ",")
		want[c[0]] = verdict(c)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return want
}

// compare holds a file of verdicts to what each transaction must get.
func compare(t *testing.T, path string, want map[string]string, verdict func(columns []string) string) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows := csv.NewReader(bufio.NewReader(file))
	if _, err := rows.Read(); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	wrong := 0
	for {
		c, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if seen[c[0]] {
			t.Errorf("transaction %s has two rows", c[0])
		}
		seen[c[0]] = true
		if got := verdict(c); got != want[c[0]] {
			if wrong++; wrong <= 10 {
				t.Errorf("transaction %s: got %q, want %q", c[0], got, want[c[0]])
			}
		}
	}
	if wrong > 0 || len(seen) != len(want) {
		t.Fatalf("%d of %d verdicts differ; %d transactions, want %d", wrong, len(seen), len(seen), len(want))
	}
}
