package configs

import (
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"sluice/configs/strict"
)

// Brokers are the addresses that a cluster is first asked at: a list, or text
// with commas, as it comes from the environment.
type Brokers []string

// UnmarshalStrict reads the addresses.
func (b *Brokers) UnmarshalStrict(d *strict.Decoder, n *yaml.Node) {
	*b = nil
	if n.Kind == yaml.SequenceNode {
		for _, item := range n.Content {
			b.add(d, item)
		}
		if len(n.Content) == 0 {
			d.Fault(n, "at least one broker is needed, like localhost:9092")
		}
		return
	}
	b.add(d, n)
}

func (b *Brokers) add(d *strict.Decoder, n *yaml.Node) {
	text, _, ok := d.Scalar(n)
	if !ok {
		return
	}
	for address := range strings.SplitSeq(text, ",") {
		address = strings.TrimSpace(address)
		host, port, err := net.SplitHostPort(address)
		number, numberErr := strconv.ParseUint(port, 10, 16)
		if err != nil || host == "" || numberErr != nil || number == 0 {
			d.Fault(n, "%q is not the address of a broker; write host:port, like localhost:9092", address)
			continue
		}
		*b = append(*b, address)
	}
}

// File is a file or directory. In a configuration file it is written relative
// to that file.
type File struct {
	Path string // as this process can open it
	node *yaml.Node
}

// UnmarshalStrict reads the path as it is written; Load resolves it.
func (f *File) UnmarshalStrict(d *strict.Decoder, n *yaml.Node) {
	text, _, ok := d.Scalar(n)
	if ok && text == "" {
		d.Fault(n, "a path is missing here")
		return
	}
	if ok {
		f.Path, f.node = text, n
	}
}

// LogLevel is the least level that is logged. It is a slog.Leveler.
type LogLevel slog.Level

// Level gives the level.
func (l LogLevel) Level() slog.Level { return slog.Level(l) }

// UnmarshalText reads debug, info, warn or error.
func (l *LogLevel) UnmarshalText(text []byte) error {
	for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
		if strings.EqualFold(level.String(), string(text)) {
			*l = LogLevel(level)
			return nil
		}
	}
	return fmt.Errorf("%q is not a level; write debug, info, warn or error", text)
}

// LogFormat is how a line of the log looks.
type LogFormat string

// The formats.
const (
	Text LogFormat = "text"
	JSON LogFormat = "json"
)

// UnmarshalText reads text or json.
func (f *LogFormat) UnmarshalText(text []byte) error {
	switch LogFormat(text) {
	case Text, JSON:
		*f = LogFormat(text)
		return nil
	}
	return fmt.Errorf("%q is not a format; write text or json", text)
}

// Mechanism is a way to log in.
type Mechanism string

// The mechanisms.
const (
	Plain       Mechanism = "plain"
	ScramSHA256 Mechanism = "scram-sha-256"
	ScramSHA512 Mechanism = "scram-sha-512"
)

// UnmarshalText reads the name of a mechanism.
func (m *Mechanism) UnmarshalText(text []byte) error {
	switch Mechanism(text) {
	case Plain, ScramSHA256, ScramSHA512:
		*m = Mechanism(text)
		return nil
	}
	return fmt.Errorf("%q is not a mechanism; write plain, scram-sha-256 or scram-sha-512", text)
}

// SASL is a login.
type SASL struct {
	Mechanism Mechanism     `yaml:"mechanism,required"`
	Username  string        `yaml:"username,required"`
	Password  strict.Secret `yaml:"password,required"`
}
