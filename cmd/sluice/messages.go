package main

import (
	"io"
	"os"
	"sync"

	"golang.org/x/term"
)

// messages is where a command says what is not its result: faults, warnings, its
// log, and how far it is. Several goroutines do, so one waits for the other, and
// what is written to a terminal takes the place of the progress drawn there.
type messages struct {
	tty bool

	mu    sync.Mutex // guards the following
	out   io.Writer
	drawn bool // progress stands in the last line
}

func messagesTo(out io.Writer) *messages {
	f, ok := out.(*os.File)
	return &messages{out: out, tty: ok && term.IsTerminal(int(f.Fd()))}
}

// Write writes whole lines.
func (m *messages) Write(lines []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.clear(); err != nil {
		return 0, err
	}
	return m.out.Write(lines)
}

// draw shows a line, on a terminal, in place of the one drawn before.
func (m *messages) draw(line string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, _ = io.WriteString(m.out, "\r"+line+"\x1b[K")
	m.drawn = true
}

// wipe takes away what is drawn.
func (m *messages) wipe() {
	m.mu.Lock()
	defer m.mu.Unlock()
	_ = m.clear()
}

func (m *messages) clear() error {
	if !m.drawn {
		return nil
	}
	m.drawn = false
	_, err := io.WriteString(m.out, "\r\x1b[K")
	return err
}
