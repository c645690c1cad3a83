package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"sluice/alerts"
	"sluice/configs"
	"sluice/rules"
	"sluice/scoring"
	"sluice/scoring/event"
	"sluice/scoring/example"
	"sluice/stream"
	"sluice/stream/gateway"
	"sluice/stream/ledger"
)

// What the configuration does not say.
const (
	alertUpdates   = time.Minute // at most so often a channel is told that an alert grew
	maxIncidents   = 10_000
	webhookTimeout = 10 * time.Second
	reportEvery    = 2 * time.Second // how often the log may say how far a start is
	stillEvery     = 15              // and after how many of these that nothing has changed
)

// serveCommand decides what comes from Kafka and HTTP until it is told to stop.
func serveCommand(ctx context.Context, args []string, c console) error {
	f := flags("serve", "--config FILE", c)
	path := f.String("config", "", "configuration file; configs/sluice.yaml is a commented example")
	version := f.String("version-label", "", "what the rules are, as a commit or a release, where no file VERSION in their directory says it")
	gap := f.Bool("accept-gap", false, "go on where a topic has lost records that were never decided, and mark verdicts with the flag gap")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if *path == "" || len(rest) > 0 {
		return misused(f, "give --config FILE, and nothing else")
	}
	config, err := configs.Load(*path, c.env)
	if err != nil {
		return faults(c.err, err)
	}
	config.AcceptGap = config.AcceptGap || *gap
	log := logger(c, config.Log)
	schema, err := event.LoadSchema(config.Schema.Path)
	if err != nil {
		return faults(c.err, err)
	}
	s, err := newServer(config, schema, log, *version)
	if err != nil {
		return faults(c.err, err)
	}
	return s.run(ctx)
}

// logger makes the log that the configuration asks for.
func logger(c console, l configs.Log) *slog.Logger {
	o := &slog.HandlerOptions{Level: l.Level}
	if l.Format == configs.JSON {
		return slog.New(slog.NewJSONHandler(c.err, o))
	}
	return slog.New(slog.NewTextHandler(c.err, o))
}

// server is everything that serve runs.
type server struct {
	config     *configs.Config
	log        *slog.Logger
	rules      *rules.Reloader
	desk       *ledger.Desk
	processor  *stream.Processor
	book       *alerts.Book
	dispatcher *alerts.Dispatcher
	metrics    *metrics
	listener   net.Listener
	http       *http.Server
	refusals   refusals
	quarantine *quarantine
	breakers   *breakers
	// unjournaled is the alert that the journal can't be written or read, of who
	// tells so.
	unjournaled alerts.Alert
	stopAlerts  func() // tells what is left, and waits
}

