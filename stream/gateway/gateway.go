// Package gateway is the synchronous door: payment gateways ask over HTTP for
// a verdict and wait for it, and operators look at health and metrics.
//
//	POST /v1/verdicts      a transaction as JSON; answers with its verdict record
//	GET  /v1/verdicts/{id} the verdict record of a transaction
//	GET  /v1/rules         the rule set in force
//	POST /-/reload         reads the rule files again
//	GET  /healthz /readyz /metrics
//
// People change what the rules look at, and which of the last rule sets decides:
//
//	GET    /v1/lists                             the lists
//	GET    /v1/lists/{name}/entries              what was changed of a list
//	POST   /v1/lists/{name}/entries              {value, ttl or until, author, why}
//	DELETE /v1/lists/{name}/entries/{value}      ?author=&why=&ttl= or until=
//	GET    /v1/rules/{id}/snoozes                whom a rule is snoozed for
//	POST   /v1/rules/{id}/snoozes                {entity, value, for or until, author, why}
//	DELETE /v1/rules/{id}/snoozes/{entity}/{value}  ?author=&why=
//	GET    /v1/rules/history                     the last rule sets and their fate
//	POST   /v1/rules/rollback                    {rule_set, author, why}
//	POST   /v1/rules/release                     {author, why}
//
// A transaction is one by its id: the same one again gets the same answer, byte
// for byte, however often it is asked. Errors are RFC 9457 problems with a code.
package gateway

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"sluice/rules"
	"sluice/stream"
	"sluice/stream/ledger"
)

// Engine decides requests; *stream.Processor is one.
type Engine interface {
	// Decide gives the verdict record of a transaction once it and the
	// transaction are acknowledged.
	Decide(ctx context.Context, body []byte) (stream.Reply, error)
	// Verdict gives the verdict record of an id.
	Verdict(ctx context.Context, id string) (record []byte, err error)
}

// Options of a Gateway.
type Options struct {
	Engine Engine
	Rules  func() *rules.Set
	// Held, if set, gives the rules in quarantine.
	Held func() []rules.Held
	// Open, if set, gives the rules whose breakers are open.
	Open func() []rules.Trip
	// Refused, if set, gives the last attempt to take rules in, if it failed.
	Refused func() *rules.Refusal
	Reload  func() error
	// Desk, if set, takes changes from people.
	Desk *ledger.Desk
	// Ready says nil, or why requests and records are not decided now.
	Ready   func() error
	Metrics http.Handler
	Log     *slog.Logger
	// Timeout bounds the wait for a verdict.
	Timeout time.Duration
	// MaxBytes bounds the body of a request.
	MaxBytes int64
	// MaxInFlight bounds the requests that wait for a verdict.
	MaxInFlight int
}

// The headers that replies may carry.
const (
	// HeaderRepeat says "true" where the transaction was decided before.
	HeaderRepeat = "Sluice-Repeat"
	// HeaderWarming gives the records that are still to be decided, where the
	// histories may not be whole.
	HeaderWarming = "Sluice-Warming"
)

// verdictPath stands before an id, which may hold slashes.
const verdictPath = "/v1/verdicts/"

// gateway answers the requests.
type gateway struct {
	Options
	seats  chan struct{} // one for each request in flight
	routes map[string]route
	single route // of one verdict
}

// route is what a path takes.
type route struct {
	method string
	serve  http.HandlerFunc
}

// New makes the handler of all paths.
func New(o Options) http.Handler {
	g := &gateway{Options: o, seats: make(chan struct{}, o.MaxInFlight)}
	g.single = route{http.MethodGet, g.verdict}
	g.routes = map[string]route{
		"/v1/verdicts": {http.MethodPost, g.decide},
		"/v1/rules":    {http.MethodGet, g.rules},
		"/-/reload":    {http.MethodPost, g.reload},
		"/healthz":     {http.MethodGet, func(w http.ResponseWriter, _ *http.Request) { text(w, http.StatusOK, "ok") }},
		"/readyz":      {http.MethodGet, g.ready},
		"/metrics":     {http.MethodGet, o.Metrics.ServeHTTP},
	}
	return g
}

