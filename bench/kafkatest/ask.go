// Package kafkatest is what tests with a Kafka broker share: asking it with
// patience, and harming the one that .ci/kafka has started.
//
// A broker that was killed or frozen, or that stood still with its machine, for
// longer than its session with the controller, has no leaders for a moment and
// takes no new topics, whatever it has acknowledged until then. The program tries
// on, and so must a test that asks it beside the program.
package kafkatest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// patience is far more than a busy machine needs, for a test must fail of what is
// wrong only.
const patience = 4 * time.Minute

// Eventually asks until it is given what it asks for; what says for what.
func Eventually(t testing.TB, what string, ask func() error) {
	t.Helper()
	err := ask()
	for end := time.Now().Add(patience); err != nil; err = ask() {
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s: %v", what, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Create makes topics, and waits until all their partitions have leaders: the
// broker knows of its topics a moment later.
func Create(t testing.TB, client *kgo.Client, partitions int32, settings map[string]*string, topics ...string) {
	t.Helper()
	admin, want := kadm.NewClient(client), int(partitions)*len(topics)
	Eventually(t, "the topics are there", func() error {
		made, err := admin.CreateTopics(t.Context(), partitions, 1, settings, topics...)
		if err != nil {
			return err
		}
		for _, topic := range made {
			if topic.Err != nil && !errors.Is(topic.Err, kerr.TopicAlreadyExists) {
				return topic.Err
			}
		}
		there, err := admin.ListTopics(t.Context(), topics...)
		if n := led(there); err == nil && n < want {
			err = fmt.Errorf("%d of %d partitions have a leader", n, want)
		}
		return err
	})
}

// led counts the partitions that have a leader.
func led(topics kadm.TopicDetails) (n int) {
	topics.EachPartition(func(x kadm.PartitionDetail) {
		if x.Leader >= 0 && x.Err == nil {
			n++
		}
	})
	return n
}

// Delete deletes a topic.
func Delete(t testing.TB, client *kgo.Client, topic string) {
	t.Helper()
	Eventually(t, topic+" is deleted", func() error {
		_, err := kadm.NewClient(client).DeleteTopic(t.Context(), topic)
		if errors.Is(err, kerr.UnknownTopicOrPartition) {
			return nil // the time before it was, and its answer was lost
		}
		return err
	})
}

// Ends gives where the partitions of a topic end.
func Ends(t testing.TB, client *kgo.Client, topic string) (ends map[int32]int64) {
	t.Helper()
	Eventually(t, "the ends of "+topic, func() error {
		listed, err := kadm.NewClient(client).ListEndOffsets(t.Context(), topic)
		if err != nil {
			return err
		}
		ends = map[int32]int64{}
		for partition, o := range listed[topic] {
			ends[partition] = o.Offset
		}
		return listed.Error()
	})
	return ends
}

// Records counts the records that a topic was given.
func Records(t testing.TB, client *kgo.Client, topic string) (n int64) {
	t.Helper()
	for _, end := range Ends(t, client, topic) {
		n += end
	}
	return n
}

// DeleteRecords deletes what a partition holds below an offset, as a topic's
// retention does.
func DeleteRecords(t testing.TB, client *kgo.Client, topic string, partition int32, below int64) {
	t.Helper()
	before := kadm.Offsets{}
	before.AddOffset(topic, partition, below, -1)
	Eventually(t, fmt.Sprintf("%s/%d has nothing below %d", topic, partition, below), func() error {
		r, err := kadm.NewClient(client).DeleteRecords(t.Context(), before)
		return errors.Join(err, r.Error())
	})
}
