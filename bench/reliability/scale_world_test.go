package reliability

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice/rules"
	"sluice/scoring/event"
	"sluice/stream/journal"
)

// A world is a month of card payments: two for each card on average, at least
// one, at a few thousand merchants of which some are everybody's.
type world struct {
	cards int
	end   time.Time // of the month
	r     *rand.Rand
}

const (
	worldMonth     = 30 * 24 * time.Hour
	worldMerchants = 5000
	worldHot       = 10 // of the merchants; together they have a fifth of all payments
	worldCut       = 200_000
	// newCards and up nobody has seen.
	newCards = 1_000_000_000
)

func newWorld(cards int, end time.Time) *world {
	return &world{cards: cards, end: end, r: rand.New(rand.NewPCG(1, uint64(cards)))}
}

// payment appends the n-th of a number of payments of the month, and gives its time.
func (w *world) payment(b []byte, n, of int) ([]byte, time.Time) {
	at := w.end.Add(-worldMonth + time.Duration(float64(worldMonth)*float64(n)/float64(of))).Truncate(time.Second)
	card := w.shuffled(n / 2) // each card once
	if n&1 == 1 {
		u := w.r.Float64()
		card = int(u * u * float64(w.cards)) // and some more often
	}
	return appendPayment(b, n, card, w.merchant(), at, w.r.IntN(20_000)), at
}

func (w *world) shuffled(n int) int {
	return int(uint64(n) * 7_919_000_003 % uint64(w.cards)) // prime, so each comes once
}

func (w *world) merchant() int {
	if w.r.IntN(5) == 0 {
		return w.r.IntN(worldHot)
	}
	return w.r.IntN(worldMerchants)
}

func appendPayment(b []byte, id, card, merchant int, at time.Time, cents int) []byte {
	return fmt.Appendf(b, `{"transaction_id":%d,"tx_datetime":"%s","customer_id":%d,"terminal_id":%d,"tx_amount":%d.%02d}`,
		id, at.UTC().Format(time.RFC3339), card, merchant, cents/100, cents%100)
}

// handbookSchema is the schema of the program's configuration.
func handbookSchema(t *testing.T) *event.Schema {
	t.Helper()
	path := filepath.Join("..", "..", "configs", "handbook", "schema.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	schema, err := event.ParseSchema(path, text, nil)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// filled gives a folder with a journal that holds a world, and the world: that
// of SLUICE_SCALE_DIR if it is there already. The journal is not to be opened:
// copies of it are.
func filled(t *testing.T, cards int) (dir string, w *world) {
	t.Helper()
	kept := os.Getenv("SLUICE_SCALE_DIR")
	if kept == "" {
		kept = t.TempDir()
	}
	dir = filepath.Join(kept, fmt.Sprintf("world-%d", cards))
	schema := handbookSchema(t)
	if _, err := os.Stat(dir); err == nil {
		j, err := journal.Open(journal.Options{Dir: dir, Schema: schema, ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		since := time.Unix(0, j.Progress().Since)
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		return dir, newWorld(cards, since.Add(worldMonth))
	}
	w = newWorld(cards, time.Now().Truncate(time.Second))
	began := time.Now()
	half := dir + ".half"
	if err := os.RemoveAll(half); err != nil {
		t.Fatal(err)
	}
	w.fill(t, half, schema)
	if err := os.Rename(half, dir); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d cards with %d payments written in %.0f s", cards, 2*cards, time.Since(began).Seconds())
	return dir, w
}

// fill writes the world as the engine would: decoded, logged, and in cuts.
func (w *world) fill(t *testing.T, dir string, schema *event.Schema) {
	t.Helper()
	j, err := journal.Open(journal.Options{Dir: dir, Schema: schema, Bucket: 4 * 24 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	progress := journal.Progress{Since: w.end.Add(-worldMonth).UnixNano()}
	full, empty := make(chan *journal.Segment, 1), make(chan *journal.Segment, 2)
	for range cap(empty) {
		empty <- j.Segment()
	}
	go func() {
		defer close(full)
		decoder := event.NewDecoder(schema)
		var tx event.Transaction
		var message []byte
		for n := 0; n < 2*w.cards; {
			s := <-empty
			s.Reset()
			for range min(worldCut, 2*w.cards-n) {
				var at time.Time
				message, at = w.payment(message[:0], n, 2*w.cards)
				if err := decoder.Transaction(&tx, message, at.UnixNano()); err != nil {
					t.Errorf("%s: %v", message, err)
					return
				}
				s.Decided(&tx, rules.Allow, 0, true)
				n++
			}
			full <- s
		}
	}()
	for s := range full {
		if err := j.Write([]*journal.Segment{s}, progress); err != nil {
			t.Error(err)
		}
		empty <- s
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
	if t.Failed() {
		t.FailNow()
	}
}

// lend gives a journal's copy that shares with it the files that never change.
func lend(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		if d.IsDir() {
			return os.MkdirAll(target, 0o750)
		}
		if strings.HasSuffix(path, ".sst") {
			return os.Link(path, target)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, b, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}
