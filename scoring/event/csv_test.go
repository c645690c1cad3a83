package event

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestCSV(t *testing.T) {
	s := mustSchema(t, wideSchema)
	header := []string{"is_fraud", "transaction_id", "at", "money.value", "money.unit", "payer.user", "online", "lat", "kind", "ip", "extra"}
	c, err := NewCSV(s, header)
	if err != nil {
		t.Fatal(err)
	}
	good := []string{"0", "t1", "2018-04-01T10:17:43Z", "57.1", "EUR", "7", "True", "-0.5", "a,b", "192.0.2.1", "\xff"}
	tests := []struct {
		column, cell string
		code         Code
		field        string
	}{
		{"extra", "", "", ""},
		{"at", "1522577863000", "", ""},
		{"at", "", MissingField, "time"},
		{"at", "yesterday", BadValue, "time"},
		{"at", "2018-04-01", BadValue, "time"},
		{"transaction_id", "", MissingField, "id"},
		{"transaction_id", "t\xff", BadUTF8, "id"},
		{"money.value", "57.101", BadValue, "amount"},
		{"money.value", "-1", OutOfRange, "amount"},
		{"money.value", "1 000", BadValue, "amount"},
		{"money.unit", "", MissingField, "currency"},
		{"money.unit", "EUX", UnknownCurrency, "currency"},
		{"payer.user", "", "", ""},
		{"payer.user", "x", BadValue, "user"},
		{"payer.user", "7.0", WrongType, "user"},
		{"payer.user", "9223372036854775808", OutOfRange, "user"},
		{"online", "yes", BadValue, "online"},
		{"online", "0", "", ""},
		{"lat", "1e999", OutOfRange, "lat"},
		{"lat", "NaN", BadValue, "lat"},
		{"ip", "1.2.3", BadValue, "ip"},
		{"is_fraud", "", "", ""},
		{"is_fraud", "maybe", BadValue, "label"},
	}
	for _, test := range tests {
		cells := slices.Clone(good)
		column := slices.Index(header, test.column)
		cells[column] = test.cell
		var tx Transaction
		_, _, err := c.Record(&tx, cells)
		if codeOf(err) != test.code {
			t.Errorf("%s %q: %v, want %q", test.column, test.cell, err, test.code)
		}
		if f := (*Fault)(nil); errors.As(err, &f) && (f.Field != test.field || f.Offset != column) {
			t.Errorf("%s %q: fault in %q, column %d", test.column, test.cell, f.Field, f.Offset)
		}
	}
	if _, _, err := c.Record(&Transaction{}, good[1:]); codeOf(err) != Malformed {
		t.Errorf("a short record: %v", err)
	}

	var tx Transaction
	for cell, want := range map[string][2]bool{"1": {true, true}, "0": {false, true}, "true": {true, true}, "": {false, false}} {
		good[0] = cell
		fraud, has, err := c.Record(&tx, good)
		if err != nil || fraud != want[0] || has != want[1] {
			t.Errorf("label %q: %v %v %v", cell, fraud, has, err)
		}
	}
	if tx.Arrival != tx.Time || tx.Future {
		t.Error("the arrival is not the event time")
	}
	if again := mustDecode(t, s, string(AppendJSON(nil, &tx))); again.Body != tx.Body {
		t.Errorf("written as %s", AppendJSON(nil, &tx))
	}
}

func TestCSVHeader(t *testing.T) {
	s := mustSchema(t, plainSchema)
	for _, test := range []struct{ header, want string }{
		{"id,time", ""},
		{"id,time,x,x", ""},
		{"time", `no column "id"`},
		{"id,time,id", `two columns "id"`},
	} {
		_, err := NewCSV(s, strings.Split(test.header, ","))
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.header, err, test.want)
		}
	}
}

// readAll reads CSV with Lines.
func readAll(src []byte) (records [][]string, err error) {
	l := NewLines(bytes.NewReader(src))
	for {
		cells, err := l.Read()
		if errors.Is(err, io.EOF) {
			return records, nil
		}
		if err != nil {
			return records, err
		}
		record := make([]string, len(cells))
		for i, c := range cells {
			record[i] = string(c)
		}
		records = append(records, record)
	}
}

