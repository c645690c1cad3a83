package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"sluice/rules/lang"
	"sluice/scoring/event"
	"sluice/stream/ledger"
)

// maxRequest bounds what people send.
const maxRequest = 16 << 10

// asked is the body of a request, or its query where it has no body.
type asked struct {
	Value   string `json:"value"`
	Entity  string `json:"entity"`
	TTL     string `json:"ttl"`
	For     string `json:"for"`
	Until   string `json:"until"`
	Author  string `json:"author"`
	Why     string `json:"why"`
	RuleSet string `json:"rule_set"`
}

// read reads a request's body: one JSON object with members of these names only.
func (g *gateway) read(w http.ResponseWriter, r *http.Request, members ...string) (a asked, p *Problem) {
	if coding := r.Header.Get("Content-Encoding"); coding != "" && coding != "identity" {
		return a, &compressed
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		return a, &Problem{Title: "The body could not be read", Status: http.StatusBadRequest, Code: "body_cut_off", Detail: "the body ended early, came too slowly, or has more than 16 KiB; nothing was changed"}
	}
	given, ok := object(body)
	if !ok {
		return a, &Problem{Title: "Not valid JSON", Status: http.StatusBadRequest, Code: "not_an_object", Detail: "the body must be one JSON object in UTF-8, with the members " + strings.Join(members, ", ")}
	}
	fields := a.fields()
	for name, texts := range given {
		into, text := fields[name], texts[0]
		if len(texts) > 1 {
			return a, &Problem{Title: "Not valid JSON", Status: http.StatusBadRequest, Code: string(event.DuplicateKey), Field: clip(name), Detail: "the body has two members of this name"}
		}
		if into == nil || !slices.Contains(members, name) {
			return a, &Problem{Title: "Unknown member", Status: http.StatusUnprocessableEntity, Code: "unknown_field", Field: clip(name), Detail: "the members are " + strings.Join(members, ", ")}
		}
		if err := json.Unmarshal(text, into); err != nil {
			return a, &Problem{Title: "Not a text", Status: http.StatusUnprocessableEntity, Code: "wrong_type", Field: name, Detail: name + " is a text"}
		}
	}
	return a, nil
}

// object reads the members of a JSON object; false: the body is not one, or more.
// What encoding/json would guess is refused: the last one of several members of a
// name, and a sign for each byte that is no text.
func object(body []byte) (members map[string][]json.RawMessage, ok bool) {
	d := json.NewDecoder(bytes.NewReader(body))
	if t, err := d.Token(); err != nil || t != json.Delim('{') || !utf8.Valid(body) {
		return nil, false
	}
	members = map[string][]json.RawMessage{}
	for d.More() {
		var value json.RawMessage
		name, err := d.Token()
		if err != nil || d.Decode(&value) != nil {
			return nil, false
		}
		members[name.(string)] = append(members[name.(string)], value)
	}
	if _, err := d.Token(); err != nil {
		return nil, false
	}
	_, err := d.Token()
	return members, errors.Is(err, io.EOF)
}

// query reads a request's query, which a DELETE has in place of a body.
func (g *gateway) query(r *http.Request, members ...string) (a asked, p *Problem) {
	fields := a.fields()
	given, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil { // what is not understood would be left out
		return a, &Problem{Title: "Not a query", Status: http.StatusBadRequest, Code: "bad_query", Detail: "the query is not encoded as in a URL: write %3B for a semicolon, %25 for a percent sign, + for a blank"}
	}
	for name, values := range given {
		if !slices.Contains(members, name) || len(values) != 1 {
			return a, &Problem{Title: "Unknown parameter", Status: http.StatusUnprocessableEntity, Code: "unknown_field", Field: clip(name), Detail: "the parameters, each once, are " + strings.Join(members, ", ")}
		}
		*fields[name] = values[0]
	}
	return a, nil
}

func (a *asked) fields() map[string]*string {
	return map[string]*string{
		"value": &a.Value, "entity": &a.Entity, "ttl": &a.TTL, "for": &a.For, "until": &a.Until,
		"author": &a.Author, "why": &a.Why, "rule_set": &a.RuleSet,
	}
}

// clip shortens what a client sent, for an answer.
func clip(text string) string {
	const most = 40
	text = event.Mask(strings.ToValidUTF8(text, "")) // first: a cut off card number looks like none
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "")
	}
	return text
}

// request makes a request of the desk's.
func (a *asked) request() (ledger.Request, *Problem) {
	out := ledger.Request{Value: a.Value, Entity: a.Entity, Until: a.Until, Author: a.Author, Why: a.Why}
	for field, text := range map[string]string{"ttl": a.TTL, "for": a.For} {
		if text == "" {
			continue
		}
		d, err := lang.ParseDuration(clip(text))
		if err == nil && d <= 0 {
			err = fmt.Errorf("the duration %q is none: write it as in \"90s\", \"10m\", \"2h\" or \"7d\"", clip(text))
		}
		if err != nil {
			return out, &Problem{Title: "Not a duration", Status: http.StatusUnprocessableEntity, Code: "bad_value", Field: field, Detail: err.Error()}
		}
		out.For = d
	}
	return out, nil
}
