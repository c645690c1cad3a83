package stream

import "sluice/scoring/event"

// slimSteps bounds the work of slim between two batches.
const slimSteps = 8

// slim lets cold histories leave memory where it is over its budget.
func (e *engine) slim() {
	store := e.core.Store()
	for range slimSteps {
		if e.memory == 0 || store.Stats().Used <= e.memory {
			return
		}
		store.Evict(e.pre.floor())
	}
}

// ease lets go of one history, while it is being loaded, what may leave memory.
func (e *engine) ease(entity int, key event.Key) {
	if store := e.core.Store(); e.memory > 0 && store.Stats().Used > e.memory {
		store.Ease(entity, key, e.pre.floor())
	}
}
