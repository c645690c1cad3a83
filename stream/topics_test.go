package stream

import (
	"strings"
	"testing"
	"time"
)

// TestWarnings judges settings of topics that a rebuild would suffer from.
func TestWarnings(t *testing.T) {
	topics := Topics{Transactions: "tx", Labels: "labels", Verdicts: "verdicts", DeadLetters: "dead"}
	for _, c := range []struct {
		topic, settings, want string
	}{
		{"tx", "retention.ms=-1 retention.bytes=-1 cleanup.policy=delete", ""},
		{"tx", "retention.ms=604800000", "keeps less than the histories (720h0m0s)"},
		{"labels", "retention.ms=604800000", "keeps less"},
		{"tx", "retention.ms=2592000000", ""},
		{"tx", "retention.bytes=1000", "retention.bytes=1000"},
		{"verdicts", "retention.ms=1", ""},
		{"verdicts", "cleanup.policy=compact,delete", "cleanup.policy=compact"},
		{"tx", "message.timestamp.type=LogAppendTime", "LogAppendTime"},
		{"dead", "cleanup.policy=compact retention.ms=1", ""},
	} {
		settings := map[string]string{}
		for _, s := range strings.Fields(c.settings) {
			k, v, _ := strings.Cut(s, "=")
			settings[k] = v
		}
		got := strings.Join(warnings(topics, c.topic, settings, 30*24*time.Hour), "\n")
		if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s %s: %q", c.topic, c.settings, got)
		}
	}
}
