package main

import (
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"

	"sluice/configs"
	"sluice/stream"
)

// kafkaOf makes the connection's options of the configuration.
func kafkaOf(c *configs.Config) (stream.Kafka, error) {
	k := stream.Kafka{Brokers: c.Brokers}
	var err error
	if k.TLS, err = c.TLS.Config(); err != nil {
		return k, err
	}
	if c.SASL != nil {
		k.SASL, err = loginOf(c.SASL)
	}
	return k, err
}

func loginOf(s *configs.SASL) (sasl.Mechanism, error) {
	switch s.Mechanism {
	case configs.ScramSHA256:
		return scram.Mechanism(scram.SHA256, s.Username, s.Password.Reveal())
	case configs.ScramSHA512:
		return scram.Mechanism(scram.SHA512, s.Username, s.Password.Reveal())
	}
	return plain.Mechanism{Username: s.Username, Password: s.Password.Reveal()}, nil
}

func topicsOf(t configs.Topics) stream.Topics {
	return stream.Topics{Transactions: t.Transactions, Labels: t.Labels, Verdicts: t.Verdicts, DeadLetters: t.DeadLetters, Alerts: t.Alerts}
}

// journalOf says how the journal is kept; nil: there is none.
func journalOf(c *configs.Config) *stream.Journaling {
	if !c.Journal.Enabled {
		return nil
	}
	return &stream.Journaling{
		Dir: c.Journal.Dir, Interval: c.Journal.Interval, MaxUnwritten: int64(c.Journal.MaxUnwritten),
		Memory: int64(c.History.Memory), Rebuild: c.Journal.Rebuild,
	}
}

// readyLag makes the stream's bound of the configuration's, where 0 means none.
func readyLag(most int64) int64 {
	if most == 0 {
		return -1
	}
	return most
}
