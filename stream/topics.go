package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	kafka "github.com/segmentio/kafka-go"

	"sluice/stream/produce"
)

// Topics names the topics of a job. Labels and Alerts may be empty: there are none.
type Topics struct {
	Transactions string
	Labels       string
	Verdicts     string
	DeadLetters  string
	Alerts       string
}

func (t Topics) all() []string {
	var out []string
	for _, name := range []string{t.Transactions, t.Labels, t.Verdicts, t.DeadLetters, t.Alerts} {
		if name != "" {
			out = append(out, name)
		}
	}
	return out
}

// Creation says how missing topics are created.
type Creation struct {
	Allowed     bool
	Partitions  int // 0: 4
	Replication int // 0: the broker's default
}

// MissingTopicsError says that topics do not exist and may not be created.
type MissingTopicsError struct{ Topics []string }

// Error says what to do.
func (e *MissingTopicsError) Error() string {
	return fmt.Sprintf("no topic %s: create it, or allow it to be created", strings.Join(e.Topics, ", "))
}

// input: they are kept without end: histories are read back from them.
func (t Topics) input(name string) bool { return name == t.Transactions || name == t.Labels }

// Prepare creates the missing topics, where that is allowed, waits until all
// have leaders, and warns of settings under which something can be lost.
func (c *Cluster) Prepare(ctx context.Context, topics Topics, how Creation, retention time.Duration, log *slog.Logger) error {
	if how.Partitions == 0 {
		how.Partitions = 4
	}
	missing, err := c.missing(ctx, topics)
	if err != nil {
		return err
	}
	if len(missing) > 0 && !how.Allowed {
		return &MissingTopicsError{Topics: missing}
	}
	if err := c.create(ctx, topics, missing, how, log); err != nil {
		return err
	}
	for _, name := range topics.all() {
		if err := c.awaitLeaders(ctx, name); err != nil {
			return err
		}
	}
	c.review(ctx, topics, retention, log)
	return nil
}

// missing lists the topics that do not exist.
func (c *Cluster) missing(ctx context.Context, topics Topics) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	m, err := c.client.Metadata(ctx, &kafka.MetadataRequest{Topics: topics.all()})
	if err != nil {
		return nil, fmt.Errorf("asking for the topics: %w", c.explain(err))
	}
	var out []string
	for _, t := range m.Topics {
		switch {
		case errors.Is(t.Error, kafka.UnknownTopicOrPartition):
			out = append(out, t.Name)
		case t.Error != nil && !errors.Is(t.Error, kafka.LeaderNotAvailable):
			return nil, fmt.Errorf("topic %s: %w", t.Name, explain(t.Error))
		}
	}
	return out, nil
}

func (c *Cluster) create(ctx context.Context, topics Topics, names []string, how Creation, log *slog.Logger) error {
	if len(names) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 3*callTimeout)
	defer cancel()
	req := &kafka.CreateTopicsRequest{}
	for _, name := range names {
		t := kafka.TopicConfig{Topic: name, NumPartitions: how.Partitions, ReplicationFactor: how.Replication}
		if how.Replication == 0 {
			t.ReplicationFactor = -1
		}
		if topics.input(name) {
			t.ConfigEntries = []kafka.ConfigEntry{{ConfigName: "retention.ms", ConfigValue: "-1"}}
		}
		req.Topics = append(req.Topics, t)
	}
	r, err := c.client.CreateTopics(ctx, req)
	if err != nil {
		return fmt.Errorf("creating topics: %w", c.why(ctx, err))
	}
	for name, err := range r.Errors {
		if err != nil && !errors.Is(err, kafka.TopicAlreadyExists) {
			return fmt.Errorf("creating topic %s: %w", name, explain(err))
		}
		log.Info("topic created", "topic", name, "partitions", how.Partitions)
	}
	return nil
}

func (c *Cluster) awaitLeaders(ctx context.Context, topic string) error {
	ctx, cancel := context.WithTimeout(ctx, 3*callTimeout)
	defer cancel()
	for {
		leaders, err := c.leaders(ctx, topic)
		if err == nil {
			for p, leader := range leaders {
				if leader < 0 {
					err = fmt.Errorf("partition %d of topic %s has no leader", p, topic)
				}
			}
		}
		if err == nil && len(leaders) > 0 {
			return nil
		}
		if sleep(ctx, 50*time.Millisecond) != nil {
			return fmt.Errorf("waiting for topic %s: %w", topic, errors.Join(err, ctx.Err()))
		}
	}
}

// review warns of settings under which histories can't be rebuilt, or records are
// refused. It is advice: a broker that does not tell its settings is no fault.
func (c *Cluster) review(ctx context.Context, topics Topics, retention time.Duration, log *slog.Logger) {
	req := &kafka.DescribeConfigsRequest{}
	for _, name := range topics.all() {
		req.Resources = append(req.Resources, kafka.DescribeConfigRequestResource{
			ResourceType: kafka.ResourceTypeTopic, ResourceName: name,
			ConfigNames: []string{"retention.ms", "retention.bytes", "cleanup.policy", "message.timestamp.type", "max.message.bytes"},
		})
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	r, err := c.client.DescribeConfigs(ctx, req)
	if err != nil {
		log.Info("the broker does not tell the topics' settings", "error", c.why(ctx, err))
		return
	}
	for _, res := range r.Resources {
		settings := map[string]string{}
		for _, e := range res.ConfigEntries {
			settings[e.ConfigName] = e.ConfigValue
		}
		for _, w := range warnings(topics, res.ResourceName, settings, retention) {
			log.Warn("a topic is set so that something may be lost", "topic", res.ResourceName, "reason", w)
		}
	}
}

// warnings judges the settings of one topic.
func warnings(topics Topics, name string, settings map[string]string, retention time.Duration) []string {
	var out []string
	written := name == topics.Transactions || name == topics.Verdicts || name == topics.DeadLetters
	if most, err := strconv.ParseInt(settings["max.message.bytes"], 10, 64); err == nil && written && most < produce.MaxBatch {
		out = append(out, fmt.Sprintf("max.message.bytes=%d: a larger record is refused; one of a partition stops it, and a request that needs one gets an error and no verdict record; set it to %d or more",
			most, produce.MaxBatch))
	}
	needed := name == topics.Verdicts || topics.input(name)
	if !needed {
		return out
	}
	if strings.Contains(settings["cleanup.policy"], "compact") {
		out = append(out, "cleanup.policy=compact removes records that histories and decided ids are read back from; set it to delete")
	}
	if topics.input(name) {
		if ms, err := strconv.ParseInt(settings["retention.ms"], 10, 64); err == nil && ms >= 0 && ms < retention.Milliseconds() {
			out = append(out, fmt.Sprintf("retention.ms=%d keeps less than the histories (%s): after a restart windows will not be whole; set it to -1 or more than %d",
				ms, retention, retention.Milliseconds()))
		}
		if bytes, err := strconv.ParseInt(settings["retention.bytes"], 10, 64); err == nil && bytes >= 0 {
			out = append(out, fmt.Sprintf("retention.bytes=%d may remove records that histories are read back from; set it to -1", bytes))
		}
		if settings["message.timestamp.type"] == "LogAppendTime" {
			out = append(out, "message.timestamp.type=LogAppendTime: arrival is when the broker appended, whatever the producer says")
		}
	}
	return out
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
