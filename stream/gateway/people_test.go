package gateway_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice/rules"
	"sluice/scoring/event"
	"sluice/stream/gateway"
	"sluice/stream/ledger"
)

// counter is a gateway before a desk, without a processor.
func counter(t *testing.T) (h http.Handler, dir string, log *strings.Builder) {
	t.Helper()
	dir = t.TempDir()
	put := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("rules/a.yaml", `rules:
  - {id: large, when: tx.amount > 100, verdict: deny}
  - {id: listed, when: tx.card in lists.cards or tx.card in lists.new, verdict: deny}
`)
	put("rules/lists/new.txt", "")
	put("rules/lists/cards.txt", "c-1\n")
	schema, err := event.ParseSchema("schema.yaml", []byte(paymentSchema), nil)
	if err != nil {
		t.Fatal(err)
	}
	log = &strings.Builder{}
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	desk, err := ledger.Open(ledger.Options{
		Dir: filepath.Join(dir, "state"), Now: func() time.Time { return now }, Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = desk.Close() })
	reloader, err := desk.Start(filepath.Join(dir, "rules"), "r7", schema, nil, desk.Note)
	if err != nil {
		t.Fatal(err)
	}
	desk.Attach(reloader, func(context.Context, *rules.Changes) error { return nil })
	o := options(nil)
	o.Rules, o.Reload, o.Desk = reloader.Current, reloader.Reload, desk
	return gateway.New(o), dir, log
}

