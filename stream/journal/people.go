package journal

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/cockroachdb/pebble/v2/sstable"

	"sluice/rules"
	"sluice/scoring/event"
)

// Report is a journal for people to look at.
type Report struct {
	Dir      string
	Format   int
	Cuts     uint32        // ever written
	Width    time.Duration // of a bucket
	Run      Run
	Since    int64 // ns
	Gap      int64 // ns, 0: none
	Whole    int64 // ns, 0: from the first on
	Next     map[Partition]int64
	Verdicts map[int32]int64
	Layouts  []event.Layout
	Buckets  []Bucket // of histories and ids, oldest first
	Waiting  int      // ids with labels that wait
	Disk     int64    // bytes
	Tables   int      // files
	Unsorted int      // cuts that lie on top of each other
	Checked  int64    // keys that Verify has read, 0: none
}

// Bucket is what a journal holds of a stretch of time.
type Bucket struct {
	From time.Time
	Rows int64 // transactions in all histories, by event time
	IDs  int64 // decided, by arrival
	Disk int64 // bytes
}

// Inspect reads what a journal knows of itself. No other process may have it open.
func Inspect(o Options) (Report, error) {
	return looking(o, func(*Journal, *store, *Report) error { return nil })
}

// Verify reads everything that a journal holds: each block with its checksum,
// each key in its order, each value in its form. The error says what is wrong.
func Verify(o Options) (Report, error) {
	return looking(o, func(j *Journal, s *store, r *Report) error {
		if err := s.guard(s.verifyTables); err != nil {
			return err
		}
		return j.verifyValues(s, r)
	})
}

// Compact sorts everything in at once: the journal takes less space then, and is
// faster to look things up in.
func Compact(o Options) (Report, error) {
	o.ReadOnly = true // it makes none where there is none
	j, err := Open(o)
	if err != nil {
		return Report{}, err
	}
	if err := j.Close(); err != nil {
		return Report{}, err
	}
	o.ReadOnly = false
	if j, err = Open(o); err != nil {
		return Report{}, err
	}
	err = j.Compact()
	r, err2 := j.report(j.store.Load())
	return r, join(join(err, err2), j.Close())
}

// Compact sorts everything in at once, while others go on.
func (j *Journal) Compact() error {
	s, done, err := j.reading()
	if err != nil {
		return err
	}
	defer done()
	return s.known(s.guard(func() error {
		return s.db.Compact(context.Background(), []byte{0}, []byte{0xff}, false)
	}))
}

// looking opens a journal for reading, reports, and looks further.
func looking(o Options, further func(*Journal, *store, *Report) error) (Report, error) {
	o.ReadOnly = true
	j, err := Open(o)
	if err != nil {
		return Report{}, err
	}
	s := j.store.Load()
	r, err := j.report(s)
	if err == nil {
		err = s.known(further(j, s, &r))
	}
	return r, join(err, j.Close())
}

func (j *Journal) report(s *store) (Report, error) {
	st := j.state.Load()
	r := Report{
		Dir: j.o.Dir, Format: st.Format, Cuts: st.Cut, Width: time.Duration(st.Bucket), Run: st.Run, Since: st.Since, Gap: st.Gap, Whole: st.Whole,
		Next: st.progress().Next, Verdicts: st.Verdicts, Layouts: st.Layouts, Waiting: j.waiting.len(),
	}
	all := maps.Clone(st.Events)
	maps.Copy(all, st.IDs)
	err := s.guard(func() error {
		m := s.db.Metrics()
		r.Disk, r.Unsorted = int64(m.DiskSpaceUsage()), int(m.Levels[0].Sublevels)
		for i := range m.Levels {
			r.Tables += int(m.Levels[i].TablesCount)
		}
		for _, bucket := range buckets(all) {
			b := Bucket{From: time.Unix(0, int64(bucket)*st.Bucket).UTC(), Rows: st.Events[bucket], IDs: st.IDs[bucket]}
			for _, kind := range []byte{keyHistory, keyID} {
				lower, upper := bucketBounds(kind, int(bucket), int(bucket)+1)
				n, err := s.db.EstimateDiskUsage(lower, upper)
				if err != nil {
					return err
				}
				b.Disk += int64(n)
			}
			r.Buckets = append(r.Buckets, b)
		}
		return nil
	})
	return r, s.known(err)
}

