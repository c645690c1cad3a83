package alerts

import (
	"context"
	"log/slog"
)

// Log writes alerts to a logger.
type Log struct{ Logger *slog.Logger }

// Name is "log".
func (Log) Name() string { return "log" }

// Send logs an alert, pages as errors, tickets and ends as warnings.
func (l Log) Send(ctx context.Context, a Alert) error {
	level := slog.LevelWarn
	if a.Severity == "page" && a.Status == Firing {
		level = slog.LevelError
	}
	l.Logger.Log(ctx, level, "alert "+string(a.Status),
		"alert", a.ID, "severity", a.Severity, "rule", a.Rule, "mode", a.Mode, "entity", a.Entity, "value", a.Value,
		"count", a.Count, "amount", a.Amount, "first", a.First, "last", a.Last, "owner", a.Owner, "examples", a.Examples)
	return nil
}