func TestListsOverHTTP(t *testing.T) {
	h, _, log := counter(t)
	const card = "4111111111111111"
	for _, c := range []struct {
		method, path, body string
		status             int
		has                string
	}{
		{"GET", "/v1/lists", "", 200, `{"revision":0,"lists":[{"name":"cards","kind":"texts","filed":1,"changed":0},{"name":"new","kind":"empty","filed":0,"changed":0}]}`},
		{
			"POST", "/v1/lists/cards/entries", `{"value":"` + card + `","ttl":"2h","author":"ana","why":"stolen, case 7"}`, 201,
			`{"revision":1,"do":"add","list":"cards","value":"************1111","until":"2026-11-23T14:00:00Z","at":"2026-11-23T12:00:00Z","author":"ana","why":"stolen, case 7"}`,
		},
		{"POST", "/v1/lists/cards/entries", `{"value":"a/b c?","until":"2026-12-01","author":"ana","why":"x"}`, 201, `"until":"2026-12-01T00:00:00Z"`},
		{"GET", "/v1/lists/cards/entries", "", 200, `{"name":"cards","kind":"texts","filed":1,"changed":2,"revision":2,"entries":[{"revision":1,`},
		{"DELETE", "/v1/lists/cards/entries/a/b%20c%3F?author=bo&why=wrong", "", 200, `"do":"forget","list":"cards","value":"a/b c?"`},
		{"DELETE", "/v1/lists/cards/entries/c-1?author=bo&why=cleared&ttl=1d", "", 200, `"do":"leave_out","list":"cards","value":"c-1","until":"2026-11-24T12:00:00Z"`},
		{"GET", "/v1/lists", "", 200, `{"revision":4,"lists":[{"name":"cards","kind":"texts","filed":1,"changed":2},{"name":"new","kind":"empty","filed":0,"changed":0}]}`},
		{"GET", "/v1/rules", "", 200, `"changes":4,`},
		// What an empty file's list holds is what was added to it.
		{"POST", "/v1/lists/new/entries", `{"value":"10.0.0.0/8","ttl":"2h","author":"a","why":"b"}`, 201, `"value":"10.0.0.0/8"`},
		{"GET", "/v1/lists", "", 200, `{"name":"new","kind":"networks","filed":0,"changed":1}`},
		{"POST", "/v1/lists/new/entries", `{"value":"c-1, c-2","ttl":"2h","author":"a","why":"b"}`, 201, `"warning":"\"c-1, c-2\" is one value: `},
		{"GET", "/v1/lists", "", 200, `{"name":"new","kind":"texts","filed":0,"changed":2}`},
		{"GET", "/v1/lists/new/entries", "", 200, `{"name":"new","kind":"texts","filed":0,"changed":2,"revision":6,`},
		{"POST", "/v1/lists/new/entries", `{"value":"10.0.0.0/33","ttl":"2h","author":"a","why":"b"}`, 422, `"code":"wrong_kind","field":"value"`},

		{"GET", "/v1/lists/none/entries", "", 404, `there is no list \"none\"; there are cards, new","code":"no_such_list"`},
		{"POST", "/v1/lists/none/entries", `{"value":"x","ttl":"2h","author":"a","why":"b"}`, 404, `there is no list \"none\"; there are cards`},
		{"DELETE", "/v1/lists/cards/entries/c-7?author=bo&why=x", "", 404, `"code":"no_such_entry","field":"value"`},
		{"DELETE", "/v1/lists/cards/entries/c-1?author=bo&why=x", "", 422, `say for how long it is left out (ttl or until), or remove it there","code":"no_end","field":"until"`},
		{"DELETE", "/v1/lists/cards/entries/c-1?author=bo&why=x&ttl=1%d", "", 400, `"code":"bad_query"`},
		{"DELETE", "/v1/lists/cards/entries/c-1?author=bo&why=x;y", "", 400, `"code":"bad_query"`},
		{"DELETE", "/v1/lists/cards/entries/c-1?author=bo&author=bo", "", 422, `"code":"unknown_field","field":"author"`},
		{"POST", "/v1/lists/cards/entries", `{"value":"x","ttl":"2 h","author":"a","why":"b"}`, 422, `"code":"bad_value","field":"ttl"`},
		{"POST", "/v1/lists/cards/entries", `{"value":"x","ttl":"500d","author":"a","why":"b"}`, 422, `the duration \"500d\" is too long: at most 400d`},
		{"POST", "/v1/lists/cards/entries", `{"value":"x","ttl":"-2h","author":"a","why":"b"}`, 422, `"code":"bad_value","field":"ttl"`},
		{"POST", "/v1/lists/cards/entries", `{"value":"x","author":"a","why":"b"}`, 422, `"code":"no_end","field":"until"`},
		{"POST", "/v1/lists/cards/entries", `{"value":"x","ttl":"2h","why":"b"}`, 422, `"code":"missing_field","field":"author"`},
		{"POST", "/v1/lists/cards/entries", `{"value":7,"ttl":"2h","author":"a","why":"b"}`, 422, `"code":"wrong_type","field":"value"`},
		{"POST", "/v1/lists/cards/entries", `{"valu":"x"}`, 422, `"code":"unknown_field","field":"valu"`},
		{"POST", "/v1/lists/cards/entries", `{"` + card + `":"x"}`, 422, `"field":"************1111"`},
		{"POST", "/v1/lists/cards/entries", `{"` + strings.Repeat("x", 27) + " " + card + `":"x"}`, 422, `"field":"` + strings.Repeat("x", 27) + ` ************"`},
		{"POST", "/v1/lists/cards/entries", `[]`, 400, `"code":"not_an_object"`},
		{"POST", "/v1/lists/cards/entries", `null`, 400, `"code":"not_an_object"`},
		{"POST", "/v1/lists/cards/entries", `{"value":"x"}{}`, 400, `"code":"not_an_object"`},
		{"POST", "/v1/lists/cards/entries", `{"value":"x","ttl":"2h","author":"a","why":"b"}}`, 400, `"code":"not_an_object"`},
		{"POST", "/v1/lists/cards/entries", `{"value":"x","ttl":"2h","author":"a","why":"b"} ]`, 400, `"code":"not_an_object"`},
		{"POST", "/v1/lists/cards/entries", `{"value":"x","ttl":"2h","author":"a","why":"b"`, 400, `"code":"not_an_object"`},
		{"POST", "/v1/lists/cards/entries", `{"value":"x","ttl":"2h","author":"a","why":}`, 400, `"code":"not_an_object"`},
		{"POST", "/v1/lists/cards/entries", `{"value":"c-7","value":"c-8","ttl":"2h","author":"a","why":"b"}`, 400, `"code":"duplicate_key","field":"value"`},
		{"POST", "/v1/lists/cards/entries", `{"value":"c-7","ttl":"2h","author":"a","why":"b","v\u0061lue":"c-8"}`, 400, `"code":"duplicate_key","field":"value"`},
		{"POST", "/v1/lists/cards/entries", "{\"value\":\"c-\xe4\",\"ttl\":\"2h\",\"author\":\"a\",\"why\":\"b\"}", 400, `"code":"not_an_object"`},
		{"POST", "/v1/lists/cards/entries", strings.Repeat(" ", 17<<10), 400, `"code":"body_cut_off"`},
		{"PUT", "/v1/lists/cards/entries", ``, 405, `this path takes GET and POST`},
		{"GET", "/v1/lists/cards/entries/", "", 404, `"code":"no_such_path"`},
		{"GET", "/v1/lists/cards", "", 404, `"code":"no_such_path"`},
		{"GET", "/v1/lists//entries", "", 404, `"code":"no_such_path"`},
	} {
		w := ask(h, c.method, c.path, strings.NewReader(c.body))
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.has) || strings.Contains(w.Body.String(), card) {
			t.Errorf("%s %s %s\n%d %s\nnot %d %s", c.method, c.path, c.body, w.Code, w.Body, c.status, c.has)
		}
		if w.Code >= 400 && (w.Header().Get("Content-Type") != "application/problem+json" || problem(t, w).Detail == "") {
			t.Errorf("%s %s: %v %s", c.method, c.path, w.Header(), w.Body)
		}
	}
	if s := log.String(); strings.Contains(s, card) || !strings.Contains(s, "author=ana") || !strings.Contains(s, "value=************1111") {
		t.Errorf("the log: %s", s)
	}
}

