package main

import (
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"sluice/bench/kafkatest"
)

// TestEndToEndDying stops the program in the middle of its work, politely and
// not, and starts it again: each transaction has one verdict, and windows are
// as if nothing had happened.
func TestEndToEndDying(t *testing.T) {
	p := newPlace(t, "rules:\n  - {id: seen, when: count(account.last(\"1h\")) >= 1, score: 1}\n")
	const n, accounts = 30_000, 50
	start := time.Now().Add(-30 * time.Minute).Truncate(time.Second)
	s := p.serve(t)
	s.awaitReady(t)

	var sent atomic.Int64
	var sending sync.WaitGroup
	sending.Go(func() {
		for i := range n {
			account := fmt.Sprintf("a%d", i%accounts)
			at := start.Add(time.Duration(i) * 20 * time.Millisecond)
			p.send(t, "tx", account, tx(i, account, at, "1", ""), at)
			if i%100 == 99 {
				p.flush(t)
			}
			sent.Store(int64(i))
		}
	})
	defer sending.Wait()
	asked := 0
	ask := func() { // over HTTP, while there is a backlog
		t.Helper()
		body := tx(n+asked, "http", time.Now(), "1", "")
		var first string
		s.await(t, "an answer", func() bool {
			status, record := s.do(t, "POST", "/v1/verdicts", body)
			first = record
			return status == http.StatusOK
		})
		if status, again := s.do(t, "POST", "/v1/verdicts", body); status != http.StatusOK || again != first {
			t.Errorf("%d %s, not %s", status, again, first)
		}
		asked++
	}
	for i, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL, syscall.SIGKILL} {
		for sent.Load() < int64((i+1)*n/4) {
			time.Sleep(time.Millisecond)
		}
		ask()
		if code := s.stop(t, sig); sig == syscall.SIGTERM && code != 0 {
			t.Errorf("SIGTERM: exit code %d", code)
		}
		s = p.serve(t)
		status, why := s.do(t, "GET", "/readyz", "")
		unready := status == http.StatusServiceUnavailable && strings.HasPrefix(why, "not ready: ")
		if !unready && !strings.Contains(s.logged(), "msg=deciding") {
			t.Errorf("ready at once: %d %s", status, why)
		}
		ask()
	}
	sending.Wait()
	p.flush(t)
	s.awaitReady(t)
	ask()

	got := p.verdicts(t, n+asked)
	for i := range n {
		v := got[i]
		before := i / accounts
		switch {
		case before == 0 && len(v.Rules) == 0:
		case len(v.Windows) != 1 || v.Windows[0].Value != float64(before):
			t.Fatalf("transaction %d, %d before it: %+v", i, before, v)
		}
	}
	for i := range asked {
		v := got[n+i]
		whole := i == 0 && len(v.Rules) == 0 || len(v.Windows) == 1 && v.Windows[0].Value == float64(i)
		if warming := slices.Contains(v.Flags, "warming"); !whole && !warming || warming && i == asked-1 {
			t.Errorf("over HTTP, %d before it: %+v", i, v)
		}
	}
	s.terminate(t)
}

// TestBrokerDownAtStart: the program waits for its broker, and says so.
func TestBrokerDownAtStart(t *testing.T) {
	port, release, err := kafkatest.Port()
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	p := placeAt(t, []string{fmt.Sprint("127.0.0.1:", port)}, lettered("a"), "")
	s := p.serve(t)
	s.await(t, "the cause", func() bool {
		status, why := s.do(t, "GET", "/readyz", "")
		return status == http.StatusServiceUnavailable && strings.Contains(why, "connecting") && strings.Contains(why, "nobody listens there")
	})
	if status, answer := s.do(t, "POST", "/v1/verdicts", tx(1, "x", time.Now(), "1", "")); status != http.StatusServiceUnavailable || !strings.Contains(answer, `"code":"starting"`) {
		t.Errorf("%d %s", status, answer)
	}
	if status, _ := s.do(t, "GET", "/healthz", ""); status != http.StatusOK {
		t.Errorf("healthz: %d", status)
	}
	if status, text := s.do(t, "GET", "/metrics", ""); status != http.StatusOK || !strings.Contains(text, "\nsluice_caught_up 0\n") {
		t.Errorf("metrics: %d", status)
	}
	fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(port))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	s.awaitReady(t)
	if n := strings.Count(s.logged(), "nobody listens there"); n > 3 {
		t.Errorf("it said so %d times", n)
	}
	if status, record := s.do(t, "POST", "/v1/verdicts", tx(1, "x", time.Now(), "1", "")); status != http.StatusOK {
		t.Errorf("%d %s", status, record)
	}
	s.terminate(t)
}

// TestStopWithoutBroker: a broker that never comes does not hold up the end.
func TestStopWithoutBroker(t *testing.T) {
	s := placeAt(t, []string{"127.0.0.1:1"}, lettered("a"), "").serve(t)
	s.awaitLog(t, "nobody listens there")
	s.terminate(t)
}

func TestWrongLogin(t *testing.T) {
	fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL(), kfake.Superuser("PLAIN", "admin", "right-one"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	p := placeAt(t, fake.ListenAddrs(), lettered("a"), "sasl: {mechanism: plain, username: admin, password: '${SLUICE_PASSWORD}'}\n")
	s := p.serve(t, "SLUICE_PASSWORD=wr0ng-one")
	s.await(t, "the cause", func() bool {
		_, why := s.do(t, "GET", "/readyz", "")
		return strings.Contains(why, "refuse the login")
	})
	s.terminate(t)
	if strings.Contains(s.logged(), "wr0ng") || !strings.Contains(s.logged(), "refuse the login") {
		t.Errorf("the log says nothing, or too much")
	}
	s = p.serve(t, "SLUICE_PASSWORD=right-one")
	s.awaitReady(t)
	s.terminate(t)
}

// TestServeStopsAtFaults runs the program with a configuration full of faults.
func TestServeStopsAtFaults(t *testing.T) {
	p := placeAt(t, []string{"127.0.0.1:1"}, lettered("a"), "groop: x\npartitions: many\nsasl: {mechanism: plain, password: tomato}\n")
	out, err := serveOnce(p)
	if err == nil || !strings.HasPrefix(err.Error(), "exit status 1") {
		t.Errorf("%v", err)
	}
	for _, want := range []string{"groop", "did you mean", "partitions", "mechanism", "username", "sluice.yaml:9:", "faults"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if strings.Contains(out, "tomato") {
		t.Errorf("a password is shown:\n%s", out)
	}
	put(t, filepath.Join(p.dir, "sluice.yaml"), fmt.Sprintf(e2eConfig, "x"))
	p.rules(t, "rules:\n  - {id: a, when: tx.amuont > 1}\n  - {id: a, when: tx.amount > 'x'}\n")
	if out, _ = serveOnce(p); strings.Count(out, "rules.yaml:") < 3 || !strings.Contains(out, "did you mean") {
		t.Errorf("faults of rules:\n%s", out)
	}
}
