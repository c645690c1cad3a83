// Package reliability shows that nothing is lost and nothing is decided twice:
// the program as a process of its own, a real Apache Kafka beside it, and
// everything that can die killed, frozen, filled up, cut off or thrown away
// while real payments are decided. What comes out is compared, verdict by
// verdict, with a reference that knows of no crash.
//
// It is all tests; README.md says what each shows and how to run them.
package reliability