// TestLinesAgainstEncodingCSV compares records with package csv's.
func TestLinesAgainstEncodingCSV(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	parts := []string{"a", "bc", ",", ",", "\n", "\r\n", `"`, `"x"`, `"a,b"`, `"a""b"`, "\"1\n2\"", `""`, " ", strings.Repeat("y", 70_000)}
	valid := 0
	for range 8_000 {
		var b strings.Builder
		for range r.IntN(12) {
			b.WriteString(parts[min(r.IntN(len(parts)+2), len(parts)+r.IntN(40))%len(parts)])
		}
		compareCSV(t, []byte(b.String()), &valid)
	}
	if valid < 1000 {
		t.Errorf("only %d of the random files were valid", valid)
	}
}

func compareCSV(t *testing.T, src []byte, valid *int) {
	t.Helper()
	std := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(src, []byte("\uFEFF"))))
	std.FieldsPerRecord = -1
	want, wantErr := std.ReadAll()
	if got, want := readLines(src), slowLines(src); !slices.Equal(got, want) {
		t.Fatalf("%.300q: %.300q, want %.300q", src, got, want)
	}
	got, err := readAll(src)
	if (err == nil) != (wantErr == nil) {
		t.Fatalf("%.300q: %v, package csv says %v", src, err, wantErr)
	}
	if err != nil {
		return
	}
	*valid++
	if len(got) != len(want) {
		t.Fatalf("%.300q: %d records, want %d: %q %q", src, len(got), len(want), got, want)
	}
	for i := range got {
		if !slices.Equal(got[i], want[i]) {
			t.Fatalf("%.300q: %q, want %q", src, got[i], want[i])
		}
	}
}

// readLines reads CSV to its end with Lines: the records, each with the number of
// its line, and the faults.
func readLines(src []byte) (got []string) {
	l := NewLines(bytes.NewReader(src))
	for {
		cells, err := l.Read()
		if errors.Is(err, io.EOF) {
			return got
		}
		text := "fault"
		if err == nil {
			text = string(bytes.Join(cells, []byte("|")))
		}
		got = append(got, fmt.Sprintf("%d %s", l.Number, text))
	}
}

// slowLines is readLines by package csv: at each line it tries one line more
// until that is a record, and where it never is, goes on at the next line.
func slowLines(src []byte) (want []string) {
	lines := strings.SplitAfter(strings.TrimPrefix(string(src), "\uFEFF"), "\n")
	for at := 0; at < len(lines); {
		if first := strings.TrimSuffix(lines[at], "\n"); strings.TrimSuffix(first, "\r") == "" {
			at++
			continue
		}
		taken, text := 1, "fault"
		for n := 1; at+n <= len(lines); n++ {
			record, err := csv.NewReader(strings.NewReader(strings.Join(lines[at:at+n], ""))).Read()
			if err == nil {
				taken, text = n, strings.Join(record, "|")
				break
			}
		}
		want = append(want, fmt.Sprintf("%d %s", at+1, text))
		at += taken
	}
	return want
}

