package stream_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// TestLargeDeadLetter: a message that does not fit into its dead letter is there as
// its hash.
func TestLargeDeadLetter(t *testing.T) {
	b := newBench(t)
	_, stop := b.run(t, b.options())
	body := []byte(`{"note":"` + strings.Repeat("x", 950_000) + `"}`)
	b.send(t, b.topics.Transactions, "a", b.start, body)
	b.flush(t)
	var l struct {
		Code    string
		Body    any
		Message struct {
			SHA256 string
			Length int
		}
	}
	value := readAll(t, b.seeds, b.topics.DeadLetters, 1)[0].Value
	if err := json.Unmarshal(value, &l); err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("%x", sha256.Sum256(body)); l.Code != "oversize" || l.Body != nil || l.Message.SHA256 != want || l.Message.Length != len(body) {
		t.Errorf("%.300s, not %s", value, want)
	}
	stop()
}
