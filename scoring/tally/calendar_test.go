package tally

import (
	"testing"
	"time"
)

// TestDaysWithoutMidnight checks that each moment is counted to the date that its
// clock shows, where clocks go forward at midnight or back to it, whatever the order.
func TestDaysWithoutMidnight(t *testing.T) {
	for name, change := range map[string]time.Time{
		"America/Santiago":  time.Date(2024, 9, 8, 4, 0, 0, 0, time.UTC),   // no 0:00
		"America/Sao_Paulo": time.Date(2018, 11, 4, 3, 0, 0, 0, time.UTC),  // no 0:00
		"Atlantic/Azores":   time.Date(2026, 3, 29, 1, 0, 0, 0, time.UTC),  // no 0:00
		"Asia/Beirut":       time.Date(2024, 3, 30, 22, 0, 0, 0, time.UTC), // no 0:00
		"Asia/Amman":        time.Date(2021, 10, 28, 22, 0, 0, 0, time.UTC),
		"America/Havana":    time.Date(2024, 11, 3, 5, 0, 0, 0, time.UTC),
		"Europe/Berlin":     time.Date(2026, 3, 29, 1, 0, 0, 0, time.UTC),
		"Pacific/Apia":      time.Date(2011, 12, 30, 10, 0, 0, 0, time.UTC), // no December 30
	} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		var c calendar
		c.begin(zone, 0)
		newest := change.Add(48 * time.Hour).UnixNano()
		dates := map[string]bool{}
		for at := change.Add(-48 * time.Hour); at.Before(change.Add(48 * time.Hour)); at = at.Add(30 * time.Minute) {
			want := at.In(zone).Format(time.DateOnly)
			dates[want] = true
			if got := c.of(at.UnixNano(), newest).chart.Date; got != want {
				t.Errorf("%s: %s is counted to %s", name, at.In(zone), got)
			}
		}
		if len(c.days) != len(dates) {
			t.Errorf("%s: %d days of %d dates", name, len(c.days), len(dates))
		}
	}
}
