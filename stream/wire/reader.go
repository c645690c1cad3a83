package wire

import (
	"encoding/binary"
	"fmt"
	"io"
)

// maxResponse bounds what a broker may make us read in one response.
const maxResponse = 256 << 20

// response reads the fields of one response from a connection. Its first
// fault stays.
type response struct {
	r    io.Reader
	left int
	buf  [8]byte
	err  error
}

// openResponse reads the frame's size and the correlation id.
func openResponse(r io.Reader, correlation int32) *response {
	in := &response{r: r, left: 4}
	size := int(in.int32())
	if in.err == nil && (size < 4 || size > maxResponse) {
		in.err = fmt.Errorf("a response of %d bytes: not Kafka's protocol (TLS expected?), or too large", size)
	}
	in.left = size
	if id := in.int32(); in.err == nil && id != correlation {
		in.err = fmt.Errorf("response to request %d instead of %d", id, correlation)
	}
	return in
}

func (in *response) take(n int) []byte { return in.fill(in.buf[:n]) }

func (in *response) fill(b []byte) []byte {
	if in.err != nil {
		return b
	}
	if len(b) > in.left {
		in.err = io.ErrUnexpectedEOF
		return b
	}
	if _, err := io.ReadFull(in.r, b); err != nil {
		in.err = fmt.Errorf("reading a response: %w", err)
		clear(b)
	}
	in.left -= len(b)
	return b
}

func (in *response) int16() int16 { return int16(binary.BigEndian.Uint16(in.zeroed(2))) }
func (in *response) int32() int32 { return int32(binary.BigEndian.Uint32(in.zeroed(4))) }
func (in *response) int64() int64 { return int64(binary.BigEndian.Uint64(in.zeroed(8))) }

func (in *response) zeroed(n int) []byte {
	b := in.take(n)
	if in.err != nil {
		clear(b)
	}
	return b
}

// count reads the length of an array, whose elements take at least size bytes.
func (in *response) count(size int) int {
	n := int(in.int32())
	if n < 0 || in.err != nil {
		return 0
	}
	if n*size > in.left {
		in.err = fmt.Errorf("an array of %d elements in %d bytes", n, in.left)
		return 0
	}
	return n
}

func (in *response) string() string {
	n := int(in.int16())
	if n <= 0 || in.err != nil {
		return ""
	}
	if n > in.left {
		in.err = io.ErrUnexpectedEOF
		return ""
	}
	return string(in.fill(make([]byte, n)))
}

// close reads what is left, so that the connection can be used again.
func (in *response) close() error {
	if in.err == nil && in.left > 0 {
		_, in.err = io.CopyN(io.Discard, in.r, int64(in.left))
	}
	return in.err
}

// request starts a frame: the size is filled in by send.
func request(b []byte, api, version int16, correlation int32, client string) []byte {
	b = append(b[:0], 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(api))
	b = binary.BigEndian.AppendUint16(b, uint16(version))
	b = binary.BigEndian.AppendUint32(b, uint32(correlation))
	return appendString(b, client)
}

func appendString(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
}

func send(w io.Writer, b []byte) error {
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	if _, err := w.Write(b); err != nil {
		return fmt.Errorf("sending a request: %w", err)
	}
	return nil
}