// newServer builds all that can fail before anything runs.
func newServer(config *configs.Config, schema *event.Schema, log *slog.Logger, version string) (*server, error) {
	s := &server{config: config, log: log, metrics: newMetrics(), quarantine: &quarantine{log: log}}
	s.breakers = &breakers{log: log, set: func() *rules.Set { return s.rules.Current() }}
	if err := s.loadRules(schema, version); err != nil {
		return nil, err
	}
	kafka, err := kafkaOf(config)
	if err != nil {
		return nil, err
	}
	s.book = alerts.NewBook(config.Alerts.Lasts, maxIncidents)
	s.processor, err = stream.New(stream.Options{
		Kafka:    kafka,
		Topics:   topicsOf(config.Topics),
		Creation: stream.Creation{Allowed: config.CreateTopics, Partitions: config.Partitions, Replication: config.ReplicationFactor},
		Group:    config.Group, Schema: schema, Set: s.rules.Current(),
		Core:    scoring.Options{Run: newRun(), KeepIDs: config.DecidedIDs.Keep, MaxIDs: config.DecidedIDs.Max, OnQuarantine: s.quarantine.told, OnBreaker: s.breakers.told, Changes: s.desk.Changes()},
		Journal: journalOf(config), AcceptGap: config.AcceptGap,
		RawDeadLetters: config.DeadLetters.Raw, Patience: config.Merge.Wait, Requests: config.Gateway.MaxInFlight,
		ReadyLag: readyLag(config.Ready.MaxLag), DrainTimeout: config.DrainTimeout, Log: log,
		Decided:    func() { s.stopAlerts() },
		OnJournal:  s.journaled,
		OnDecision: func(d *scoring.Decision) { s.book.Observe(d, time.Now()) },
	})
	if err != nil {
		return nil, err
	}
	s.dispatcher = alerts.NewDispatcher(s.book, alertUpdates, log, s.channels()...)
	s.breakers.notify = s.dispatcher.Notify
	s.metrics.watch(s.processor, schema, s.book, s.dispatcher)
	s.metrics.registry.MustRegister(newQuarantineMetrics(s.quarantine), newBreakerMetrics(s.breakers))
	if s.listener, err = net.Listen("tcp", config.Listen); err != nil {
		return nil, listening(err)
	}
	s.http = &http.Server{
		Handler: s.metrics.instrument(gateway.New(gateway.Options{
			Engine: s.processor, Rules: s.rules.Current, Held: s.quarantine.list, Open: s.breakers.list, Refused: s.rules.Refused, Reload: s.rules.Reload, Desk: s.desk, Ready: s.ready, Metrics: s.metrics.handler(),
			Log: log, Timeout: config.Gateway.Timeout, MaxBytes: event.DefaultMaxBytes, MaxInFlight: config.Gateway.MaxInFlight,
		})),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	return s, nil
}

// examplesWithin bounds how long the examples of rules may take: a set that takes
// longer is not taken, whoever wrote it.
const examplesWithin = 10 * time.Second

// examplesHold runs the examples of rules that are to be taken.
func examplesHold(set *rules.Set) error {
	ctx, cancel := context.WithTimeoutCause(context.Background(), examplesWithin, fmt.Errorf(
		"all examples together took longer than %s; give them fewer payments, or the rules less to look at", examplesWithin))
	defer cancel()
	return example.Check(ctx, set)
}

// channels are the ways of alerts that the configuration names.
func (s *server) channels() []alerts.Channel {
	var out []alerts.Channel
	if s.config.Alerts.Log {
		out = append(out, alerts.Log{Logger: s.log})
	}
	if s.config.Topics.Alerts != "" {
		out = append(out, alerts.Topic{Append: func(ctx context.Context, key, value []byte) error { return s.processor.Alert(ctx, key, value) }})
	}
	if hook := s.config.Alerts.Webhook.Reveal(); hook != "" {
		out = append(out, alerts.NewWebhook(hook, webhookTimeout))
	}
	return out
}

// run serves until ctx ends, then lets requests, verdicts and alerts that are
// on their way arrive, within the drain timeout for each.
func (s *server) run(ctx context.Context) error {
	s.log.Info("serving", "listen", s.listener.Addr().String(), "brokers", strings.Join(s.config.Brokers, ","),
		"group", s.config.Group, "rule_set", s.rules.Current().Hash, "rules", len(s.rules.Current().Rules))
	deciding, stopDeciding := context.WithCancel(context.WithoutCancel(ctx))
	alerting, stopAlerting := context.WithCancel(context.WithoutCancel(ctx))
	around, stopAround := context.WithCancel(ctx)
	defer stopAround()
	var all, telling sync.WaitGroup
	s.stopAlerts = func() { stopAlerting(); telling.Wait() }
	ended := make(chan error, 3)
	all.Go(func() { ended <- s.processor.Run(deciding) })
	all.Go(func() { ended <- serveHTTP(s.http, s.listener) })
	all.Go(func() { ended <- s.watchRules(around) })
	all.Go(func() { s.hangups(around) })
	all.Go(func() { s.report(around) })
	telling.Go(func() { s.dispatcher.Run(alerting, s.config.DrainTimeout) })

	var err error
	select {
	case <-ctx.Done():
		signal.Reset(os.Interrupt, syscall.SIGTERM) // a second one ends it at once
		s.log.Info("stopping: requests and verdicts on their way are finished; a second signal stops at once", "within", s.config.DrainTimeout)
	case err = <-ended:
	}
	stopAround()
	bound, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.config.DrainTimeout)
	defer cancel()
	if shut := s.http.Shutdown(bound); shut != nil {
		s.log.Warn("requests were cut off", "error", shut)
		_ = s.http.Close()
	}
	stopDeciding()
	all.Wait()
	s.stopAlerts() // had the processor no time to
	close(ended)
	for e := range ended {
		err = errors.Join(err, e)
	}
	err = errors.Join(err, s.desk.Close())
	s.log.Info("stopped", "decisions", s.processor.Counts().Decisions())
	return err
}

func serveHTTP(server *http.Server, l net.Listener) error {
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("the HTTP server ended: %w", err)
	}
	return nil
}

// watchRules reloads changed rule files. A watch that fails is no reason to
// stop deciding: SIGHUP and POST /-/reload remain.
func (s *server) watchRules(ctx context.Context) error {
	if err := s.rules.Watch(ctx); err != nil {
		s.log.Error("changed rule files are not noticed; reload by SIGHUP or POST /-/reload", "error", err)
	}
	<-ctx.Done()
	return nil
}

