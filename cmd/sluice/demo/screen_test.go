package demo

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (go test -update writes it anew):\n%s", name, got)
	}
}

// made is payment i of a made-up run: every twelfth belongs to an attack of 20
// payments. It leans on no floating point, which processors round differently.
func made(i int) (Message, Verdict) {
	when := at(0).Add(time.Duration(i) * 3 * time.Second)
	m := Message{
		Kind: Payment, ID: paymentID(i), Time: when, Arrival: when, Warmup: i < 1000,
		Amount: money(int64(i*7919%90000 + 100)), Currency: "EUR",
		Account: fmt.Sprintf("a-%06d", i%311), Card: fmt.Sprintf("c-%010x", i*2654435761%(1<<40)),
		IP: fmt.Sprintf("198.19.%d.%d", i%7, i%200), Merchant: fmt.Sprintf("m-%05d", i%97),
	}
	v := Verdict{ID: m.ID, Verdict: "allow", Latency: time.Duration(i%97)*37*time.Microsecond + time.Millisecond}
	if i%12 == 0 {
		kinds, rules := Attacks(), []string{"card-testing", "takeover-abroad", "merchant-overcharging", "ip-many-cards", "mule-collecting"}
		m.AttackID = 1 + i/240
		kind := m.AttackID % len(kinds)
		m.Attack = kinds[kind]
		if i/12%20 > 2+kind && m.AttackID != 9 {
			v.Verdict, v.Score, v.Rules = "deny", 90, rules[kind:kind+1]
			v.Reasons = []string{strings.ToUpper(strings.ReplaceAll(rules[kind], "-", "_"))}
		}
	} else if i%500 == 1 {
		v.Verdict, v.Score = "review", 55
	}
	return m, v
}

// played gives the board after the made-up run.
func played(c *clock) *Board {
	b := newBoard(Setting{
		Seed: 11, Start: at(0), Live: at(3000), Speed: 1800, For: 20 * time.Second,
		Extras: []string{"Ask for a verdict yourself: POST http://127.0.0.1:8080/v1/verdicts"},
	}, c.read)
	for i := range 6000 {
		m, v := made(i)
		b.Sent(m)
		b.Observe(v)
		if v.Verdict == "deny" {
			b.Alert(Alert{Level: "page", Rule: v.Rules[0], Entity: "merchant", Value: m.Merchant, Count: int64(i % 20)})
		}
		if i%300 == 299 {
			c.turn(time.Second)
			b.Picture() // as a screen would, for the rate
		}
	}
	b.DeadLetter()
	b.Lag(12)
	return b
}

func TestFrames(t *testing.T) {
	p := played(&clock{at(0)}).Picture()
	for _, c := range []struct {
		name          string
		width, height int
		color         bool
	}{
		{"frame-110x36.txt", 110, 36, false},
		{"frame-60x20.txt", 60, 20, false},
		{"frame-color-90x30.txt", 90, 30, true},
	} {
		golden(t, c.name, strings.Join(Frame(&p, c.width, c.height, c.color), "\n")+"\n")
	}
}

func TestFrameFitsEverywhere(t *testing.T) {
	p := played(&clock{at(0)}).Picture()
	empty := NewBoard(Setting{}).Picture()
	for width := 20; width < 200; width += 7 {
		for height := 1; height < 60; height += 3 {
			for _, p := range []*Picture{&p, &empty} {
				lines := Frame(p, width, height, false)
				if len(lines) > height {
					t.Fatalf("%d lines for a height of %d", len(lines), height)
				}
				for _, line := range lines {
					if utf8.RuneCountInString(line) > width {
						t.Fatalf("wider than %d: %s", width, line)
					}
				}
			}
		}
	}
}

func TestColorChangesNoText(t *testing.T) {
	p := played(&clock{at(0)}).Picture()
	colored, bare := Frame(&p, 100, 40, true), Frame(&p, 100, 40, false)
	for i, line := range colored {
		if got := strings.TrimRight(strip(line), " "); got != bare[i] {
			t.Errorf("without color line %d is %q, want %q", i, got, bare[i])
		}
	}
}

// strip takes the styles out.
func strip(s string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(s, "\x1b[")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		_, s, _ = strings.Cut(rest, "m")
	}
}

func TestScreenDrawsInPlace(t *testing.T) {
	var out bytes.Buffer
	p := played(&clock{at(0)}).Picture()
	s := NewScreen(&out, false)
	s.Draw(&p, 100, 30)
	first := out.String()
	if !strings.HasPrefix(first, "\x1b[?25l") || strings.Count(first, "\r\n") >= 30 {
		t.Errorf("the first frame shows the cursor or scrolls")
	}
	out.Reset()
	s.Draw(&p, 100, 30)
	if up := "\x1b[29A\r"; !strings.HasPrefix(out.String(), up) || strings.Count(first, "\n") != 29 {
		t.Errorf("the second frame starts with %q after %d lines", out.String()[:8], strings.Count(first, "\n"))
	}
	out.Reset()
	s.Draw(&p, 80, 30)
	if !strings.HasPrefix(out.String(), "\x1b[2J\x1b[H") {
		t.Error("a new size does not clear the screen")
	}
	out.Reset()
	s.Close()
	if !strings.Contains(out.String(), "\x1b[?25h") {
		t.Error("the cursor is not given back")
	}
}

func TestPlainLinesAndSummary(t *testing.T) {
	c := &clock{at(0)}
	b := played(c)
	var out bytes.Buffer
	w := NewPlain(&out)
	for range 2 {
		p := b.Picture()
		w.Write(&p)
		c.turn(time.Second)
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Error("an escape sequence in plain lines")
	}
	golden(t, "plain.txt", out.String())

	out.Reset()
	p := b.Picture()
	WriteSummary(&out, &p)
	golden(t, "summary.txt", out.String())
}

func TestMask(t *testing.T) {
	for in, want := range map[string]string{
		"": "-", "c-0123456789": "c-…789", "m-00012": "m-00012", "198.19.7.12": "198.19.7.*", "w-001234": "w-…234", "short": "s…",
		"2001:db8:1:2:3:4:5:6": "20…5:6",
	} {
		if got := mask(in); got != want {
			t.Errorf("mask(%q) is %q, want %q", in, got, want)
		}
	}
}
