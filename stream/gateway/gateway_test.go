package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"sluice/configs/strict"
	"sluice/rules"
	"sluice/scoring/event"
	"sluice/stream"
	"sluice/stream/gateway"
)

// engine is an Engine that answers what the test says.
type engine struct {
	decide  func(ctx context.Context, body []byte) (stream.Reply, error)
	verdict func(id string) ([]byte, error)
}

func (e engine) Decide(ctx context.Context, body []byte) (stream.Reply, error) {
	return e.decide(ctx, body)
}

func (e engine) Verdict(_ context.Context, id string) ([]byte, error) { return e.verdict(id) }

func options(e gateway.Engine) gateway.Options {
	return gateway.Options{
		Engine: e, Metrics: http.NotFoundHandler(), Log: slog.New(slog.DiscardHandler),
		Ready: func() error { return nil }, Reload: func() error { return nil },
		Timeout: time.Minute, MaxBytes: 1000, MaxInFlight: 4,
	}
}

func ask(h http.Handler, method, target string, body io.Reader) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, target, body))
	return w
}

// problem reads a problem and checks what all problems have.
func problem(t *testing.T, w *httptest.ResponseRecorder) gateway.Problem {
	t.Helper()
	var p gateway.Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatalf("%s: %v", w.Body, err)
	}
	if got := w.Header().Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("Content-Type %q", got)
	}
	if p.Status != w.Code || p.Title == "" || p.Detail == "" || p.Code == "" || p.Type != "urn:sluice:problem:"+p.Code {
		t.Errorf("%d %+v", w.Code, p)
	}
	if retry := w.Header().Get("Retry-After"); (retry != "") != (w.Code == http.StatusServiceUnavailable) {
		t.Errorf("%d with Retry-After %q", w.Code, retry)
	}
	return p
}

func TestErrors(t *testing.T) {
	fault := func(code event.Code, field string) error {
		return fmt.Errorf("decoding: %w", &event.Fault{Code: code, Field: field, Offset: 7, Message: "why"})
	}
	for _, c := range []struct {
		err    error
		status int
		code   string
		field  string
	}{
		{fault(event.Malformed, ""), 400, "malformed_json", ""},
		{fault(event.NotAnObject, ""), 400, "not_an_object", ""},
		{fault(event.TrailingData, ""), 400, "trailing_data", ""},
		{fault(event.TooDeep, ""), 400, "too_deep", ""},
		{fault(event.BadUTF8, ""), 400, "bad_utf8", ""},
		{fault(event.DuplicateKey, "amount"), 400, "duplicate_key", "amount"},
		{fault(event.Oversize, ""), 413, "oversize", ""},
		{fault(event.MissingField, "amount"), 422, "missing_field", "amount"},
		{fault(event.WrongType, "amount"), 422, "wrong_type", "amount"},
		{fault(event.OutOfRange, "amount"), 422, "out_of_range", "amount"},
		{fault(event.BadValue, "time"), 422, "bad_value", "time"},
		{fault(event.UnknownCurrency, "currency"), 422, "unknown_currency", "currency"},
		{fault(event.NoRate, "amount"), 422, "no_rate", "amount"},
		{stream.ErrConflict, 409, "conflict", "id"},
		{fmt.Errorf("%w: %w", stream.ErrForgotten, stream.ErrUnknown), 410, "forgotten", "id"},
		{stream.ErrUnknown, 404, "not_found", ""},
		{stream.ErrBusy, 503, "busy", ""},
		{stream.ErrStarting, 503, "starting", ""},
		{stream.ErrPending, 503, "pending", ""},
		{fmt.Errorf("%w: %w", stream.ErrUnread, io.EOF), 503, "unread", ""},
		{stream.ErrClosing, 503, "stopping", ""},
		{context.DeadlineExceeded, 504, "timeout", ""},
		{context.Canceled, 504, "timeout", ""},
		{errors.New("password is tomato"), 500, "internal", ""},
	} {
		h := gateway.New(options(engine{
			decide:  func(context.Context, []byte) (stream.Reply, error) { return stream.Reply{}, c.err },
			verdict: func(string) ([]byte, error) { return nil, c.err },
		}))
		for _, w := range []*httptest.ResponseRecorder{
			ask(h, "POST", "/v1/verdicts", strings.NewReader("{}")), ask(h, "GET", "/v1/verdicts/1", nil),
		} {
			p := problem(t, w)
			if w.Code != c.status || p.Code != c.code || p.Field != c.field {
				t.Errorf("%v: %s", c.err, w.Body)
			}
			if strings.Contains(w.Body.String(), "tomato") {
				t.Errorf("an inner error got out: %s", w.Body)
			}
			if (p.Offset != nil) != (c.status == 400) {
				t.Errorf("%v: offset %v", c.err, p.Offset)
			}
		}
	}
}