// verifyTables reads every block of every table, the order of the keys and how
// the tables lie.
func (s *store) verifyTables() error {
	levels, err := s.db.SSTables()
	if err != nil {
		return err
	}
	for _, level := range levels {
		for i := range level {
			name := s.fuse.PathJoin(s.dir, fmt.Sprintf("%06d.sst", uint64(level[i].BackingSSTNum)))
			if err := s.verifyTable(name); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return s.db.CheckLevels(nil)
}

func (s *store) verifyTable(name string) error {
	file, err := s.fuse.Open(name)
	if err != nil {
		return err
	}
	readable, err := sstable.NewSimpleReadable(file)
	if err != nil {
		return join(err, file.Close())
	}
	r, err := sstable.NewReader(context.Background(), readable, s.options.MakeReaderOptions())
	if err != nil {
		return join(err, readable.Close())
	}
	return join(r.ValidateBlockChecksums(), r.Close())
}

// verifyValues reads every value, and counts the rows.
func (j *Journal) verifyValues(s *store, r *Report) error {
	st := j.state.Load()
	d, err := j.decoder(st)
	if err != nil {
		return err
	}
	rows := map[uint16]int64{}
	var id decidedID
	sc := scan{s: s, lower: []byte{0}, upper: []byte{0xff}}
	err = sc.run(func(key, value []byte) error {
		r.Checked++
		k, err := parseKey(key)
		if err != nil {
			return s.damage(err)
		}
		switch k.kind {
		case keyHistory:
			n, err := d.count(value)
			if err != nil {
				return err
			}
			rows[k.bucket] += n
		case keyID:
			err = readID(value, int64(k.bucket)*st.Bucket, &id)
		case keyWaiting:
			_, err = readWaiting(value)
		}
		if err != nil {
			return s.damage(err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for bucket, n := range st.Events {
		if rows[bucket] != n {
			return s.damage(fmt.Errorf("the histories of the days from %s hold %d transactions, not %d",
				time.Unix(0, int64(bucket)*st.Bucket).UTC().Format(time.DateOnly), rows[bucket], n))
		}
	}
	return nil
}

// counter is a visitor that counts.
type counter int64

func (c *counter) Row(*event.Transaction, rules.Verdict) { *c++ }
func (c *counter) Label(event.Key, int64, bool)          {}

// count reads a piece of anybody's history.
func (d *decoder) count(piece []byte) (int64, error) {
	var c counter
	d.anyone = true
	err := d.piece(piece, &c)
	d.anyone = false
	return int64(c), err
}

// Print writes the report as text.
func (r *Report) Print(w io.Writer) error {
	at := func(ns int64) string {
		if ns == 0 {
			return "-"
		}
		return time.Unix(0, ns).UTC().Format(time.RFC3339)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "journal\t%s\n", r.Dir)
	fmt.Fprintf(t, "format\t%d, %s written\n", r.Format, counted(r.Cuts, "cut", "cuts"))
	fmt.Fprintf(t, "size\t%s in %s, %s not sorted in\n", megabytes(r.Disk), counted(r.Tables, "table", "tables"), counted(r.Unsorted, "cut", "cuts"))
	fmt.Fprintf(t, "run\t%d, producer id %d, epoch %d\n", r.Run.Number, r.Run.ProducerID, r.Run.Epoch)
	fmt.Fprintf(t, "seen since\t%s\n", at(r.Since))
	if r.Gap != 0 {
		fmt.Fprintf(t, "gap\trecords up to %s are gone that were never decided\n", at(r.Gap))
	}
	if r.Whole != 0 {
		fmt.Fprintf(t, "whole\tfrom %s on: a journal was lost, and the topics held no more\n", at(r.Whole))
	}
	fmt.Fprintf(t, "labels\t%s waited for\n", counted(r.Waiting, "transaction", "transactions"))
	for i, l := range r.Layouts {
		fmt.Fprintf(t, "layout %d\t", i)
		for k, f := range l {
			if k > 0 {
				fmt.Fprint(t, " ")
			}
			fmt.Fprint(t, f.Name)
		}
		fmt.Fprintln(t)
	}
	checked := "not; `sluice journal verify` reads every byte"
	if r.Checked > 0 {
		checked = counted(r.Checked, "key", "keys") + ", nothing is wrong"
	}
	fmt.Fprintf(t, "checked\t%s\n", checked)
	if err := t.Flush(); err != nil {
		return err
	}
	t = tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "\nFROM\tIN HISTORIES\tIDS\tSIZE\n")
	for _, b := range r.Buckets {
		fmt.Fprintf(t, "%s\t%d\t%d\t%s\n", b.From.Format(time.DateOnly), b.Rows, b.IDs, megabytes(b.Disk))
	}
	fmt.Fprintf(t, "\nTOPIC\tPARTITION\tREAD ON FROM\n")
	for _, p := range slices.SortedFunc(maps.Keys(r.Next), Partition.compare) {
		fmt.Fprintf(t, "%s\t%d\t%d\n", p.Topic, p.Number, r.Next[p])
	}
	for _, p := range slices.Sorted(maps.Keys(r.Verdicts)) {
		fmt.Fprintf(t, "(verdicts)\t%d\t%d\n", p, r.Verdicts[p])
	}
	return t.Flush()
}

// counted writes a number and what there is so many of.
func counted[T int | int64 | uint32](n T, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }
