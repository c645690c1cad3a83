package rules

// Changes are what people changed since the files were written, at one moment:
// they lie over the set in force. They are immutable; the zero Changes change
// nothing.
type Changes struct {
	// Revision tells them from others. It grows by one with each change, over
	// restarts too, and is 0 as long as there were none.
	Revision int64
	Lists    map[string]*Overlay
	Snoozes  []Snooze
}

// Snooze keeps a live rule from acting on one entity, for what arrives before
// its end.
type Snooze struct {
	Rule   string // id
	Entity string // field of the schema
	Value  string
	Until  int64 // ns
}
