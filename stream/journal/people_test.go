package journal

import (
	"strings"
	"testing"
)

func TestReportTellsOneAsOne(t *testing.T) {
	var text strings.Builder
	r := Report{Cuts: 1, Tables: 1, Unsorted: 2, Waiting: 1, Checked: 1}
	if err := r.Print(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1 cut written", "in 1 table, 2 cuts not sorted in", "1 transaction waited for", "1 key, nothing is wrong"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
}
