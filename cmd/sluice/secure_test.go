package main

import (
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"sluice/bench/kafkatest"
)

// secured is a real broker started by .ci/kafka: its folder says where it
// listens how, and holds the certificates.
type secured struct {
	kafkatest.Broker
	password string // of the user sluice
}

func newSecured(t *testing.T) *secured {
	t.Helper()
	s := &secured{Broker: kafkatest.Named(t)}
	t.Setenv("SLUICE_TEST_BROKERS", s.Says(t, "address"))
	s.password = s.Says(t, "secure/password")
	return s
}

// file names one of the certificates and keys.
func (s *secured) file(name string) string { return s.File("secure/" + name) }

func (s *secured) tls(ca string) string {
	return fmt.Sprintf("tls: {enabled: true, ca: %q}\n", s.file(ca))
}

func (s *secured) tlsWithClient() string {
	return fmt.Sprintf("tls: {enabled: true, ca: %q, cert: %q, key: %q}\n", s.file("ca.pem"), s.file("client.pem"), s.file("client.key"))
}

func login(mechanism, user string) string {
	return fmt.Sprintf("sasl: {mechanism: %s, username: %s, password: '${SLUICE_PASSWORD}'}\n", mechanism, user)
}

const secureRules = `
rules:
  - id: seen
    when: count(account.last("1h")) >= 1
    score: 1
  - id: known
    when: any(account.last("1h"), .fraud)
    verdict: deny
`

// place has a program that reaches the broker through the named listener; the
// test itself comes in through the one without encryption and login.
func (s *secured) place(t *testing.T, listener, more string) (p *place, env []string) {
	t.Helper()
	p = newPlace(t, secureRules)
	p.name = strings.ReplaceAll(p.name, "/", "-")
	p.configure(t, more)
	return p, []string{"SLUICE_BROKERS=" + s.Says(t, listener), "SLUICE_PASSWORD=" + s.password}
}

// configure writes the configuration with further lines.
func (p *place) configure(t *testing.T, more string) {
	t.Helper()
	put(t, filepath.Join(p.dir, "sluice.yaml"), fmt.Sprintf(e2eConfig, p.name)+more)
}

// TestEndToEndSecure runs the program over every way of encryption and login:
// transactions and labels in, verdicts out, requests, and a restart.
func TestEndToEndSecure(t *testing.T) {
	s := newSecured(t)
	for _, way := range []struct{ name, listener, config string }{
		{"tls", "tls", s.tls("ca.pem")},
		{"tls-client", "tls-client", s.tlsWithClient()},
		{"sasl-scram", "sasl", login("scram-sha-512", "sluice")},
		{"sasl-tls-scram", "sasl-tls", s.tls("ca.pem") + login("scram-sha-512", "sluice")},
		{"sasl-tls-plain", "sasl-tls", s.tls("ca.pem") + login("plain", "sluice")},
	} {
		t.Run(way.name, func(t *testing.T) {
			p, env := s.place(t, way.listener, way.config)
			p.work(t, env)
		})
	}
}

// work lets the program decide, in two runs, and holds it to what must come out.
func (p *place) work(t *testing.T, env []string) {
	t.Helper()
	const n, accounts = 400, 40
	start := time.Now().Add(-20 * time.Minute).Truncate(time.Second)
	send := func(from, to int) {
		for i := from; i < to; i++ {
			account, at := fmt.Sprintf("a%d", i%accounts), start.Add(time.Duration(i)*time.Second)
			p.send(t, "tx", account, tx(i, account, at, "1", ""), at)
		}
		p.flush(t)
	}
	run := p.serve(t, env...)
	run.awaitReady(t)
	send(0, n/2)
	p.verdicts(t, n/2)
	if status, answer := run.do(t, "POST", "/v1/verdicts", tx(n, "http", time.Now(), "1", "")); status != http.StatusOK {
		t.Errorf("%d %s", status, answer)
	}
	p.send(t, "labels", "", `{"id":7,"fraud":true}`, start.Add(8*time.Second))
	p.flush(t)
	run.await(t, "the label", func() bool {
		_, text := run.do(t, "GET", "/metrics", "")
		return strings.Contains(text, "\nsluice_labels_total 1\n")
	})
	run.terminate(t)

	run = p.serve(t, env...)
	run.awaitReady(t)
	send(n/2, n)
	got := p.verdicts(t, n+1)
	for i := range n {
		want := "allow"
		if i >= n/2 && i%accounts == 7 {
			want = "deny"
		}
		v := got[i]
		if seen := len(v.Rules) > 0; v.Verdict != want || seen != (i >= accounts) {
			t.Errorf("transaction %d: %+v", i, v)
		}
	}
	run.terminate(t)
}