func TestPathsAndMethods(t *testing.T) {
	var asked string
	h := gateway.New(options(engine{
		decide:  func(context.Context, []byte) (stream.Reply, error) { return stream.Reply{Record: []byte("{}")}, nil },
		verdict: func(id string) ([]byte, error) { asked = id; return []byte(`{"transaction_id":1}`), nil },
	}))
	for _, c := range []struct {
		method, target string
		status         int
		allow          string
	}{
		{"GET", "/healthz", 200, ""},
		{"HEAD", "/healthz", 200, ""},
		{"GET", "/readyz", 200, ""},
		{"POST", "/v1/verdicts", 200, ""},
		{"GET", "/v1/verdicts", 405, "POST"},
		{"PUT", "/v1/verdicts", 405, "POST"},
		{"OPTIONS", "/v1/verdicts", 405, "POST"},
		{"POST", "/v1/verdicts/7", 405, "GET"},
		{"DELETE", "/v1/verdicts/7", 405, "GET"},
		{"POST", "/v1/rules", 405, "GET"},
		{"GET", "/-/reload", 405, "POST"},
		{"POST", "/metrics", 405, "GET"},
		{"GET", "/", 404, ""},
		{"GET", "/v1/verdicts/", 404, ""},
		{"GET", "/v1", 404, ""},
		{"POST", "/v2/verdicts", 404, ""},
	} {
		w := ask(h, c.method, c.target, strings.NewReader("{}"))
		if w.Code != c.status || w.Header().Get("Allow") != c.allow {
			t.Errorf("%s %s: %d, Allow %q", c.method, c.target, w.Code, w.Header().Get("Allow"))
		}
		if w.Code >= 400 {
			problem(t, w)
		}
	}
	for target, id := range map[string]string{
		"/v1/verdicts/7":               "7",
		"/v1/verdicts/a%2Fb":           "a/b",
		"/v1/verdicts/a/b":             "a/b",
		"/v1/verdicts/a//b/":           "a//b/",
		"/v1/verdicts/..":              "..",
		"/v1/verdicts/%2e%2e/rules":    "../rules",
		"/v1/verdicts/a%20b%3Fc%25d":   "a b?c%d",
		"/v1/verdicts/%C3%A9%F0%9F%92": "é\xf0\x9f\x92",
	} {
		if w := ask(h, "GET", target, nil); w.Code != 200 || asked != id {
			t.Errorf("%s: %d, asked for %q, not %q", target, w.Code, asked, id)
		}
	}
}

