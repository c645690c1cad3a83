package stream

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"

	kafka "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/describegroups"
)

// nameJournal gives the runs of a new journal the name under which they join the
// group. Where it can't be noted now, they have none until the next start.
func (p *Processor) nameJournal() {
	run := p.journal.Run()
	if run.Name != "" {
		return
	}
	var b [8]byte
	_, _ = rand.Read(b[:]) // it never fails
	run.Name = hex.EncodeToString(b[:])
	if err := p.journal.Begin(run); err != nil {
		p.log.Warn("the journal takes no name: after a crash the group will wait for this process to time out", "error", err)
	}
}

// groupClient is the name by which the group's brokers know the runs of this
// journal, and only them.
func (p *Processor) groupClient() string {
	name := p.cluster.kafka.Client
	if p.journal != nil {
		if own := p.journal.Run().Name; own != "" {
			name += "-" + own
		}
	}
	return name
}

// outlive returns once no dead run of this journal has a share of the partitions
// in the generation of ctx. A run that dies while it joins gets its share as if
// it lived: nobody would read that, and the rest be decided without what lies
// there. If there was one, the group divides the partitions anew, which ends the
// generation; at the latest it finds out by itself that the run is dead.
func (p *Processor) outlive(ctx context.Context, member string) {
	if p.journal == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, sessionTimeout)
	defer cancel()
	var back delay
	for found := false; ctx.Err() == nil; _ = back.wait(ctx) {
		dead, ok := p.takeLeave(ctx, member)
		if found = found || dead > 0; ok && !found {
			return
		}
	}
}

// takeLeave takes what earlier runs of this journal left behind out of the group,
// all members but one: after a crash the broker would wait for them until their
// sessions end. Whoever has the journal knows that they are dead: its name was
// theirs, and its lock is this process's. It gives how many there were, and
// whether the group told and heard it all.
func (p *Processor) takeLeave(ctx context.Context, but string) (dead int, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	members, err := p.leftBehind(ctx, but)
	if err == nil && len(members) > 0 {
		p.log.Info("taking leave of runs that died", "members", len(members))
		_, err = p.cluster.client.LeaveGroup(ctx, &kafka.LeaveGroupRequest{GroupID: p.o.Group, Members: members})
	}
	if err != nil {
		p.log.Debug("runs that died may still be in the group", "error", explain(err))
	}
	return len(members), err == nil
}

// leftBehind gives the members of the group that bear this journal's name, but
// for one.
func (p *Processor) leftBehind(ctx context.Context, but string) ([]kafka.LeaveGroupRequestMember, error) {
	if p.journal.Run().Name == "" {
		return nil, nil
	}
	// kafka-go's own call fails on members that are just joining.
	m, err := p.cluster.transport.RoundTrip(ctx, p.cluster.addr, &describegroups.Request{Groups: []string{p.o.Group}})
	if err != nil {
		return nil, fmt.Errorf("asking for the members of group %s: %w", p.o.Group, err)
	}
	res, ok := m.(*describegroups.Response)
	if !ok {
		return nil, fmt.Errorf("asking for the members of group %s: an answer of type %T", p.o.Group, m)
	}
	var dead []kafka.LeaveGroupRequestMember
	name := p.groupClient()
	for i := range res.Groups {
		for _, x := range res.Groups[i].Members {
			if x.ClientID == name && x.MemberID != but {
				dead = append(dead, kafka.LeaveGroupRequestMember{ID: x.MemberID})
			}
		}
	}
	return dead, nil
}
