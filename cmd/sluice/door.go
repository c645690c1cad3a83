package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/user"
	"slices"
	"strings"
	"time"

	"sluice/rules/lang"
	"sluice/stream/gateway"
)

// door is the HTTP API of a running Sluice.
type door struct{ at *string }

// newDoor defines the flag that says where it is.
func newDoor(f *flag.FlagSet) *door {
	return &door{f.String("at", "http://127.0.0.1:8080", "`URL` of a running sluice serve")}
}

// doorTimeout bounds one request.
const doorTimeout = 30 * time.Second

// maxAnswer bounds what is read of an answer.
const maxAnswer = 64 << 20

// call asks for something, and reads the answer into what into points at. An
// error says what the API says.
func (d *door) call(ctx context.Context, method, path string, body map[string]string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, doorTimeout)
	defer cancel()
	var sent io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return err
		}
		sent = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, d.url()+path, sent)
	if err != nil {
		return fmt.Errorf("--at is not a URL like http://127.0.0.1:8080: %w", err)
	}
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) { // whose text repeats the path, perhaps with a card in it
			err = u.Err
		}
		return fmt.Errorf("sluice does not answer at %s (--at says where it is): %w", *d.at, err)
	}
	defer w.Body.Close() //nolint:errcheck // it was only read
	answer, err := io.ReadAll(io.LimitReader(w.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("the answer of %s: %w", *d.at, err)
	}
	if w.StatusCode >= http.StatusBadRequest {
		return refusedBy(w.StatusCode, answer)
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("%s does not answer like sluice serve: %w", *d.at, err)
	}
	return nil
}

// url gives where it is; what has no scheme is meant to be asked by HTTP.
func (d *door) url() string {
	at := strings.TrimRight(*d.at, "/")
	if !strings.Contains(at, "://") {
		at = "http://" + at
	}
	return at
}

// refusedBy makes an error of a problem, in the words of the command line.
func refusedBy(status int, answer []byte) error {
	var p gateway.Problem
	if json.Unmarshal(answer, &p) != nil || p.Detail == "" {
		return fmt.Errorf("refused with status %d", status)
	}
	name := p.Field
	switch {
	case p.Code == "no_end":
		name = "--for or --until"
	case name == "ttl" || name == "for":
		name = "--for"
	case name == "until" || name == "author" || name == "why":
		name = "--" + name
	}
	detail := strings.ReplaceAll(p.Detail, "(ttl or until)", "(--for or --until)")
	if rest, ok := strings.CutPrefix(detail, p.Field+" "); ok && p.Field != "" {
		return fmt.Errorf("%s: %s %s", p.Title, name, rest)
	}
	if name != "" {
		name += ": "
	}
	return fmt.Errorf("%s: %s%s", p.Title, name, detail)
}

// ends are the flags that say until when, who and why.
type ends struct{ lasts, until, author, why *string }

func newEnds(f *flag.FlagSet) *ends {
	e := newEndless(f)
	e.lasts = f.String("for", "", "for how `LONG`, as 2h or 7d")
	e.until = f.String("until", "", "until when: a date like 2027-01-31, its beginning in UTC, or a `MOMENT` like 2027-01-31T18:00:00Z")
	return e
}

// newEndless defines those of what has no end.
func newEndless(f *flag.FlagSet) *ends {
	return &ends{
		lasts: new(string), until: new(string),
		author: f.String("author", "", "who changes it (default: the user of this machine)"),
		why:    f.String("why", "", "why"),
	}
}

// hold tells what is wrong with the flags of a change; must says that it needs an
// end.
func (e *ends) hold(f *flag.FlagSet, must bool) error {
	switch {
	case strings.TrimSpace(*e.why) == "":
		return misused(f, "--why is missing: say why, in a few words")
	case *e.lasts != "" && *e.until != "":
		return misused(f, "give --for or --until, not both")
	case must && *e.lasts == "" && *e.until == "":
		return misused(f, "say for how long, as --for 2h or --for 7d, or --until when")
	}
	if *e.lasts != "" {
		if _, err := lang.ParseDuration(*e.lasts); err != nil {
			return misused(f, "--for: %v", err)
		}
	}
	if *e.until != "" {
		if _, err := parseTime(*e.until); err != nil {
			return misused(f, "--until: %v", err)
		}
	}
	return nil
}

// without refuses flags of a change where nothing is changed, and others that one
// form of a command does not have.
func without(f *flag.FlagSet, form string, names ...string) (err error) {
	f.Visit(func(g *flag.Flag) {
		if err == nil && slices.Contains(names, g.Name) {
			err = misused(f, "%s takes no --%s", form, g.Name)
		}
	})
	return err
}

// by gives who changes something.
func (e *ends) by() string {
	if *e.author != "" {
		return *e.author
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return ""
}

// body adds to a body what the flags say; lasts names the member of --for.
func (e *ends) body(lasts string, body map[string]string) map[string]string {
	body["author"], body["why"] = e.by(), *e.why
	if *e.lasts != "" {
		body[lasts] = *e.lasts
	}
	if *e.until != "" {
		body["until"] = *e.until
	}
	return body
}

// query is body for a request that has none.
func (e *ends) query(lasts string) string {
	q := url.Values{}
	for name, text := range e.body(lasts, map[string]string{}) {
		q.Set(name, text)
	}
	return "?" + q.Encode()
}
