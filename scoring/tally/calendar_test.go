package tally

import (
	"testing"
	"time"

	"sluice/rules"
	"sluice/scoring/event"
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

// TestSumsThatOverflow checks that payments of wild amounts come to no sum below 0.
func TestSumsThatOverflow(t *testing.T) {
	schema, err := event.ParseSchema("schema.yaml", []byte(twinSchema), nil)
	if err != nil {
		t.Fatal(err)
	}
	set := twinSet(t, schema, twinNow)
	sums := New(schema, Options{Now: set, Unit: "lines"})
	for i := range 3 {
		p := plain{id: i, at: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), minor: 1 << 62, currency: "EUR"}
		o := rules.Outcome{Verdict: rules.Deny, Fired: []int{0}}
		sums.Add(&Case{Tx: p.transaction(t, schema), Label: Fraud, Now: &o})
	}
	r := sums.Report()
	for what, m := range map[string]Money{"all fraud": r.FraudMoney, "denied": r.Rules.Verdicts["deny"].Money, "stopped": r.Rules.List[0].Worth.Stopped, "net": r.Rules.List[0].Worth.Net} {
		if m[code("EUR")] < 1<<62 {
			t.Errorf("%s: %v", what, m)
		}
	}
}
