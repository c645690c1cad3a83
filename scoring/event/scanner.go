package event

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// MaxDepth bounds how deep lists and objects may be nested in a message.
const MaxDepth = 64

// scanner reads JSON strictly. Its methods take the index of the first byte of
// what they read, and give the index behind it, or -1 after noting the fault.
type scanner struct {
	b     []byte
	text  []byte // of the string read last, if it had escapes
	depth int
	names nameSet
	twice bool // duplicate names are nothing to it

	code Code // of the fault
	at   int  // its place
}

func (s *scanner) fail(code Code, at int) int {
	s.code, s.at = code, at
	return -1
}

// space skips white space.
func (s *scanner) space(i int) int {
	b := s.b
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

const (
	lows  = 0x0101010101010101
	highs = 0x8080808080808080
)

// special finds the first byte at or behind i that is more than itself in a
// string: a quote, a backslash, a control character or the first of several
// bytes of a rune. It looks at eight bytes at once; a false hit of the borrow
// can only lie behind a true one.
func special(b []byte, i int) int {
	for ; i+8 <= len(b); i += 8 {
		x := binary.LittleEndian.Uint64(b[i:])
		quote, slash := x^(lows*'"'), x^(lows*'\\')
		m := ((quote-lows)&^quote | (slash-lows)&^slash | (x-lows*' ')&^x | x) & highs
		if m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
	}
	for i < len(b) && b[i] >= ' ' && b[i] < 0x80 && b[i] != '"' && b[i] != '\\' {
		i++
	}
	return i
}

// str reads a string. The text is valid until the next one is read.
func (s *scanner) str(i int) (text []byte, end int) {
	b := s.b
	start := i + 1
	for i = start; ; {
		i = special(b, i)
		if i >= len(b) {
			return nil, s.fail(Malformed, i)
		}
		switch c := b[i]; {
		case c == '"':
			return b[start:i], i + 1
		case c == '\\':
			return s.escaped(start, i)
		case c < ' ':
			return nil, s.fail(Malformed, i)
		}
		r, size := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && size <= 1 {
			return nil, s.fail(BadUTF8, i)
		}
		i += size
	}
}

// escaped reads the rest of a string that has escapes, the first of them at i.
func (s *scanner) escaped(start, i int) (text []byte, end int) {
	b := s.b
	s.text = append(s.text[:0], b[start:i]...)
	for {
		if b[i] == '\\' {
			if i = s.escape(i); i < 0 {
				return nil, -1
			}
		}
		from := i
		i = special(b, i)
		s.text = append(s.text, b[from:i]...)
		if i >= len(b) {
			return nil, s.fail(Malformed, i)
		}
		switch c := b[i]; {
		case c == '"':
			return s.text, i + 1
		case c == '\\':
		case c < ' ':
			return nil, s.fail(Malformed, i)
		default:
			r, size := utf8.DecodeRune(b[i:])
			if r == utf8.RuneError && size <= 1 {
				return nil, s.fail(BadUTF8, i)
			}
			s.text = append(s.text, b[i:i+size]...)
			i += size
			if i >= len(b) {
				return nil, s.fail(Malformed, i)
			}
		}
	}
}

// escape reads one escape and appends what it stands for.
func (s *scanner) escape(i int) int {
	b := s.b
	if i+1 >= len(b) {
		return s.fail(Malformed, i)
	}
	c := b[i+1]
	switch c {
	case '"', '\\', '/':
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'u':
		return s.unicode(i)
	default:
		return s.fail(Malformed, i)
	}
	s.text = append(s.text, c)
	return s.inside(i + 2)
}

// inside fails at the end of the message: a string must go on there.
func (s *scanner) inside(i int) int {
	if i >= len(s.b) {
		return s.fail(Malformed, i)
	}
	return i
}

// unicode reads \uXXXX, or two of them that make a surrogate pair.
func (s *scanner) unicode(i int) int {
	r := s.hex(i)
	if r < 0 {
		return s.fail(Malformed, i)
	}
	end := i + 6
	switch {
	case r >= 0xdc00 && r <= 0xdfff:
		return s.fail(BadUTF8, i)
	case r >= 0xd800 && r <= 0xdbff:
		low := s.hex(end)
		if low < 0xdc00 || low > 0xdfff {
			return s.fail(BadUTF8, i)
		}
		r = 0x10000 + (r-0xd800)<<10 + (low - 0xdc00)
		end += 6
	}
	s.text = utf8.AppendRune(s.text, r)
	return s.inside(end)
}

// hex reads \uXXXX, -1 if it is none.
func (s *scanner) hex(i int) rune {
	b := s.b
	if i+6 > len(b) || b[i] != '\\' || b[i+1] != 'u' {
		return -1
	}
	r := rune(0)
	for _, c := range b[i+2 : i+6] {
		h := hexDigit(c)
		if h < 0 {
			return -1
		}
		r = r<<4 | rune(h)
	}
	return r
}

// word reads one of the three words of JSON.
func (s *scanner) word(i int, word string) int {
	if end := i + len(word); end <= len(s.b) && string(s.b[i:end]) == word {
		return end
	}
	return s.fail(Malformed, i)
}

// skip reads any value without keeping it.
func (s *scanner) skip(i int) int {
	if i >= len(s.b) {
		return s.fail(Malformed, i)
	}
	switch s.b[i] {
	case '"':
		_, i = s.str(i)
		return i
	case '{':
		return s.skipObject(i)
	case '[':
		return s.skipList(i)
	case 't':
		return s.word(i, "true")
	case 'f':
		return s.word(i, "false")
	case 'n':
		return s.word(i, "null")
	}
	n, ok := scanNumber(s.b, i)
	if !ok {
		return s.fail(Malformed, n.end)
	}
	return n.end
}

// enter steps into a list or an object.
func (s *scanner) enter(i int) bool {
	if s.depth++; s.depth > MaxDepth {
		s.fail(TooDeep, i)
		return false
	}
	return true
}

func (s *scanner) skipList(i int) int {
	if !s.enter(i) {
		return -1
	}
	defer func() { s.depth-- }()
	if i = s.space(i + 1); i < len(s.b) && s.b[i] == ']' {
		return i + 1
	}
	for {
		if i = s.skip(i); i < 0 {
			return -1
		}
		i = s.space(i)
		if i >= len(s.b) || s.b[i] != ',' && s.b[i] != ']' {
			return s.fail(Malformed, i)
		}
		if s.b[i] == ']' {
			return i + 1
		}
		i = s.space(i + 1)
	}
}

func (s *scanner) skipObject(i int) int {
	if !s.enter(i) {
		return -1
	}
	defer func() { s.depth-- }()
	object := s.names.object()
	if i = s.space(i + 1); i < len(s.b) && s.b[i] == '}' {
		return i + 1
	}
	for {
		if i = s.unknown(i, object); i < 0 {
			return -1
		}
		if s.b[i] == '}' {
			return i + 1
		}
		i = s.space(i + 1)
	}
}

// unknown reads a member that nobody asked for, up to what follows it: a comma
// or the end of the object.
func (s *scanner) unknown(i int, object uint32) int {
	if i >= len(s.b) || s.b[i] != '"' {
		return s.fail(Malformed, i)
	}
	name, end := s.str(i)
	if end < 0 {
		return -1
	}
	return s.rest(i, end, name, object)
}

// rest reads an unknown member from behind its name on.
func (s *scanner) rest(i, end int, name []byte, object uint32) int {
	if !s.twice && !s.names.add(object, name) {
		return s.fail(DuplicateKey, i)
	}
	if i = s.colon(end); i < 0 {
		return -1
	}
	if i = s.skip(i); i < 0 {
		return -1
	}
	return s.comma(i)
}

// colon reads what stands between a name and its value.
func (s *scanner) colon(i int) int {
	i = s.space(i)
	if i >= len(s.b) || s.b[i] != ':' {
		return s.fail(Malformed, i)
	}
	return s.inside(s.space(i + 1))
}

// comma reads up to the comma or the brace behind a member.
func (s *scanner) comma(i int) int {
	i = s.space(i)
	if i >= len(s.b) || s.b[i] != ',' && s.b[i] != '}' {
		return s.fail(Malformed, i)
	}
	return i
}
