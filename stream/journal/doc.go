// Package journal is what survives: the transactions, verdicts and labels that
// the engine knows, and how far it has read, on the local disk (Pebble).
//
// The engine's goroutine logs what it decides into a Segment, without a lock.
// A writer makes one cut of closed segments at a time: sorted tables that
// Pebble ingests together, so that a cut stands whole or not at all, is durable
// when Write returns, and needs neither a write-ahead log nor a second copy in
// memory. What was decided and how far was read are in the same cut: they
// can't disagree. Readers load the past of one entity, whole or between two
// times, or what is known of one id, at any time.
//
// What the journal does not hold, a new card or id, costs no look at the disk:
// filters in memory know it. A cut adds to them what it writes; of a journal that
// was there before, Sift gathers them in the background. Until then a look asks
// the Bloom filters of Pebble's tables, and the first ones after a start not even
// these: to read them takes longer than to look.
//
// Nothing on disk depends on the process: texts, and hashes keyed with bytes
// that the journal made when it was new, so that nobody who writes payments can
// aim at collisions. Values of secret fields are not stored, only their hashes.
package journal
