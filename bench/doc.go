// Package bench measures Sluice: Go benchmarks of each part beside hand-written
// limit programs for the same work, and scripts that run the whole program
// from Kafka to Kafka beside its peers. README.md has the results and how to
// run them again.
package bench