func TestBodies(t *testing.T) {
	var got []byte
	h := gateway.New(options(engine{decide: func(_ context.Context, body []byte) (stream.Reply, error) {
		got = body
		return stream.Reply{Record: []byte("{}"), Repeat: true, Warming: true, Lag: 12}, nil
	}}))
	for _, kind := range []string{"", "application/json", "text/plain", "application/x-www-form-urlencoded", "nonsense; ;"} {
		r := httptest.NewRequest("POST", "/v1/verdicts", strings.NewReader(`{"id":1}`))
		r.Header.Set("Content-Type", kind)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != 200 || string(got) != `{"id":1}` || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("Content-Type %q: %d %s", kind, w.Code, got)
		}
		if w.Header().Get(gateway.HeaderRepeat) != "true" || w.Header().Get(gateway.HeaderWarming) != "12" {
			t.Errorf("%v", w.Header())
		}
	}
	if w := ask(h, "POST", "/v1/verdicts", bytes.NewReader(make([]byte, 1000))); w.Code != 200 {
		t.Errorf("the largest body: %d", w.Code)
	}
	if w := ask(h, "POST", "/v1/verdicts", bytes.NewReader(make([]byte, 1001))); w.Code != 413 || problem(t, w).Code != "oversize" {
		t.Errorf("a larger one: %d", w.Code)
	}
	if w := ask(h, "POST", "/v1/verdicts", iotest.ErrReader(io.ErrUnexpectedEOF)); w.Code != 400 || problem(t, w).Code != "body_cut_off" {
		t.Errorf("a body cut off: %d", w.Code)
	}
	r := httptest.NewRequest("POST", "/v1/verdicts", strings.NewReader("x"))
	r.Header.Set("Content-Encoding", "gzip")
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, r); w.Code != 415 || problem(t, w).Code != "content_encoding" {
		t.Errorf("a compressed body: %d", w.Code)
	}
}

func TestSeatsAreBounded(t *testing.T) {
	o := options(nil)
	entered, leave := make(chan struct{}), make(chan struct{})
	o.Engine = engine{decide: func(context.Context, []byte) (stream.Reply, error) {
		entered <- struct{}{}
		<-leave
		return stream.Reply{Record: []byte("{}")}, nil
	}}
	h := gateway.New(o)
	codes := make(chan int, o.MaxInFlight)
	for range o.MaxInFlight {
		go func() { codes <- ask(h, "POST", "/v1/verdicts", strings.NewReader("{}")).Code }()
		<-entered
	}
	if w := ask(h, "POST", "/v1/verdicts", strings.NewReader("{}")); w.Code != 503 || problem(t, w).Code != "busy" {
		t.Errorf("one too many: %d", w.Code)
	}
	if w := ask(h, "GET", "/healthz", nil); w.Code != 200 {
		t.Errorf("health waits behind requests: %d", w.Code)
	}
	close(leave)
	for range o.MaxInFlight {
		if code := <-codes; code != 200 {
			t.Errorf("one that had a seat: %d", code)
		}
	}
	go func() { <-entered }()
	if w := ask(h, "POST", "/v1/verdicts", strings.NewReader("{}")); w.Code != 200 {
		t.Errorf("after them: %d", w.Code)
	}
}

