package stream

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"sluice/scoring/event"
	"sluice/scoring/history"
	"sluice/stream/journal"
)

// chunkLoad makes the load of a chunk, which is of an entity of tx.
func (p *prefetch) chunkLoad(tx *event.Transaction, c history.Chunk) *load {
	l := &load{want: want{c.Entity, c.Key, c.From}, chunk: c}
	l.value, _ = tx.AppendEntityValue(nil, c.Entity)
	return l
}

// insist tries on until a load is brought. Only a damaged journal ends it, or the
// end of the run.
func (p *prefetch) insist(ctx context.Context, l *load, trouble func(error)) error {
	var back delay
	for failed := false; ; failed = true {
		err := p.bring(l)
		if err == nil {
			if failed && p.failing.Add(-1) == 0 {
				trouble(nil)
			}
			return nil
		}
		if errors.Is(err, journal.ErrDamaged) {
			return fmt.Errorf("reading the journal: %w", err)
		}
		if !failed {
			p.failing.Add(1)
		}
		trouble(fmt.Errorf("%w: %w", ErrJournalUnread, err))
		if err := back.wait(ctx); err != nil {
			return err
		}
	}
}

// bring loads at once, waiting for the disk.
func (p *prefetch) bring(l *load) error {
	l.begin()
	for {
		if err := l.read(p.journal, p.bound); err != nil {
			return err
		}
		l.restore(p.core.Store(), math.MaxInt)
		if !l.next() {
			return nil
		}
		p.ease(l.entity, l.key)
	}
}

// bringChunks makes sure, waiting for the disk until it can be read, that what was
// lacking to a transaction is in memory. Mostly it was brought before: this is for
// what a payment of the same batch has shifted.
func (p *prefetch) bringChunks(ctx context.Context, tx *event.Transaction, trouble func(error)) error {
	store := p.core.Store()
	store.Pin(tx)
	all := store.Lacking()
	if len(all) == 0 {
		return errors.New("a transaction lacks parts of its histories, and nobody knows which: this is a fault of the program, not of the journal")
	}
	for _, c := range all {
		p.late++
		p.ease(c.Entity, c.Key)
		l := p.chunkLoad(tx, c)
		if err := p.insist(ctx, l, trouble); err != nil {
			return err
		}
		if !p.complete(l) {
			return l.lost()
		}
	}
	return nil
}

// complete reports whether the journal has given all of a chunk that it must hold.
func (p *prefetch) complete(l *load) bool {
	before := p.core.Passed() - 2*int64(p.core.Set().Program.Plan().Retention)
	return p.core.Store().Whole(&l.chunk, max(before, p.journal.Oldest()))
}

// lost is the error of a chunk that is not in the journal as it was in memory.
func (l *load) lost() error {
	until := "now"
	if l.chunk.To < math.MaxInt64 {
		until = time.Unix(0, l.chunk.To).UTC().Format(time.RFC3339)
	}
	return fmt.Errorf("%w: of the %d transactions of an entity from %s to %s that memory has counted, it lacks some; set journal.rebuild: true, or put a copy of the journal in its place",
		journal.ErrDamaged, l.chunk.Rows, time.Unix(0, l.chunk.From).UTC().Format(time.RFC3339), until)
}