func TestSnoozesOverHTTP(t *testing.T) {
	h, _, _ := counter(t)
	for _, c := range []struct {
		method, path, body string
		status             int
		has                string
	}{
		{"GET", "/v1/rules/large/snoozes", "", 200, `{"rule":"large","snoozes":[]}`},
		{
			"POST", "/v1/rules/large/snoozes", `{"entity":"card","value":"c/1","for":"1d","author":"bo","why":"he called"}`, 201,
			`{"revision":1,"do":"snooze","rule":"large","entity":"card","value":"c/1","until":"2026-11-24T12:00:00Z"`,
		},
		{"GET", "/v1/rules/large/snoozes", "", 200, `{"rule":"large","snoozes":[{"revision":1,`},
		{"DELETE", "/v1/rules/large/snoozes/card/c/1?author=bo&why=done", "", 200, `"do":"forget","rule":"large","entity":"card","value":"c/1"`},
		{"GET", "/v1/rules/large/snoozes", "", 200, `{"rule":"large","snoozes":[]}`},
		{"DELETE", "/v1/rules/large/snoozes/card/c/1?author=bo&why=done", "", 404, `"code":"no_such_snooze"`},
		{"GET", "/v1/rules/none/snoozes", "", 404, `"code":"no_such_rule"`},
		{"POST", "/v1/rules/none/snoozes", `{"entity":"card","value":"c1","for":"1d","author":"bo","why":"x"}`, 404, `"code":"no_such_rule"`},
		{"POST", "/v1/rules/large/snoozes", `{"entity":"amount","value":"c1","for":"1d","author":"bo","why":"x"}`, 422, `\"amount\" is no entity of the schema; it is one of card","code":"bad_value","field":"entity"`},
		{"DELETE", "/v1/rules/large/snoozes", "", 405, `this path takes GET and POST`},
		{"DELETE", "/v1/rules/large/snoozes/card", "", 404, `"code":"no_such_path"`},
	} {
		w := ask(h, c.method, c.path, strings.NewReader(c.body))
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.has) {
			t.Errorf("%s %s %s\n%d %s\nnot %d %s", c.method, c.path, c.body, w.Code, w.Body, c.status, c.has)
		}
	}
}

