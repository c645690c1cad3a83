package files

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"sluice/scoring/event"
)

const testSchema = `
fields:
  id: {type: integer, required: true}
  time: {type: timestamp, unit: s, required: true}
  amount: {type: money, currency: EUR}
label: {id: id, value: fraud, csv: {value: fraud}}
`

func schemaOf(t *testing.T) *event.Schema {
	t.Helper()
	s, err := event.ParseSchema("schema.yaml", []byte(testSchema), nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func zip(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(text))
	_ = z.Close()
	return b.String()
}

// read gives "time/id" of what was read, with + for a fraud and - for none, and
// the faults.
func read(t *testing.T, paths []string, sort bool) (got, faults []string, err error) {
	t.Helper()
	o := Options{Sort: sort, Fault: func(f Fault) error {
		faults = append(faults, fmt.Sprintf("%s:%d", filepath.Base(f.File), f.Line))
		return nil
	}}
	err = Read(t.Context(), schemaOf(t), paths, o, func(items []Item) error {
		for i := range items {
			text := fmt.Sprintf("%d/%s", items[i].Tx.Time/1e9, items[i].Tx.ID())
			if items[i].Label {
				text += map[bool]string{true: "+", false: "-"}[items[i].Fraud]
			}
			got = append(got, text)
		}
		return nil
	})
	return got, faults, err
}

func TestReadMerges(t *testing.T) {
	a := write(t, "a.csv", "\uFEFFfraud,id,time,amount,more\r\n1,1,10,1.00,x\r\n0,3,10,1.00,x\r\n,9,10,1.00,x\r\n\r\n0,1,12,,x\r\n")
	b := write(t, "b.ndjson.gz", zip("\uFEFF"+`{"id":2,"time":10}`+"\n\n  \n"+`{"id":10,"time":10}`+"\n"+`{"id":0,"time":11}`))
	want := []string{"10/1+", "10/2", "10/3-", "10/9", "10/10", "11/0", "12/1-"}
	for _, paths := range [][]string{{a, b}, {b, a}} {
		for _, sort := range []bool{false, true} {
			got, faults, err := read(t, paths, sort)
			if err != nil || len(faults) > 0 || !slices.Equal(got, want) {
				t.Errorf("%v, sort %v: %v %v %v", paths, sort, got, faults, err)
			}
		}
	}
}

func TestReadFindsDisorder(t *testing.T) {
	const header = "id,time\n"
	var long strings.Builder
	for i := range 2 * blockSize {
		fmt.Fprintf(&long, "%d,7\n", i)
	}
	for name, text := range map[string]string{
		"time":               "1,2\n2,1\n",
		"id":                 "2,1\n1,1\n",
		"in a second block":  long.String() + "5,7\n",
		"between two blocks": strings.TrimSuffix(long.String(), fmt.Sprintf("%d,7\n", 2*blockSize-1)) + "9999,7\n0,7\n",
	} {
		path := write(t, "a.csv", header+text)
		other := write(t, "b.csv", header+"1,1\n")
		for _, paths := range [][]string{{path}, {other, path}} {
			if _, _, err := read(t, paths, false); !errors.Is(err, ErrOrder) || !strings.Contains(err.Error(), path) {
				t.Errorf("%s: %v", name, err)
			}
			got, _, err := read(t, paths, true)
			if err != nil || len(got) < 2 {
				t.Errorf("%s, sorted: %v", name, err)
			}
		}
	}
	if got, _, err := read(t, []string{write(t, "a.csv", header+"1,1\n1,1\n")}, false); err != nil || len(got) != 2 {
		t.Errorf("a repeat is no disorder: %v %v", got, err)
	}
}

func TestReadFaults(t *testing.T) {
	long := strings.Repeat("x", 3<<20)
	csv := write(t, "a.csv", "id,time\n1,1\nx,1\n2\n\"3\nx\",1\n\n4,\"5\"x\n6,7\n"+long+"\n8,9\n")
	json := write(t, "b.json", `{"id":1,"time":1}`+"\n"+`{"id":2`+"\n\n"+`{"id":3,"time":3,"x":"`+long+`"}`+"\n"+`{"id":4,"time":100}`+"\n"+long)
	got, faults, err := read(t, []string{csv}, false)
	if want := []string{"a.csv:3", "a.csv:4", "a.csv:5", "a.csv:8", "a.csv:10"}; err != nil || !slices.Equal(faults, want) || !slices.Equal(got, []string{"1/1", "7/6", "9/8"}) {
		t.Errorf("%v %v %v", got, faults, err)
	}
	got, faults, err = read(t, []string{json}, false)
	if want := []string{"b.json:2", "b.json:4", "b.json:6"}; err != nil || !slices.Equal(faults, want) || !slices.Equal(got, []string{"1/1", "100/4"}) {
		t.Errorf("%v %v %v", got, faults, err)
	}

	var fault Fault
	err = Read(t.Context(), schemaOf(t), []string{csv}, Options{}, func([]Item) error { return nil })
	if !errors.As(err, &fault) || fault.Line != 3 {
		t.Errorf("without Fault, the first one ends the reading: %v", err)
	}
}

func TestReadOnlyFaults(t *testing.T) {
	text := "id,time\n"
	for range 3 * blockSize {
		text += "x,1\n"
	}
	got, faults, err := read(t, []string{write(t, "a.csv", text), write(t, "b.csv", text+"1,1\n")}, false)
	if err != nil || len(faults) != 6*blockSize || len(got) != 1 {
		t.Errorf("%d faults, %v %v", len(faults), got, err)
	}
}

// A file that ends before its time is no whole file.
func TestReadTruncated(t *testing.T) {
	var lines strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&lines, "%d,%d\n", i, i)
	}
	whole := zip("id,time\n" + lines.String())
	for name, path := range map[string]string{
		"cut off":    write(t, "a.csv.gz", whole[:len(whole)-100]),
		"empty gzip": write(t, "a.csv.gz", ""),
		"empty csv":  write(t, "a.csv", ""),
		"no gzip":    write(t, "a.csv.gz", "id,time\n1,1\n"),
		"bad sum":    write(t, "a.csv.gz", whole[:len(whole)-8]+"12345678"),
		"json":       write(t, "a.json.gz", zip(`{"id":1,"time":1}`)[:25]),
	} {
		if _, _, err := read(t, []string{path}, false); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReadEnds(t *testing.T) {
	var lines strings.Builder
	for i := range 20 * blockSize {
		fmt.Fprintf(&lines, "%d,%d\n", i, i)
	}
	path := write(t, "a.csv", "id,time\n"+lines.String())
	stop := errors.New("stop")
	if err := Read(t.Context(), schemaOf(t), []string{path}, Options{}, func([]Item) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("yield's error: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var seen atomic.Int64
	err := Read(ctx, schemaOf(t), []string{path, path}, Options{Progress: func(n int64) { seen.Add(n) }}, func([]Item) error {
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if seen.Load() == 0 {
		t.Error("no progress")
	}
	if _, err := Size([]string{path, filepath.Join(t.TempDir(), "none")}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
	if n, err := Size([]string{path, path}); err != nil || n != 2*int64(len("id,time\n")+lines.Len()) {
		t.Errorf("%d %v", n, err)
	}
}