// TestLinesGoOn: what can't be cut into cells costs its own line only.
func TestLinesGoOn(t *testing.T) {
	got := readLines([]byte("a,b\n1\"2,3\n4,5\n\"6\"7,8\n9,\"x\ny\"\n,\"\"\"\n\",10\n11,12\"\n13,14\n\"open,15\n16,17\n\"18\",19\n\"open,20\r\n\n21,22"))
	want := []string{
		"1 a|b", "2 fault", "3 4|5", "4 fault", "5 9|x\ny", "7 |\"\n|10", "9 fault", "10 13|14",
		"11 fault", "12 16|17", "13 18|19", "14 fault", "16 21|22",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestLinesGoOnBehindLongOnes: a quote that stays open takes in no more than a
// record may hold, a line that is too long costs itself alone wherever it stands,
// and memory does not grow with what is read again.
func TestLinesGoOnBehindLongOnes(t *testing.T) {
	var src bytes.Buffer
	var want []string
	rows := func(first, last int) {
		for i := first; i <= last; i++ {
			fmt.Fprintf(&src, "%d,%s\n", i, strings.Repeat("x", 90))
			want = append(want, fmt.Sprintf("%d %d|%s", i, i, strings.Repeat("x", 90)))
		}
	}
	fault := func(line int, text string) {
		src.WriteString(text + "\n")
		want = append(want, fmt.Sprintf("%d fault", line))
	}
	rows(1, 10)
	fault(11, `"open`)
	rows(12, 30_000)
	fault(30_001, `30001,"open`)
	rows(30_002, 30_003)
	fault(30_004, strings.Repeat("y", 2*maxRecord))
	rows(30_005, 30_006)
	if got := readLines(src.Bytes()); !slices.Equal(got, want) {
		t.Errorf("%d lines, want %d", len(got), len(want))
	}

	l := NewLines(io.MultiReader(strings.NewReader(strings.Repeat("\"open,1\n\n", 1<<20)), strings.NewReader("1,2\n")))
	for {
		if _, err := l.Read(); errors.Is(err, io.EOF) {
			break
		}
	}
	if cap(l.ahead) > 4*maxRecord || cap(l.long) > 4*maxRecord {
		t.Errorf("%d and %d bytes are held", cap(l.ahead), cap(l.long))
	}
}

// TestLinesOfAnotherWidth: two stray quotes that look like one cell of several
// lines cost a line each.
func TestLinesOfAnotherWidth(t *testing.T) {
	l := NewLines(strings.NewReader("a,b\n1,\"2\n3,4\n5\",6\n7,\"8\n9\"\n\n10\n"))
	if _, err := l.Header(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for {
		cells, err := l.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		text := fmt.Sprint(err)
		if err == nil {
			text = string(bytes.Join(cells, []byte("|")))
		}
		got = append(got, fmt.Sprintf("%d %s", l.Number, text))
	}
	want := []string{
		"2 the record of 3 lines has 3 columns and the first line 2; is a quote missing or too many?", "3 3|4",
		"4 a quote stands inside a cell that does not begin with one", "5 7|8\n9", "8 10",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestHandbook decodes every row of the real data, as CSV and from the JSON
// that it becomes, and compares both with the cells.
func TestHandbook(t *testing.T) {
	path := filepath.Join(dataDir(t), "handbook", "transactions.csv.gz")
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	s, err := LoadSchema("../../configs/handbook/schema.yaml")
	if err != nil {
		t.Fatal(err)
	}
	lines := NewLines(unzipped)
	header, err := lines.Header()
	if err != nil {
		t.Fatal(err)
	}
	c, err := NewCSV(s, header)
	if err != nil {
		t.Fatal(err)
	}
	d := NewDecoder(s)
	var tx, again Transaction
	var label Label
	var text, message []byte
	rows, frauds := 0, 0
	for ; ; rows++ {
		cells, err := lines.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		fraud, has, err := c.RecordBytes(&tx, cells)
		if err != nil || !has {
			t.Fatalf("line %d: %v", lines.Number, err)
		}
		message = AppendJSON(message[:0], &tx)
		if err := d.Transaction(&again, message, tx.Arrival); err != nil || again.Body != tx.Body || again.IDKey != tx.IDKey {
			t.Fatalf("line %d became %s: %v", lines.Number, message, err)
		}
		for i, cell := range cells[:5] {
			if text = again.AppendText(text[:0], i); !bytes.Equal(text, cell) {
				t.Fatalf("line %d: column %d is %s, want %s", lines.Number, i, text, cell)
			}
		}
		if !fraud {
			continue
		}
		frauds++
		message = AppendLabelJSON(message[:0], &tx, tx.Time)
		if err := d.Label(&label, message, 0); err != nil || label.IDKey != tx.IDKey || label.TxTime != tx.Time ||
			!label.Fraud || !slices.Equal(label.Entities, tx.Entities) {
			t.Fatalf("line %d became the label %s: %v", lines.Number, message, err)
		}
	}
	if rows != 1_466_282 || frauds == 0 {
		t.Errorf("%d rows, %d frauds", rows, frauds)
	}
}
