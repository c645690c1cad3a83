package reliability

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

var assignment = regexp.MustCompile(`msg="partitions assigned" generation=\d+ partitions="\[(.*?)\]"`)

// TestReliabilityJoining joins the group as runs do that are killed while they
// join: one waits for another that is dead already, and dies too. The group takes
// it for a living one and gives it a share of the partitions. The next run must
// not decide its own without the payments and labels that lie in those.
func TestReliabilityJoining(t *testing.T) {
	t.Parallel()
	times, n := scale(3, 20), scale(6_000, 40_000)
	p := newPlace(t)
	all := payments(t, n)
	config := p.configure(t, "sluice", "{dir: journal, interval: 50ms}")
	w := p.watch(t)
	s := serve(t, config)
	for i := range times {
		p.send(t, all[n*i/times:n*(i+1)/times])
		w.await(t, n*(i+1)/times, s, hung)
		s.awaitReady(t)
		name := p.clientOfMember(t, s)
		s.terminate(t)
		p.join(t, name, 10*time.Second) // it is alone, and answered at once
		p.join(t, name, 100*time.Millisecond)
		s = serve(t, config)
		s.awaitLog(t, "msg=deciding", hung)
		if got := len(strings.Fields(assignment.FindStringSubmatch(s.logged())[1])); got != 2*partitions {
			t.Errorf("start %d: it decides with %d of %d partitions, and dead runs have the others", i+1, got, 2*partitions)
		}
	}
	s.terminate(t)
	t.Logf("%d starts after runs that died while they joined: each has all partitions; %+v", times, p.judge(t, reference(t, n)))
}

// clientOfMember gives the name by which the group knows its one member, once dead
// ones that joined late have left it.
func (p *place) clientOfMember(t *testing.T, s *process) (name string) {
	t.Helper()
	s.await(t, "it is alone in the group", hung, func() bool {
		groups, err := p.admin.DescribeGroups(t.Context(), p.name)
		if err != nil || len(groups[p.name].Members) != 1 {
			return false
		}
		name = groups[p.name].Members[0].ClientID
		return true
	})
	return name
}

// join asks to be a member of the group, under a name, waits for the answer for
// a while, and is not heard of again.
func (p *place) join(t *testing.T, name string, patience time.Duration) {
	t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(p.seeds...), kgo.ClientID(name))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	topics := kmsg.NewConsumerMemberMetadata()
	topics.Topics = []string{p.topic("labels"), p.topic("tx")}
	req := kmsg.NewPtrJoinGroupRequest()
	req.Group, req.ProtocolType = p.name, "consumer"
	req.SessionTimeoutMillis, req.RebalanceTimeoutMillis = 10_000, 6_000
	for _, balancer := range []string{"range", "roundrobin"} {
		protocol := kmsg.NewJoinGroupRequestProtocol()
		protocol.Name, protocol.Metadata = balancer, topics.AppendTo(nil)
		req.Protocols = append(req.Protocols, protocol)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for range 2 { // the first answer tells its id
		res, err := req.RequestWith(ctx, c)
		if errors.Is(err, context.DeadlineExceeded) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := kerr.ErrorForCode(res.ErrorCode); err != nil && !errors.Is(err, kerr.MemberIDRequired) {
			t.Fatal(err)
		}
		req.MemberID = res.MemberID
	}
}