func TestRollbackOverHTTP(t *testing.T) {
	h, dir, _ := counter(t)
	history := func() (out struct {
		Pinned *struct{ RuleSet, Author string }
		Sets   []struct {
			RuleSet string `json:"rule_set"`
			Version string
			Fate    string
			Why     string
			Kept    bool
		}
	},
	) {
		t.Helper()
		w := ask(h, "GET", "/v1/rules/history", nil)
		if w.Code != 200 || json.Unmarshal(w.Body.Bytes(), &out) != nil {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		return out
	}
	first := history().Sets
	if len(first) != 1 || first[0].Version != "r7" || first[0].Fate != "active" || !first[0].Kept {
		t.Fatalf("%+v", first)
	}
	if err := os.WriteFile(filepath.Join(dir, "rules", "a.yaml"), []byte("rules: []"), 0o600); err != nil {
		t.Fatal(err)
	}
	if w := ask(h, "POST", "/-/reload", nil); w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	add := `{"value":"c-9","ttl":"2h","author":"a","why":"b"}`
	if w := ask(h, "POST", "/v1/lists/cards/entries", strings.NewReader(add)); !strings.Contains(w.Body.String(), `"warning":"no rule that is not off asks lists.cards`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	const idle = `"without_effect":["changes of the list cards, which no rule of it asks: 1"]`
	if w := ask(h, "POST", "/-/reload", nil); !strings.Contains(w.Body.String(), idle) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	body := `{"rule_set":"` + first[0].RuleSet + `","author":"bo","why":"nothing is caught"}`
	w := ask(h, "POST", "/v1/rules/rollback", strings.NewReader(body))
	if w.Code != 200 || !strings.Contains(w.Body.String(), `"id":"large"`) || strings.Contains(w.Body.String(), "without_effect") || !strings.Contains(w.Body.String(), `"pinned":{"rule_set":"`+first[0].RuleSet) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if got := history(); got.Pinned == nil || got.Pinned.Author != "bo" || got.Sets[0].Fate != "active" || got.Sets[1].Fate != "rolled_back" || got.Sets[0].Why != "nothing is caught" {
		t.Errorf("%+v", got)
	}
	for _, c := range []struct {
		path, body string
		status     int
		code       string
	}{
		{"/v1/rules/rollback", body, 409, "already_active"},
		{"/v1/rules/rollback", `{"rule_set":"0","author":"a","why":"b"}`, 404, "no_such_set"},
		{"/v1/rules/rollback", `{"author":"a","why":"b"}`, 422, "missing_field"},
		{"/v1/rules/rollback", `{"hash":"a"}`, 422, "unknown_field"},
		{"/v1/rules/release", `{"author":"a"}`, 422, "missing_field"},
		{"/v1/rules/release", `{"author":"a","why":"mended"}`, 200, ""},
		{"/v1/rules/release", `{"author":"a","why":"mended"}`, 409, "not_pinned"},
	} {
		w := ask(h, "POST", c.path, strings.NewReader(c.body))
		if w.Code != c.status || c.code != "" && problem(t, w).Code != c.code {
			t.Errorf("%s %s: %d %s", c.path, c.body, w.Code, w.Body)
		}
	}
	if got := history(); got.Pinned != nil || got.Sets[0].Fate != "active" || len(got.Sets) != 4 {
		t.Errorf("%+v", got)
	}
}
