package stream

import (
	"strings"
	"testing"
	"time"
)

// TestWarnings judges settings of topics that something may be lost by.
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
		{"verdicts", "max.message.bytes=1000", "max.message.bytes=1000: a larger record is refused"},
		{"dead", "max.message.bytes=1000", "set it to 900000 or more"},
		{"tx", "max.message.bytes=899999", "899999"},
		{"verdicts", "max.message.bytes=1048588", ""},
		{"labels", "max.message.bytes=1000", ""},
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
