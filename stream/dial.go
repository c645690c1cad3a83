package stream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	kafka "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/sasl"
)

// Kafka says how to reach a cluster.
type Kafka struct {
	Brokers []string
	TLS     *tls.Config    // nil: no encryption
	SASL    sasl.Mechanism // nil: no login
	Client  string         // names this program to the brokers; "": sluice
}

// Cluster is a connection to a Kafka cluster. It is safe for concurrent use.
type Cluster struct {
	kafka     Kafka
	addr      net.Addr
	transport *kafka.Transport
	client    *kafka.Client
}

// metadataTTL bounds how long a moved leader or a new topic stays unseen.
const metadataTTL = time.Second

// callTimeout bounds every call that does not wait for records: a frozen
// broker hangs one without a deadline.
const callTimeout = 10 * time.Second

// Dial prepares a connection; nothing is sent yet. topics are the ones that
// will be asked for: the metadata of a large cluster is long.
func Dial(k Kafka, topics ...string) (*Cluster, error) {
	if len(k.Brokers) == 0 {
		return nil, errors.New("no brokers: name at least one as host:port")
	}
	if k.Client == "" {
		k.Client = "sluice"
	}
	var named []string
	for _, t := range topics {
		if t != "" {
			named = append(named, t)
		}
	}
	t := &kafka.Transport{
		DialTimeout: 5 * time.Second, IdleTimeout: 5 * time.Minute, MetadataTTL: metadataTTL,
		MetadataTopics: named, ClientID: k.Client, TLS: k.TLS, SASL: k.SASL,
	}
	addr := kafka.TCP(k.Brokers...)
	return &Cluster{
		kafka: k, addr: addr, transport: t,
		client: &kafka.Client{Addr: addr, Transport: t, Timeout: callTimeout},
	}, nil
}

// Close closes the connections.
func (c *Cluster) Close() { c.transport.CloseIdleConnections() }

// dialer is for the consumer group, which does not use the transport.
func (c *Cluster) dialer() *kafka.Dialer {
	return &kafka.Dialer{ClientID: c.kafka.Client, Timeout: 5 * time.Second, TLS: c.kafka.TLS, SASLMechanism: c.kafka.SASL, DualStack: true}
}

// leaders gives the leader of each partition of a topic, from metadata at most
// metadataTTL old.
func (c *Cluster) leaders(ctx context.Context, topic string) (map[int32]int32, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	m, err := c.client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
	if err != nil {
		return nil, fmt.Errorf("asking for topic %s: %w", topic, c.explain(err))
	}
	for _, t := range m.Topics {
		if t.Name != topic {
			continue
		}
		if t.Error != nil {
			return nil, fmt.Errorf("topic %s: %w", topic, explain(t.Error))
		}
		out := make(map[int32]int32, len(t.Partitions))
		for _, p := range t.Partitions {
			if p.Leader.Host == "" {
				out[int32(p.ID)] = -1
				continue
			}
			out[int32(p.ID)] = int32(p.Leader.ID)
		}
		return out, nil
	}
	return nil, fmt.Errorf("topic %s: %w", topic, kafka.UnknownTopicOrPartition)
}

// why finds the true cause of a transport's error. After a refused login or a
// failed handshake the transport knows no topics and says just that.
func (c *Cluster) why(ctx context.Context, err error) error {
	vague := errors.Is(err, protocol.ErrNoTopic) || errors.Is(err, protocol.ErrNoPartition) ||
		errors.Is(err, protocol.ErrNoLeader) || errors.Is(err, kafka.BrokerNotAvailable)
	if vague {
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		if _, cause := c.client.Metadata(ctx, &kafka.MetadataRequest{}); cause != nil {
			return c.explain(cause)
		}
	}
	return c.explain(err)
}

// explain knows, other than the function, what the connection was to be like.
func (c *Cluster) explain(err error) error {
	closed := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
	if closed && c.kafka.SASL != nil {
		return &explained{hint: "the broker closes the connection: does it refuse the login, or does one side speak TLS and the other not? Check user, password, mechanism and tls", err: err}
	}
	if closed && c.kafka.TLS != nil {
		return &explained{hint: "the broker closes the connection: does its listener speak TLS?", err: err}
	}
	return explain(err)
}

// explain says in words what to do about an error of the connection.
func explain(err error) error {
	var (
		unknown  x509.UnknownAuthorityError
		hostname x509.HostnameError
		record   tls.RecordHeaderError
		network  *net.OpError
	)
	hint := ""
	switch {
	case err == nil:
	case errors.Is(err, kafka.SASLAuthenticationFailed):
		hint = "the broker refuses the login: check user, password and mechanism"
	case errors.Is(err, kafka.UnsupportedSASLMechanism):
		hint = "the broker does not offer this SASL mechanism"
	case errors.Is(err, kafka.TopicAuthorizationFailed), errors.Is(err, kafka.GroupAuthorizationFailed), errors.Is(err, kafka.ClusterAuthorizationFailed):
		hint = "the broker's ACLs do not allow this to the user"
	case errors.As(err, &unknown):
		hint = "the broker's certificate is not signed by a known authority: set the CA file"
	case errors.As(err, &hostname):
		hint = "the broker's certificate is for another host name"
	case errors.As(err, &record):
		hint = "the broker's listener does not speak TLS"
	case errors.As(err, &network) && network.Op == "remote error": // what crypto/tls calls an alert
		hint = "the broker refuses the TLS connection (does it ask for a client certificate?)"
	case strings.Contains(err.Error(), "expecting TLS"), strings.Contains(err.Error(), "TLS expected"):
		hint = "the broker's listener expects TLS"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		hint = "the broker closes the connection: is it stopping, or does its listener want a login or TLS?"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		hint = "the connection to the broker broke: did it stop, or does the network fail?"
	case errors.Is(err, syscall.ECONNREFUSED):
		hint = "nobody listens there: is the broker running?"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		hint = "no answer in time"
	}
	if hint == "" {
		return err
	}
	return &explained{hint: hint, err: err}
}

type explained struct {
	hint string
	err  error
}

func (e *explained) Error() string { return e.hint + " (" + e.err.Error() + ")" }
func (e *explained) Unwrap() error { return e.err }
