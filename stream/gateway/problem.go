package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"sluice/scoring/event"
	"sluice/stream"
)

// Problem is an error as RFC 9457 (Problem Details for HTTP APIs) writes it,
// with a code for programs and the field that is at fault.
type Problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Code   string `json:"code"`
	Field  string `json:"field,omitempty"`
}

// retryAfter is what a client that came at a bad moment is told, in seconds.
const retryAfter = "1"

// problemOf explains an error to a client. What it does not know stays inside:
// an error text may hold what is not the client's to see.
func problemOf(err error) Problem {
	var fault *event.Fault
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &fault):
		return Problem{Title: "Not a valid transaction", Status: http.StatusUnprocessableEntity, Detail: fault.Error(), Code: string(fault.Code), Field: fault.Field}
	case errors.As(err, &tooLarge):
		return Problem{Title: "Request too large", Status: http.StatusRequestEntityTooLarge, Detail: "the transaction is larger than this gateway takes", Code: "oversize"}
	case errors.Is(err, stream.ErrConflict):
		return Problem{Title: "The id was decided with other content", Status: http.StatusConflict, Detail: "a transaction with this id and another body was decided before; its verdict stands. Give a new transaction a new id.", Code: "conflict", Field: "id"}
	case errors.Is(err, stream.ErrUnknown):
		return Problem{Title: "No such verdict", Status: http.StatusNotFound, Detail: "no transaction with this id was decided within the time that decided ids are kept", Code: "not_found"}
	case errors.Is(err, stream.ErrBusy):
		return Problem{Title: "Too many requests wait", Status: http.StatusServiceUnavailable, Detail: "the queue of requests is full; try again", Code: "busy"}
	case errors.Is(err, stream.ErrClosing):
		return Problem{Title: "Stopping", Status: http.StatusServiceUnavailable, Detail: "the engine is stopping; ask another instance, or again after the restart", Code: "stopping"}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return Problem{Title: "Not acknowledged in time", Status: http.StatusGatewayTimeout, Detail: "the verdict was not acknowledged in time; the same request again gets the same answer", Code: "timeout"}
	}
	return Problem{Title: "Internal error", Status: http.StatusInternalServerError, Detail: "the verdict could not be given; the cause is in the log of Sluice", Code: "internal"}
}

// write sends the problem.
func (p Problem) write(w http.ResponseWriter) {
	if p.Type == "" {
		p.Type = "about:blank"
	}
	w.Header().Set("Content-Type", "application/problem+json")
	if p.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", retryAfter)
	}
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the client is gone if this fails
}