// ServeHTTP finds the route. It is not http.ServeMux, which redirects paths
// that ids with slashes may have, and answers in plain text.
func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer g.survive(w)
	found := g.find(r.URL.Path)
	if len(found) == 0 {
		noSuchPath.write(w)
		return
	}
	var takes []string
	for _, to := range found {
		if r.Method == to.method || r.Method == http.MethodHead && to.method == http.MethodGet {
			to.serve(w, r)
			return
		}
		takes = append(takes, to.method)
	}
	w.Header().Set("Allow", strings.Join(takes, ", "))
	wrongMethod(strings.Join(takes, " and ")).write(w)
}

// find gives the routes of a path, one for each method that it takes.
func (g *gateway) find(path string) []route {
	if to, ok := g.routes[path]; ok {
		return []route{to}
	}
	if len(path) > len(verdictPath) && strings.HasPrefix(path, verdictPath) {
		return []route{g.single}
	}
	return g.people(path)
}

// survive answers a request that panicked, and lets all others go on. What the
// panic says may hold a part of the message and is not logged, but for faults
// of the runtime.
func (g *gateway) survive(w http.ResponseWriter) {
	v := recover()
	if v == nil {
		return
	}
	if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(v) // net/http's way to cut a connection
	}
	cause := "not shown"
	if err, ok := v.(runtime.Error); ok {
		cause = err.Error()
	}
	g.Log.Error("a request ended in a panic; this is a fault of Sluice", "cause", cause, "stack", string(debug.Stack()))
	internal.write(w)
}

func (g *gateway) decide(w http.ResponseWriter, r *http.Request) {
	select {
	case g.seats <- struct{}{}:
		defer func() { <-g.seats }()
	default:
		g.fail(w, stream.ErrBusy)
		return
	}
	body, p := g.body(w, r)
	if p != nil {
		p.write(w)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), g.Timeout)
	defer cancel()
	reply, err := g.Engine.Decide(ctx, body)
	if err != nil {
		g.fail(w, err)
		return
	}
	if reply.Repeat {
		w.Header().Set(HeaderRepeat, "true")
	}
	if reply.Warming {
		w.Header().Set(HeaderWarming, strconv.FormatInt(reply.Lag, 10))
	}
	send(w, reply.Record)
}

// body reads the body of a request, whatever its Content-Type says.
func (g *gateway) body(w http.ResponseWriter, r *http.Request) ([]byte, *Problem) {
	if coding := r.Header.Get("Content-Encoding"); coding != "" && coding != "identity" {
		return nil, &compressed
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, g.MaxBytes))
	if err == nil {
		return body, nil
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, oversize(g.MaxBytes)
	}
	return nil, &unread
}

func (g *gateway) verdict(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), g.Timeout)
	defer cancel()
	record, err := g.Engine.Verdict(ctx, strings.TrimPrefix(r.URL.Path, verdictPath))
	if err != nil {
		g.fail(w, err)
		return
	}
	send(w, record)
}

// fail answers with a problem, and logs what the client is not told.
func (g *gateway) fail(w http.ResponseWriter, err error) {
	p := problemOf(err, g.MaxBytes)
	if p.Status == http.StatusInternalServerError {
		g.Log.Error("a request failed", "error", err)
	}
	p.write(w)
}

func (g *gateway) reload(w http.ResponseWriter, r *http.Request) {
	if err := g.Reload(); err != nil {
		refused(err).write(w)
		return
	}
	g.rules(w, r)
}

func (g *gateway) ready(w http.ResponseWriter, _ *http.Request) {
	if err := g.Ready(); err != nil {
		text(w, http.StatusServiceUnavailable, "not ready: "+err.Error())
		return
	}
	text(w, http.StatusOK, "ready")
}

func send(w http.ResponseWriter, record []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(record)))
	_, _ = w.Write(record) // the client is gone if this fails
}

func text(w http.ResponseWriter, status int, s string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, s+"\n")
}