func TestPanicsAreSurvived(t *testing.T) {
	var log bytes.Buffer
	o := options(engine{decide: func(_ context.Context, body []byte) (stream.Reply, error) {
		if string(body) == "index" {
			return stream.Reply{Record: body[9:]}, nil
		}
		panic("card 4111111111111111")
	}})
	o.Log = slog.New(slog.NewTextHandler(&log, nil))
	h := gateway.New(o)
	for _, body := range []string{"index", "text", "index", "text", "index"} { // more than there are seats
		w := ask(h, "POST", "/v1/verdicts", strings.NewReader(body))
		if w.Code != 500 || problem(t, w).Code != "internal" {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	if s := log.String(); strings.Contains(s, "4111") || !strings.Contains(s, "slice bounds") || !strings.Contains(s, "TestPanicsAreSurvived") {
		t.Errorf("the log: %s", s)
	}
	defer func() {
		if recover() != http.ErrAbortHandler { //nolint:errorlint // it is that very value
			t.Error("a connection could not be cut")
		}
	}()
	o.Engine = engine{decide: func(context.Context, []byte) (stream.Reply, error) { panic(http.ErrAbortHandler) }}
	ask(gateway.New(o), "POST", "/v1/verdicts", strings.NewReader(""))
}

func TestReadyAndReload(t *testing.T) {
	o := options(nil)
	o.Ready = func() error { return errors.New("reading back, 30 %") }
	o.Reload = func() error { return errors.New("rules/a.yaml:3:5: unknown field, of card 4111111111111111") }
	h := gateway.New(o)
	if w := ask(h, "GET", "/readyz", nil); w.Code != 503 || w.Body.String() != "not ready: reading back, 30 %\n" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	w := ask(h, "POST", "/-/reload", nil)
	if p := problem(t, w); w.Code != 422 || p.Code != "bad_rules" || !strings.Contains(p.Detail, "a.yaml:3:5") || strings.Contains(p.Detail, "411111") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestQuarantinedRules shows why a rule is not asked any more, and only for the
// one that it is said of.
func TestQuarantinedRules(t *testing.T) {
	set := &rules.Set{Hash: "h", Rules: []rules.Rule{{ID: "a", Hash: "1"}, {ID: "b", Hash: "2"}}, Off: []rules.Rule{{ID: "c", Hash: "3"}}}
	held := []rules.Held{{Rule: "a", Hash: "another", Why: "it was changed since"}, {Rule: "b", Hash: "2", Why: "quarantined: it failed"}}
	h := gateway.New(gateway.Options{
		Rules: func() *rules.Set { return set }, Held: func() []rules.Held { return held }, Metrics: http.NotFoundHandler(), MaxInFlight: 1,
	})
	w := ask(h, "GET", "/v1/rules", nil)
	if body := w.Body.String(); strings.Count(body, "quarantined") != 2 || !strings.Contains(body, `"id":"b","when":"","mode":"live","file":"","line":0,"quarantined":"quarantined: it failed"`) {
		t.Errorf("%d %s", w.Code, body)
	}
}

// TestRulesWithBreakers shows when breakers open, which are open, and to whom rules
// are rolled out.
func TestRulesWithBreakers(t *testing.T) {
	set := &rules.Set{Hash: "h", Rules: []rules.Rule{
		{ID: "a", Hash: "1", Breaker: rules.Breaker{Times: 10}, Rollout: rules.Rollout{Share: 5, By: "card"}},
		{ID: "b", Hash: "2", Breaker: rules.Breaker{Times: 3, Fall: true}},
		{ID: "c", Hash: "3"},
	}}
	open := []rules.Trip{{Rule: &rules.Rule{ID: "a", Hash: "another"}, Why: "it was changed since"}, {Rule: &set.Rules[1], Why: "it fired"}}
	h := gateway.New(gateway.Options{
		Rules: func() *rules.Set { return set }, Open: func() []rules.Trip { return open }, Metrics: http.NotFoundHandler(), MaxInFlight: 1,
	})
	body := ask(h, "GET", "/v1/rules", nil).Body.String()
	for _, want := range []string{
		`"rollout":"5% by card","file":"","line":0,"breaker":"10 times what is usual"}`,
		`"breaker":"3 times what is usual, falls to shadow","breaker_open":"it fired"}`, `"breaker":"off"}`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("%s lacks %s", body, want)
		}
	}
}

// TestRefusedRules shows why the files that are there now do not decide.
func TestRefusedRules(t *testing.T) {
	refusal := &rules.Refusal{RuleSet: "new", Err: strict.Faults{
		{File: "a.yaml", Line: 3, Column: 5, Source: "secret: x", Message: `the example "4111111111111111 fails" of a fails`},
	}}
	h := gateway.New(gateway.Options{
		Rules: func() *rules.Set { return &rules.Set{Hash: "old"} }, Refused: func() *rules.Refusal { return refusal },
		Metrics: http.NotFoundHandler(), MaxInFlight: 1,
	})
	body := ask(h, "GET", "/v1/rules", nil).Body.String()
	if !strings.Contains(body, `"rule_set":"old"`) || !strings.Contains(body, `"refused":{"rule_set":"new","faults":["a.yaml:3:5: the example`) ||
		strings.Contains(body, "secret") || strings.Contains(body, "41111111") {
		t.Error(body)
	}
	refusal.Err = errors.New("gone")
	if body = ask(h, "GET", "/v1/rules", nil).Body.String(); !strings.Contains(body, `"faults":["gone"]`) {
		t.Error(body)
	}
	if refusal = nil; strings.Contains(ask(h, "GET", "/v1/rules", nil).Body.String(), "refused") {
		t.Error("a refusal is shown after the rules were taken")
	}
}