// hangups reloads the rules at SIGHUP.
func (s *server) hangups(ctx context.Context) {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	for {
		select {
		case <-ctx.Done():
			return
		case <-hup:
			_ = s.rules.Reload() // reloaded tells how it went
		}
	}
}

// reloaded is told how every reload went, and puts a new set in force.
func (s *server) reloaded(r rules.Reload) {
	s.metrics.reloaded(r)
	if a, tell := s.refusals.next(r, time.Now().UTC()); tell {
		s.dispatcher.Notify(a)
	}
	switch {
	case r.Err != nil:
		logRefusal(s.log, r)
	case r.Changed:
		s.swap(r.Set)
	case r.Pinned:
		s.log.Info("the rules were read again; an earlier set, that was rolled back to, goes on in their place", "rule_set", r.Set.Hash)
	default:
		s.log.Info("the rules were read again and are the same", "rule_set", r.Set.Hash)
	}
	s.desk.Note(r)
}

// journaled is told when the journal can't be written or read, and when it can again.
func (s *server) journaled(err error) {
	now := time.Now().UTC()
	a := s.unjournaled
	a.Status, a.Description = alerts.Resolved, "The journal is well again"
	if err != nil {
		a.ID, a.Status, a.Severity, a.Reason = fmt.Sprintf("journal-unwritten-%d", now.Unix()), alerts.Firing, "page", "JOURNAL_UNWRITTEN"
		a.Description = "The journal can't be written; deciding goes on until no more may wait for it: "
		if errors.Is(err, stream.ErrJournalUnread) {
			a.ID, a.Reason = fmt.Sprintf("journal-unread-%d", now.Unix()), "JOURNAL_UNREAD"
			a.Description = "Histories can't be read from the journal; what needs one that is not in memory waits: "
		}
		a.Description += shortened(event.Mask(err.Error()))
		s.unjournaled = a
	}
	a.First, a.Last, a.Count = now, now, 1
	a.RuleSet, a.Examples = s.rules.Current().Hash, []string{}
	s.dispatcher.Notify(a)
}

// swap puts a new set in force. Where nothing is decided yet, it will be from
// the first decision on.
func (s *server) swap(set *rules.Set) {
	bound := s.config.DrainTimeout
	if !s.processor.Running() {
		bound = 0
	}
	ctx, cancel := context.WithTimeout(context.Background(), bound)
	defer cancel()
	if err := s.processor.Swap(ctx, set); err != nil {
		s.log.Warn("the new rules are good and will be in force with the next decision", "rule_set", set.Hash, "rules", len(set.Rules))
		return
	}
	s.log.Info("new rules are in force", "rule_set", set.Hash, "rules", len(set.Rules))
}

// ready says why transactions are not decided in time, nil if they are.
func (s *server) ready() error {
	st := s.processor.State()
	if st.Ready {
		return nil
	}
	why := st.Phase
	if st.Progress < 1 {
		why += fmt.Sprintf(", %.0f %%", 100*st.Progress)
	}
	lag := int64(0)
	for _, p := range st.Partitions {
		lag += p.Lag
	}
	if lag > 0 {
		why += fmt.Sprintf("; %d records behind (ready up to %d)", lag, s.config.Ready.MaxLag)
	}
	for _, t := range st.Troubles {
		why += "; " + t
	}
	return errors.New(why)
}

// report logs how far a start or a backlog is, until it is through, and again
// when it falls behind: what is new every few seconds, and what stays so now
// and then.
func (s *server) report(ctx context.Context) {
	tick := time.NewTicker(reportEvery)
	defer tick.Stop()
	const ready = "ready"
	said, quiet := "", 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := ready
		if err := s.ready(); err != nil {
			now = err.Error()
		}
		if quiet++; now == said && (now == ready || quiet < stillEvery) {
			continue
		}
		said, quiet = now, 0
		if decisions := s.processor.Counts().Decisions(); now == ready {
			s.log.Info("ready", "decisions", decisions)
		} else {
			s.log.Info("not ready", "why", now, "decisions", decisions)
		}
	}
}

// listening explains why the listener can't be had.
func listening(err error) error {
	hint := ""
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		hint = ": another program listens there; stop it, or set another address by the key listen (in the shipped examples also by SLUICE_LISTEN)"
	case errors.Is(err, syscall.EACCES):
		hint = ": ports below 1024 need privileges; set another one by the key listen"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		hint = ": this machine does not have this address; set another one by the key listen"
	}
	return fmt.Errorf("the HTTP listener: %w%s", err, hint)
}

// newRun names this run of the program in verdict records.
func newRun() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // it never fails
	return hex.EncodeToString(b[:])
}