// refused holds what a program says that the broker does not let in: the cause,
// and nothing that leads away from it.
func refused(t *testing.T, run *process, cause string) {
	t.Helper()
	last := ""
	run.await(t, cause, func() bool {
		status, why := run.do(t, "GET", "/readyz", "")
		last = why
		return status == http.StatusServiceUnavailable && strings.Contains(why, cause)
	})
	if strings.Contains(last, "topic") && strings.Contains(last, "not found") {
		t.Errorf("%s", last)
	}
}

// TestEndToEndSecureRefused: what does not fit is told as what it is, and works
// once it was mended.
func TestEndToEndSecureRefused(t *testing.T) {
	s := newSecured(t)
	for _, c := range []struct{ name, listener, wrong, cause, right string }{
		{"authority", "tls", s.tls("stranger.pem"), "not signed by a known authority", s.tls("ca.pem")},
		{"no-certificate", "tls-client", s.tls("ca.pem"), "client certificate", s.tlsWithClient()},
		{"host-name", "tls", s.tls("ca.pem")[:len(s.tls("ca.pem"))-2] + ", server_name: elsewhere}\n", "for another host name", s.tls("ca.pem")},
		{"no-tls", "tls", "", "expects TLS", s.tls("ca.pem")},
		{"tls-to-none", "sasl", s.tls("ca.pem") + login("scram-sha-512", "sluice"), "TLS", login("scram-sha-512", "sluice")},
		{"mechanism", "sasl", login("plain", "sluice"), "does not offer this SASL mechanism", login("scram-sha-512", "sluice")},
		{"no-login", "sasl", "", "want a login", login("scram-sha-512", "sluice")},
		{"user-plain", "sasl-tls", s.tls("ca.pem") + login("plain", "nobody"), "refuses the login", s.tls("ca.pem") + login("plain", "sluice")},
		{"user-scram", "sasl-tls", s.tls("ca.pem") + login("scram-sha-512", "nobody"), "refuses the login", s.tls("ca.pem") + login("scram-sha-512", "sluice")},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, env := s.place(t, c.listener, c.wrong)
			run := p.serve(t, env...)
			refused(t, run, c.cause)
			run.terminate(t)
			if strings.Contains(run.logged(), s.password) {
				t.Error("the password is in the log")
			}
			p.configure(t, c.right)
			run = p.serve(t, env...)
			run.awaitReady(t)
			run.terminate(t)
		})
	}
}

// TestEndToEndSecurePassword changes a user's password on the broker: a program
// with another one says so, and goes on without a restart when it is right
// again. The second time it happens to a program that was at work.
func TestEndToEndSecurePassword(t *testing.T) {
	s := newSecured(t)
	user := fmt.Sprintf("user-%d", time.Now().UnixNano())
	p, env := s.place(t, "sasl", login("scram-sha-512", user))
	p.password(t, user, "not yet")
	run := p.serve(t, env...)
	refused(t, run, "refuses the login")
	p.password(t, user, s.password)
	run.awaitReady(t)
	at := time.Now()
	p.send(t, "tx", "a", tx(1, "a", at, "1", ""), at)
	p.verdicts(t, 1)

	p.password(t, user, "not any more")
	s.Stop(t) // every client has to log in anew
	s.Restart(t)
	refused(t, run, "refuses the login")
	p.password(t, user, s.password)
	run.awaitReady(t)
	p.send(t, "tx", "a", tx(2, "a", at.Add(time.Second), "1", ""), at)
	if got := p.verdicts(t, 2); len(got[2].Rules) != 1 {
		t.Errorf("%+v", got[2])
	}
	run.terminate(t)
	if strings.Contains(run.logged(), s.password) {
		t.Error("the password is in the log")
	}
}

// password gives a user a password for SCRAM-SHA-512.
func (p *place) password(t *testing.T, user, password string) {
	t.Helper()
	kafkatest.Eventually(t, "a password", func() error {
		done, err := kadm.NewClient(p.client).AlterUserSCRAMs(t.Context(), nil,
			[]kadm.UpsertSCRAM{{User: user, Mechanism: kadm.ScramSha512, Iterations: 4096, Password: password}})
		return errors.Join(err, done.Error())
	})
}
