// Package gateway is the synchronous door: payment gateways ask over HTTP for
// a verdict and wait for it, and operators look at health and metrics.
package gateway

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"time"

	"sluice/rules"
	"sluice/stream"
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
	Reload func() error
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

// gateway answers the requests.
type gateway struct {
	Options
	seats chan struct{} // one for each request in flight
}

// New makes the handler of all paths.
func New(o Options) http.Handler {
	g := gateway{o, make(chan struct{}, o.MaxInFlight)}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/verdicts", g.decide)
	mux.HandleFunc("GET /v1/verdicts/{id}", g.verdict)
	mux.HandleFunc("GET /v1/rules", g.rules)
	mux.HandleFunc("POST /-/reload", g.reload)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { text(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", g.ready)
	mux.Handle("GET /metrics", o.Metrics)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		Problem{Title: "No such path", Status: http.StatusNotFound, Code: "no_such_path", Detail: "the paths are POST /v1/verdicts, GET /v1/verdicts/{id}, GET /v1/rules, POST /-/reload, /healthz, /readyz, /metrics"}.write(w)
	})
	return methods(mux)
}

// methods answers a known path with the wrong method as a problem, too.
func methods(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern == "/" {
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				other := r.Clone(r.Context())
				other.Method = method
				if _, p := mux.Handler(other); p != "/" {
					w.Header().Set("Allow", method)
					Problem{Title: "Wrong method", Status: http.StatusMethodNotAllowed, Code: "wrong_method", Detail: "this path takes " + method}.write(w)
					return
				}
			}
		}
		mux.ServeHTTP(w, r)
	})
}

func (g gateway) decide(w http.ResponseWriter, r *http.Request) {
	select {
	case g.seats <- struct{}{}:
		defer func() { <-g.seats }()
	default:
		g.fail(w, stream.ErrBusy)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, g.MaxBytes))
	if err != nil {
		g.fail(w, err)
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
		w.Header().Set("Sluice-Repeat", "true")
	}
	send(w, reply.Record)
}

func (g gateway) verdict(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), g.Timeout)
	defer cancel()
	record, err := g.Engine.Verdict(ctx, r.PathValue("id"))
	if err != nil {
		g.fail(w, err)
		return
	}
	send(w, record)
}

// fail answers with a problem, and logs what the client is not told.
func (g gateway) fail(w http.ResponseWriter, err error) {
	p := problemOf(err)
	if p.Status == http.StatusInternalServerError {
		g.Log.Error("a request failed", "error", err)
	}
	p.write(w)
}

func (g gateway) reload(w http.ResponseWriter, _ *http.Request) {
	if err := g.Reload(); err != nil {
		Problem{Title: "The rules were not taken; the last good set keeps deciding", Status: http.StatusUnprocessableEntity, Detail: err.Error(), Code: "bad_rules"}.write(w)
		return
	}
	g.rules(w, nil)
}

func (g gateway) ready(w http.ResponseWriter, _ *http.Request) {
	if err := g.Ready(); err != nil {
		text(w, http.StatusServiceUnavailable, "not ready: "+err.Error())
		return
	}
	text(w, http.StatusOK, "ready")
}

// ruleView is a rule as GET /v1/rules shows it.
type ruleView struct {
	ID          string `json:"id"`
	Description string `json:"description,omitempty"`
	When        string `json:"when"`
	Verdict     string `json:"verdict,omitempty"`
	Score       int64  `json:"score,omitempty"`
	Reason      string `json:"reason,omitempty"`
	Mode        string `json:"mode"`
	Alert       string `json:"alert,omitempty"`
	Owner       string `json:"owner,omitempty"`
	Expires     string `json:"expires,omitempty"`
	File        string `json:"file"`
	Line        int    `json:"line"`
}

type policyView struct {
	Review int64 `json:"review"`
	Deny   int64 `json:"deny"`
}

// rules shows the rule set in force.
func (g gateway) rules(w http.ResponseWriter, _ *http.Request) {
	set := g.Rules()
	out := struct {
		RuleSet string     `json:"rule_set"`
		Policy  policyView `json:"policy"`
		Rules   []ruleView `json:"rules"`
	}{set.Hash, policyView(set.Policy), []ruleView{}}
	for _, list := range [][]rules.Rule{set.Rules, set.Off} {
		for i := range list {
			out.Rules = append(out.Rules, view(&list[i]))
		}
	}
	b, err := json.Marshal(out)
	if err != nil {
		g.fail(w, err)
		return
	}
	send(w, b)
}

func view(r *rules.Rule) ruleView {
	v := ruleView{
		ID: r.ID, Description: r.Description, When: r.When, Verdict: r.Verdict.String(), Score: r.Score, Reason: r.Reason,
		Mode: r.Mode.String(), Alert: r.Alert, Owner: r.Owner, File: r.File, Line: r.Line,
	}
	if r.Expires != 0 {
		v.Expires = time.Unix(0, r.Expires).UTC().Format(time.DateOnly)
	}
	return v
}

func send(w http.ResponseWriter, record []byte) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(record) // the client is gone if this fails
}

func text(w http.ResponseWriter, status int, s string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, s+"\n")
}
