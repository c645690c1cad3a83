package journal

import "github.com/cockroachdb/pebble/v2"

// scanBytes is how much of a scan is copied out of Pebble at once.
const scanBytes = 256 << 10

// scan reads keys in order: those of a history, or those between bounds. They
// are copied out in bounded pieces and given outside of the guard, so that what
// they are given to is never run by a goroutine that was given up.
type scan struct {
	s            *store
	lower, upper []byte

	history bool
	prefix  uint64
	live    []uint16

	it    seeker
	at    int // of live
	found bool
	buf   []byte
	ends  []int // of key and value, in turn
}

func (c *scan) run(f func(key, value []byte) error) error {
	if c.history && len(c.live) == 0 {
		return nil
	}
	for more := true; more; {
		err := c.s.guard(func() (err error) {
			more, err = c.fill()
			return err
		})
		if err == nil {
			err = c.give(f)
		}
		if err != nil {
			c.close()
			return c.s.known(err)
		}
	}
	return c.s.known(c.closed())
}

func (c *scan) give(f func(key, value []byte) error) error {
	from := 0
	for i := 0; i < len(c.ends); i += 2 {
		if err := f(c.buf[from:c.ends[i]], c.buf[c.ends[i]:c.ends[i+1]]); err != nil {
			return err
		}
		from = c.ends[i+1]
	}
	return nil
}

// close drops the iterator, if somebody still can.
func (c *scan) close() {
	if !c.s.hasFailed() {
		c.closed() //nolint:errcheck // an error is being told already
	}
}

func (c *scan) closed() error {
	it := c.it.Iterator
	if it == nil {
		return nil
	}
	c.it.Iterator = nil
	return c.s.guard(it.Close)
}

// fill copies the next keys and values out.
func (c *scan) fill() (more bool, err error) {
	c.buf, c.ends = c.buf[:0], c.ends[:0]
	if c.it.Iterator == nil {
		if err := c.open(); err != nil {
			return false, err
		}
		c.found = c.seek()
	} else {
		c.found = c.it.Next()
	}
	for {
		for !c.found {
			if err := c.it.Error(); err != nil {
				return false, err
			}
			if c.at++; !c.history || c.at >= len(c.live) {
				return false, nil
			}
			c.found = c.seek()
		}
		value, err := c.it.ValueAndErr()
		if err != nil {
			return false, err
		}
		c.buf = append(c.buf, c.it.Key()...)
		c.ends = append(c.ends, len(c.buf))
		c.buf = append(c.buf, value...)
		c.ends = append(c.ends, len(c.buf))
		if len(c.buf) >= scanBytes {
			return true, nil
		}
		c.found = c.it.Next()
	}
}

func (c *scan) open() (err error) {
	if c.history {
		c.it, err = c.s.seeker(keyHistory, 1)
		return err
	}
	c.it.Iterator, err = c.s.db.NewIter(&pebble.IterOptions{LowerBound: c.lower, UpperBound: c.upper})
	return err
}

func (c *scan) seek() bool {
	if !c.history {
		return c.it.First()
	}
	return c.it.seek(appendHistoryPrefix(nil, c.live[c.at], c.prefix))
}
