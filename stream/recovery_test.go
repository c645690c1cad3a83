package stream

import (
	"testing"
	"time"
)

func TestArrivedBefore(t *testing.T) {
	since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).UnixNano()
	for record, want := range map[string]bool{
		`{"transaction_id":1,"arrival_time":"2026-01-02T03:04:04.999Z"}`:                                     true,
		`{"transaction_id":1,"arrival_time":"2026-01-02T03:04:05Z"}`:                                         false,
		`{"transaction_id":"\"arrival_time\":\"2020-01-01T00:00:00Z","arrival_time":"2026-01-02T03:04:05Z"}`: false,
		`{"arrival_time":"yesterday"}`:                                                                       false,
		`{"arrival_time":"2026`:                                                                              false,
		``:                                                                                                   false,
	} {
		if got := arrivedBefore([]byte(record), since); got != want {
			t.Errorf("%s: %v", record, got)
		}
	}
}
