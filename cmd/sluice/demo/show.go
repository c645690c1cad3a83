package demo

import (
	"context"
	"os"
	"time"

	"golang.org/x/term"
)

// How often the picture changes: a terminal's, and the lines of a pipe.
const (
	frameGap = 100 * time.Millisecond
	lineGap  = time.Second
)

// Show shows a board on out until ctx ends: drawn in place on a terminal, as
// plain lines elsewhere. NO_COLOR (in env, as os.LookupEnv gives it) is
// honoured. The caller writes the summary when all verdicts are there.
func Show(ctx context.Context, out *os.File, b *Board, env func(string) (string, bool)) {
	terminal := term.IsTerminal(int(out.Fd()))
	if name, _ := env("TERM"); name == "dumb" {
		terminal = false
	}
	if !terminal {
		lines := NewPlain(out)
		every(ctx, lineGap, func() {
			p := b.Picture()
			lines.Write(&p)
		})
		return
	}
	none, set := env("NO_COLOR")
	screen := NewScreen(out, !set || none == "")
	defer screen.Close()
	every(ctx, frameGap, func() {
		width, height, err := term.GetSize(int(out.Fd()))
		if err != nil {
			width, height = 80, 24
		}
		p := b.Picture()
		screen.Draw(&p, width, height)
	})
}

// every calls f at once, then at each gap, and once more when ctx ends.
func every(ctx context.Context, gap time.Duration, f func()) {
	ticks := time.NewTicker(gap)
	defer ticks.Stop()
	for {
		f()
		select {
		case <-ctx.Done():
			f()
			return
		case <-ticks.C:
		}
	}
}
