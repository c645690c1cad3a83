package scoring

import "sluice/scoring/history"

// Maturity is the share of a window, for a transaction at time t, that has been
// watched since the first transaction ever (times in ns).
func Maturity(s history.Span, retention, t, since int64) float64 {
	return maturity(s, retention, t, since)
}
