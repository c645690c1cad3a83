// Package configs holds what can be configured: the types, the defaults and
// their validation, and the files that the program ships with.
//
// sluice.yaml is the commented example; every key it names is a field here.
package configs

import (
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"time"

	"sluice/configs/strict"
)

// Config is the configuration of `sluice serve`.
type Config struct {
	Brokers           Brokers `yaml:"brokers,required"`
	TLS               TLS     `yaml:"tls"`
	SASL              *SASL   `yaml:"sasl"`  // nil: no login
	Group             string  `yaml:"group"` // consumer group
	Topics            Topics  `yaml:"topics"`
	CreateTopics      bool    `yaml:"create_topics"`
	Partitions        int     `yaml:"partitions"`         // of topics that are created
	ReplicationFactor int     `yaml:"replication_factor"` // of topics that are created; -1: the broker's default
	Schema            File    `yaml:"schema,required"`
	Rules             File    `yaml:"rules,required"` // a directory
	Listen            string  `yaml:"listen"`
	Journal           Journal `yaml:"journal"`
	State             State   `yaml:"state"`
	History           History `yaml:"history"`
	// AcceptGap goes on where a topic has lost records that were never decided,
	// instead of stopping the partition (the verdicts of all others bear the flag
	// gap meanwhile); verdicts then bear the flag gap until their windows have
	// passed it.
	AcceptGap   bool        `yaml:"accept_gap"`
	DecidedIDs  DecidedIDs  `yaml:"decided_ids"`
	Merge       Merge       `yaml:"merge"`
	DeadLetters DeadLetters `yaml:"dead_letters"`
	Alerts      Alerts      `yaml:"alerts"`
	Gateway     Gateway     `yaml:"gateway"`
	Ready       Ready       `yaml:"ready"`

	DrainTimeout time.Duration `yaml:"drain_timeout"` // for what is in flight at SIGTERM
	Log          Log           `yaml:"log"`
}

// Topics names the topics. Labels and Alerts may be empty: there are none.
type Topics struct {
	Transactions string `yaml:"transactions"`
	Labels       string `yaml:"labels"`
	Verdicts     string `yaml:"verdicts"`
	DeadLetters  string `yaml:"dead_letters"`
	Alerts       string `yaml:"alerts"`
}

// Journal says where and how often what is known is written to the disk.
type Journal struct {
	Enabled  bool          `yaml:"enabled"`  // false: it is read back from the topics at each start
	Dir      string        `yaml:"dir"`      // is made where it is missing
	Interval time.Duration `yaml:"interval"` // between two cuts
	// MaxUnwritten is how much may wait for a disk that is full, slow or failing
	// before deciding pauses.
	MaxUnwritten strict.Bytes `yaml:"max_unwritten"`
	// Rebuild begins a new journal from the topics where it is damaged.
	Rebuild bool `yaml:"rebuild"`
}

// State says where it is written what people change while it runs: entries of
// lists, snoozes, and the last rule sets.
type State struct {
	Dir string `yaml:"dir"` // is made where it is missing; "": the directory state beside the journal's
}

// History bounds the memory of the histories.
type History struct {
	Memory strict.Bytes `yaml:"memory"` // beyond it cold ones are in the journal alone; 0: no bound
}

// DecidedIDs bounds the memory of what has been decided.
type DecidedIDs struct {
	Keep time.Duration `yaml:"keep"` // by arrival
	Max  int           `yaml:"max"`  // ids; the oldest go first
}

// Merge orders what several partitions hold.
type Merge struct {
	// Wait bounds the wait for a partition that is known to hold more than has
	// been fetched of it.
	Wait time.Duration `yaml:"wait"`
}

// DeadLetters says what goes along with what could not be read.
type DeadLetters struct {
	// Raw carries the bytes themselves, unmasked, where they can't be parsed.
	Raw bool `yaml:"raw"`
}

// Alerts says where alerts go besides their topic.
type Alerts struct {
	Webhook strict.Secret `yaml:"webhook"` // URL, often with a token in it; empty: none
	Log     bool          `yaml:"log"`
	Lasts   time.Duration `yaml:"lasts"` // an alert ends when it was quiet so long
}

// Gateway bounds the HTTP door.
type Gateway struct {
	MaxInFlight int           `yaml:"max_in_flight"` // requests; more are refused
	Timeout     time.Duration `yaml:"timeout"`       // for a verdict
}

// Ready says when /readyz answers 200.
type Ready struct {
	MaxLag int64 `yaml:"max_lag"` // records not yet decided
}

// Log says how the log is written.
type Log struct {
	Level  LogLevel  `yaml:"level"`
	Format LogFormat `yaml:"format"`
}

