package alerts

import (
	"context"
	"log/slog"
)

// Log writes alerts to a logger.
type Log struct{ Logger *slog.Logger }

// Name is "log".
func (Log) Name() string { return "log" }

// Send logs an alert: pages of live rules as errors, everything else as warnings.
func (l Log) Send(ctx context.Context, a Alert) error {
	level := slog.LevelWarn
	if a.Severity == "page" && a.Status == Firing && a.Mode != "shadow" {
		level = slog.LevelError
	}
	attrs := []slog.Attr{slog.String("status", string(a.Status)), slog.String("severity", a.Severity)}
	for _, text := range []slog.Attr{
		slog.String("rule", a.Rule), slog.String("mode", a.Mode), slog.String("entity", a.Entity), slog.String("value", a.Value),
		slog.String("reason", a.Reason), slog.String("description", a.Description), slog.String("owner", a.Owner),
		slog.String("amount", a.Amount),
	} {
		if text.Value.String() != "" {
			attrs = append(attrs, text)
		}
	}
	attrs = append(attrs, slog.Int64("count", a.Count), slog.Time("first", a.First), slog.Time("last", a.Last))
	if len(a.Examples) > 0 {
		attrs = append(attrs, slog.Any("examples", a.Examples))
	}
	l.Logger.LogAttrs(ctx, level, "alert", append(attrs, slog.String("alert", a.ID))...)
	return nil
}
