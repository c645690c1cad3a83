package stream_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/twmb/franz-go/pkg/kfake"

	"sluice/stream"
)

// TestBrokerDies kills and freezes a real broker (started by .ci/kafka in
// SLUICE_TEST_KAFKA) while transactions flow: every one gets its verdict once.
func TestBrokerDies(t *testing.T) {
	dir := os.Getenv("SLUICE_TEST_KAFKA")
	if dir == "" {
		t.Skip("set SLUICE_TEST_KAFKA to the folder of a broker started by .ci/kafka")
	}
	address, err := os.ReadFile(filepath.Join(dir, "address"))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("SLUICE_TEST_BROKERS", strings.TrimSpace(string(address)))
	b := newBench(t)
	b.create(t, b.options())
	p, _ := b.run(t, b.options())
	const rounds, each = 4, 5000
	for round := range rounds {
		for i := round * each; i < (round+1)*each; i++ {
			c := fmt.Sprintf("c%d", i%2500)
			b.send(t, b.topics.Transactions, c, b.start, b.body(i, c, b.start, 100))
			if i%each != each/2 {
				continue
			}
			pid := brokerPID(t, dir)
			if round%2 == 0 {
				_ = syscall.Kill(pid, syscall.SIGKILL)
				await(t, "it is gone", func() bool { return !lives(pid) }) // its memory is taken apart first
				time.Sleep(500 * time.Millisecond)
				if out, err := exec.Command(filepath.Join("..", ".ci", "kafka"), "restart", dir).CombinedOutput(); err != nil {
					t.Fatalf("%v: %s", err, out)
				}
			} else {
				_ = syscall.Kill(pid, syscall.SIGSTOP)
				time.Sleep(3 * time.Second)
				_ = syscall.Kill(pid, syscall.SIGCONT)
			}
		}
		b.flush(t)
	}
	b.verdicts(t, rounds*each)
	await(t, "caught up", b.drained(t, p))
}

// lives says whether a process is there that is not waited for.
func lives(pid int) bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	return err == nil && !strings.Contains(string(status), "State:\tZ")
}

func brokerPID(t *testing.T, dir string) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "pid"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// TestBrokerComesLater starts the processor before its broker: it says what is
// wrong, and works once the broker is there.
func TestBrokerComesLater(t *testing.T) {
	port := reserve(t)
	b := &bench{seeds: []string{fmt.Sprintf("127.0.0.1:%d", port)}, topics: topicsFor(t), schema: schemaOf(t), group: "g", start: time.Now()}
	b.set = setOf(t, b.schema, testRules)
	p, wait := startQuietly(t, b.options())
	await(t, "the trouble", func() bool {
		s := p.State()
		return len(s.Troubles) > 0 && strings.Contains(s.Troubles[0], "nobody listens there")
	})
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(port))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	await(t, "deciding", func() bool { return p.State().Phase == "deciding" })
	if _, err := p.Decide(t.Context(), b.body(1, "a", time.Now(), 100)); err != nil {
		t.Error(err)
	}
	wait()
}

// reserve gives a port of this machine where nobody listens, and which nobody is
// given who asks for any one; who asks for this one gets it. Only Linux lets somebody
// listen where another one is bound: elsewhere it is given back.
func reserve(t *testing.T) (port int) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	release := sync.OnceFunc(func() { _ = syscall.Close(fd) })
	t.Cleanup(release)
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil { // as listeners of Go do
		t.Fatal(err)
	}
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	at, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "linux" {
		release()
	}
	return at.(*syscall.SockaddrInet4).Port
}

// TestRefusedLogin is told as what it is.
func TestRefusedLogin(t *testing.T) {
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL(), kfake.Superuser("PLAIN", "sluice", "right"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	b := &bench{seeds: c.ListenAddrs(), topics: topicsFor(t), schema: schemaOf(t), group: "g", start: time.Now()}
	b.set = setOf(t, b.schema, testRules)
	o := b.options()
	o.Kafka.SASL = plain.Mechanism{Username: "sluice", Password: "wrong"}
	p, wait := startQuietly(t, o)
	await(t, "the trouble", func() bool {
		s := p.State()
		return len(s.Troubles) > 0 && strings.Contains(s.Troubles[0], "login")
	})
	wait()
	o.Kafka.SASL = plain.Mechanism{Username: "sluice", Password: "right"}
	p, wait = startQuietly(t, o)
	await(t, "deciding", func() bool { return p.State().Phase == "deciding" })
	wait()
}

// startQuietly runs a processor without waiting for it; the function it gives
// stops it.
func startQuietly(t *testing.T, o stream.Options) (*stream.Processor, func()) {
	t.Helper()
	p, err := stream.New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	return p, func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}
