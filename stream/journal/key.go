package journal

import "github.com/cockroachdb/pebble/v2"

// comparer orders keys by their bytes.
func comparer() *pebble.Comparer { return pebble.DefaultComparer }
