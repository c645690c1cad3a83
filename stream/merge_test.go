package stream

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestMergeTranscripts runs the scripts of testdata/merge: what happens, line
// by line, and behind "->" what the merge gives then.
//
//	lane A label        a partition, of labels
//	lane A 5            a partition of which offset 5 is known to be the end
//	end A 7             news: the partition ends at 7
//	put A 10 11:x       decoded records with their times (and ids)
//	skip A 2            the partition moves on by two offsets without records
//	at 500              the clock, ms
//	take -> A10 A11     everything that the merge gives now, then why it stops
func TestMergeTranscripts(t *testing.T) {
	files, _ := filepath.Glob("testdata/merge/*.txt")
	if len(files) == 0 {
		t.Fatal("no transcripts")
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s := script{t: t, m: merge{patience: int64(100 * time.Millisecond)}, queues: map[string]*queue{}, names: map[*chunk]string{}}
			for i, line := range strings.Split(string(text), "\n") {
				if line, _, _ = strings.Cut(line, "#"); strings.TrimSpace(line) != "" {
					s.line(fmt.Sprintf("%s:%d", file, i+1), strings.TrimSpace(line))
				}
			}
		})
	}
}

type script struct {
	t      *testing.T
	m      merge
	now    int64
	queues map[string]*queue
	names  map[*chunk]string
}

func (s *script) line(where, line string) {
	line, want, _ := strings.Cut(line, "->")
	words := strings.Fields(line)
	switch words[0] {
	case "lane":
		q := &queue{}
		s.queues[words[1]] = q
		end := int64(0)
		for _, w := range words[2:] {
			if w == "label" {
				q.label = true
			} else {
				end = number(s.t, w)
			}
		}
		s.m.add(q, 0, end, s.now)
	case "end":
		s.m.know(s.queues[words[1]], number(s.t, words[2]), s.now)
	case "skip":
		q := s.queues[words[1]]
		s.m.put(q, block{next: q.next + number(s.t, words[2])}, s.now)
	case "put":
		s.put(words[1], words[2:])
	case "at":
		s.now = number(s.t, words[1]) * int64(time.Millisecond)
	case "take":
		if got := s.take(); got != strings.TrimSpace(want) {
			s.t.Errorf("%s: the merge gives %q", where, got)
		}
	default:
		s.t.Fatalf("%s: what is %q?", where, words[0])
	}
}

func (s *script) put(name string, items []string) {
	q := s.queues[name]
	c := &chunk{}
	s.names[c] = name
	for _, item := range items {
		at, id, _ := strings.Cut(item, ":")
		c.keys = append(c.keys, mergeKey{time: number(s.t, at), text: []byte(id)})
	}
	s.m.put(q, block{keys: c.keys, next: q.next + int64(len(items)), ref: c}, s.now)
}

func (s *script) take() string {
	var out []string
	for {
		q, wait := s.m.peek(s.now)
		if q == nil {
			if wait > 0 {
				out = append(out, fmt.Sprintf("waits %dms", wait.Milliseconds()))
			}
			return strings.Join(out, " ")
		}
		c, i, _ := s.m.pop(s.now)
		item := s.names[c] + strconv.FormatInt(c.keys[i].time, 10)
		if id := string(c.keys[i].text); id != "" {
			item += ":" + id
		}
		out = append(out, item)
	}
}

func number(t *testing.T, s string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestMergeIsTheMerge compares with a slow obvious twin: of all heads the
// smallest, whatever way the records arrive in, once all is there.
func TestMergeIsTheMerge(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		m := merge{patience: int64(time.Hour)}
		lanes := make([][]mergeKey, 1+r.IntN(9))
		queues := make([]*queue, len(lanes))
		chunks := map[*chunk]int{}
		for i := range lanes {
			for range r.IntN(30) {
				lanes[i] = append(lanes[i], mergeKey{time: r.Int64N(20), num: r.Int64N(5)})
			}
			queues[i] = &queue{label: r.IntN(3) == 0}
			m.add(queues[i], 0, int64(len(lanes[i])), 0)
		}
		type item struct {
			lane int
			key  mergeKey
		}
		var got, want []item
		sent := make([]int, len(lanes))
		drain := func() {
			for q, _ := m.peek(0); q != nil; q, _ = m.peek(0) {
				c, i, _ := m.pop(0)
				got = append(got, item{chunks[c], c.keys[i]})
			}
		}
		for range 200 {
			i := r.IntN(len(lanes))
			n := min(r.IntN(6), len(lanes[i])-sent[i])
			c := &chunk{keys: lanes[i][sent[i] : sent[i]+n]}
			chunks[c] = i
			sent[i] += n
			m.put(queues[i], block{keys: c.keys, next: int64(sent[i]), ref: c}, 0)
			if r.IntN(3) == 0 {
				drain()
			}
		}
		drain()
		rest := slices.Clone(lanes)
		for {
			best := -1
			for i := range rest {
				if len(rest[i]) > 0 && (best < 0 || rest[i][0].less(queues[i].label, &rest[best][0], queues[best].label)) {
					best = i
				}
			}
			if best < 0 {
				break
			}
			want = append(want, item{best, rest[best][0]})
			rest[best] = rest[best][1:]
		}
		same := slices.EqualFunc(got, want, func(a, b item) bool {
			return a.key.time == b.key.time && a.key.num == b.key.num && queues[a.lane].label == queues[b.lane].label
		})
		left := 0
		for i := range lanes {
			left += len(lanes[i]) - sent[i]
		}
		if left == 0 && !same {
			t.Fatalf("seed %d: %v, not %v", seed, got, want)
		}
	}
}

// TestTracker compares with a set of the offsets that are not done.
func TestTracker(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 2))
		var tr tracker
		tr.start(10)
		offset, floor := int64(10), int64(10)
		open := map[uint64]int64{}
		for range 2000 {
			if r.IntN(2) == 0 {
				open[tr.add(offset)] = offset
				offset += 1 + r.Int64N(3)
			} else if len(open) > 0 {
				for n := range open {
					tr.done(n)
					if r.IntN(5) == 0 {
						tr.done(n)
					}
					delete(open, n)
					break
				}
			}
			least := int64(1 << 60)
			for _, o := range open {
				least = min(least, o)
			}
			if tr.floor > least || tr.floor < floor || len(open) == 0 && tr.open() != 0 {
				t.Fatalf("seed %d: done below %d, though %d is open (before: %d)", seed, tr.floor, least, floor)
			}
			floor = tr.floor
		}
	}
}