// Default gives the configuration that a file starts from.
func Default() Config {
	return Config{
		Group: "sluice",
		Topics: Topics{
			Transactions: "transactions", Labels: "labels", Verdicts: "verdicts",
			DeadLetters: "dead-letters", Alerts: "alerts",
		},
		CreateTopics: true, Partitions: 4, ReplicationFactor: 1,
		Listen:     "127.0.0.1:8080",
		Journal:    Journal{Enabled: true, Dir: "journal", Interval: time.Second, MaxUnwritten: 256 << 20},
		History:    History{Memory: 4 << 30},
		DecidedIDs: DecidedIDs{Keep: 24 * time.Hour, Max: 50_000_000},
		Merge:      Merge{Wait: 500 * time.Millisecond},
		Alerts:     Alerts{Log: true, Lasts: 10 * time.Minute},
		Gateway:    Gateway{MaxInFlight: 1024, Timeout: 5 * time.Second},
		Ready:      Ready{MaxLag: 10_000},

		DrainTimeout: 10 * time.Second,
		Log:          Log{Level: LogLevel(slog.LevelInfo), Format: Text},
	}
}

// The bounds of numbers that would break something later, and less clearly.
const (
	maxPartitions  = 64
	maxReplication = 32767
)

// Check looks over the values.
func (c *Config) Check(report func(key, message string)) {
	if c.Group == "" {
		report("group", "a consumer group needs a name")
	}
	between(report, "partitions", c.Partitions, 1, maxPartitions)
	if c.ReplicationFactor != -1 {
		between(report, "replication_factor", c.ReplicationFactor, 1, maxReplication)
	}
	atLeast(report, "drain_timeout", c.DrainTimeout, time.Second)
	if _, port, err := net.SplitHostPort(c.Listen); err != nil || port == "" {
		report("listen", fmt.Sprintf("%q is not an address to listen at; write it like 127.0.0.1:8080, or :8080 for all interfaces", c.Listen))
	}
}

// Check looks over the names.
func (t *Topics) Check(report func(key, message string)) {
	taken := map[string]string{}
	for _, topic := range []struct {
		key, name string
		optional  bool
	}{
		{"transactions", t.Transactions, false},
		{"labels", t.Labels, true},
		{"verdicts", t.Verdicts, false},
		{"dead_letters", t.DeadLetters, false},
		{"alerts", t.Alerts, true},
	} {
		if topic.name == "" && topic.optional {
			continue
		}
		if message := checkTopic(topic.name); message != "" {
			report(topic.key, message)
		} else if other := taken[topic.name]; other != "" {
			report(topic.key, fmt.Sprintf("the topic %s is the one of %s already; each needs its own", topic.name, other))
		}
		taken[topic.name] = topic.key
	}
}

func checkTopic(name string) string {
	const most = 249
	good := name != "" && len(name) <= most && name != "." && name != ".."
	for _, c := range name {
		good = good && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-')
	}
	if good {
		return ""
	}
	return fmt.Sprintf("%q is no name of a topic; letters, digits, . _ and - are allowed, at most %d", name, most)
}

// Check looks over the values.
func (j *Journal) Check(report func(key, message string)) {
	if j.Dir == "" {
		report("dir", "the journal needs a directory; enabled: false is how to do without one")
	}
	if j.Interval < 10*time.Millisecond || j.Interval > time.Minute {
		report("interval", fmt.Sprintf("%v is out of range; from 10ms to 1m is allowed", j.Interval))
	}
	if j.MaxUnwritten < 16<<20 {
		report("max_unwritten", fmt.Sprintf("%v is too little; at least 16MiB is needed", j.MaxUnwritten))
	}
}

// Check looks over the values.
func (h *History) Check(report func(key, message string)) {
	if h.Memory != 0 && h.Memory < 16<<20 {
		report("memory", fmt.Sprintf("%v is too little; at least 16MiB is needed, or 0 for no bound", h.Memory))
	}
}

// Check looks over the values.
func (d *DecidedIDs) Check(report func(key, message string)) {
	atLeast(report, "keep", d.Keep, time.Minute)
	between(report, "max", d.Max, 1, 1<<31)
}

// Check looks over the values.
func (m *Merge) Check(report func(key, message string)) {
	atLeast(report, "wait", m.Wait, time.Millisecond)
	if m.Wait > time.Minute {
		report("wait", "a stuck partition would hold up all others for so long; at most 1m is allowed")
	}
}

// Check looks over the values.
func (a *Alerts) Check(report func(key, message string)) {
	atLeast(report, "lasts", a.Lasts, time.Second)
	hook := a.Webhook.Reveal()
	if hook == "" {
		return
	}
	if u, err := url.Parse(hook); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		report("webhook", "this is not a URL that begins with https:// or http://")
	}
}

// Check looks over the values.
func (g *Gateway) Check(report func(key, message string)) {
	between(report, "max_in_flight", g.MaxInFlight, 1, 1<<20)
	atLeast(report, "timeout", g.Timeout, 10*time.Millisecond)
}

// Check looks over the values.
func (r *Ready) Check(report func(key, message string)) {
	if r.MaxLag < 0 {
		report("max_lag", "this is a number of records, 0 or more")
	}
}

func between(report func(key, message string), key string, value, low, high int) {
	if value < low || value > high {
		report(key, fmt.Sprintf("%d is out of range; from %d to %d is allowed", value, low, high))
	}
}

func atLeast(report func(key, message string), key string, value, least time.Duration) {
	if value < least {
		report(key, fmt.Sprintf("%v is too short; at least %v is needed", value, least))
	}
}
