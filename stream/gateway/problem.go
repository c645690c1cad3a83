package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"sluice/scoring/event"
	"sluice/stream"
)

// Problem is an error as RFC 9457 (Problem Details for HTTP APIs) writes it,
// with a code for programs and the field that is at fault. It holds nothing of
// what the client sent but names and durations, cut short, with card numbers masked.
type Problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Code   string `json:"code"`
	Field  string `json:"field,omitempty"`
	Offset *int   `json:"offset,omitempty"` // byte of the body where a fault of the JSON is
}

// retryAfter is what a client that came at a bad moment is told, in seconds.
const retryAfter = "1"

// Problems that never differ.
var (
	noSuchPath = Problem{
		Title: "No such path", Status: http.StatusNotFound, Code: "no_such_path",
		Detail: "the paths are POST /v1/verdicts, GET /v1/verdicts/{id}, GET /v1/rules, /v1/rules/history, /v1/rules/rollback, /v1/rules/release, /v1/rules/{id}/snoozes, /v1/lists, /v1/lists/{name}/entries, POST /-/reload, /healthz, /readyz, /metrics",
	}
	compressed = Problem{
		Title: "Compressed body", Status: http.StatusUnsupportedMediaType, Code: "content_encoding",
		Detail: "send the transaction as plain JSON, without Content-Encoding",
	}
	unread = Problem{
		Title: "The body could not be read", Status: http.StatusBadRequest, Code: "body_cut_off",
		Detail: "the body ended early or came too slowly; nothing was decided",
	}
	internal = Problem{
		Title: "Internal error", Status: http.StatusInternalServerError, Code: "internal",
		Detail: "the verdict could not be given; the cause is in the log of Sluice",
	}
)

func wrongMethod(right string) Problem {
	return Problem{Title: "Wrong method", Status: http.StatusMethodNotAllowed, Code: "wrong_method", Detail: "this path takes " + right}
}

func oversize(limit int64) *Problem {
	return &Problem{
		Title: "Too large", Status: http.StatusRequestEntityTooLarge, Code: string(event.Oversize),
		Detail: fmt.Sprintf("a transaction may have %d bytes", limit),
	}
}

// refused tells why a rule set was not taken.
func refused(err error) Problem {
	return Problem{
		Title: "The rules were not taken; the last good set keeps deciding", Status: http.StatusUnprocessableEntity,
		Code: "bad_rules", Detail: event.Mask(err.Error()),
	}
}

// answers are what the engine's errors mean to a client.
var answers = []struct {
	err error
	Problem
}{
	{stream.ErrConflict, Problem{
		Title: "The id was decided with another body", Status: http.StatusConflict, Code: "conflict", Field: "id",
		Detail: "a transaction with this id and another body was decided before, and its verdict stands; GET it, or give a new transaction a new id",
	}},
	{stream.ErrForgotten, Problem{
		Title: "Decided long ago", Status: http.StatusGone, Code: "forgotten", Field: "id",
		Detail: "this transaction was decided longer ago than verdict records are kept at hand; it is not decided again",
	}},
	{stream.ErrUnknown, Problem{
		Title: "No such verdict", Status: http.StatusNotFound, Code: "not_found",
		Detail: "no transaction with this id was decided within the time that decided ids are kept",
	}},
	{stream.ErrBusy, Problem{
		Title: "Too many requests wait", Status: http.StatusServiceUnavailable, Code: "busy",
		Detail: "more requests wait than max_in_flight allows; try again",
	}},
	{stream.ErrStarting, Problem{
		Title: "Starting", Status: http.StatusServiceUnavailable, Code: "starting",
		Detail: "it is not known yet what was decided before the start; try again, and see /readyz",
	}},
	{stream.ErrUnwritten, Problem{
		Title: "The journal can't be written", Status: http.StatusServiceUnavailable, Code: "journal",
		Detail: "the disk of the journal takes nothing, and no more may wait for it; see /readyz",
	}},
	{stream.ErrPending, Problem{
		Title: "Not acknowledged yet", Status: http.StatusServiceUnavailable, Code: "pending",
		Detail: "the transaction is decided and Kafka has not acknowledged the verdict yet; ask again",
	}},
	{stream.ErrUnread, Problem{
		Title: "The verdict can't be read back", Status: http.StatusServiceUnavailable, Code: "unread",
		Detail: "the transaction is decided, and Kafka does not give its verdict record back now; ask again, and see /readyz",
	}},
	{stream.ErrClosing, Problem{
		Title: "Stopping", Status: http.StatusServiceUnavailable, Code: "stopping",
		Detail: "this process is stopping; ask another instance, or again after the restart",
	}},
	{context.DeadlineExceeded, timeout},
	{context.Canceled, timeout},
}

var timeout = Problem{
	Title: "Not acknowledged in time", Status: http.StatusGatewayTimeout, Code: "timeout",
	Detail: "Kafka did not acknowledge in time; ask again with the same body: it is decided once, and that answer is given",
}

// problemOf explains an error to a client. What it does not know stays inside:
// an error text may hold what is not the client's to see.
func problemOf(err error, limit int64) Problem {
	var fault *event.Fault
	if errors.As(err, &fault) {
		return faulty(fault, limit)
	}
	for _, a := range answers {
		if errors.Is(err, a.err) {
			return a.Problem
		}
	}
	return internal
}

// faulty explains what is wrong with a transaction: 400 where the body is not
// what JSON should be, 422 where a field is at fault.
func faulty(f *event.Fault, limit int64) Problem {
	p := Problem{Title: "Not a valid transaction", Status: http.StatusUnprocessableEntity, Detail: f.Error(), Code: string(f.Code), Field: f.Field}
	switch f.Code {
	case event.Oversize:
		return *oversize(limit)
	case event.Malformed, event.NotAnObject, event.TrailingData, event.TooDeep, event.BadUTF8, event.DuplicateKey:
		p.Title, p.Status = "Not valid JSON", http.StatusBadRequest
		if f.Offset >= 0 {
			p.Offset = &f.Offset
		}
	}
	return p
}

// write sends the problem.
func (p Problem) write(w http.ResponseWriter) {
	p.Type = "urn:sluice:problem:" + p.Code
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	if p.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", retryAfter)
	}
	w.WriteHeader(p.Status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(p) // the client is gone if this fails
}
