// Package ledger keeps what people change while Sluice runs: entries of lists
// and snoozes of rules, with who, why and until when, and which rule sets were in
// force. It survives restarts, in a directory of its own.
//
//	changes     list entries and snoozes: lines that are appended to
//	sets.json   the last rule sets and what became of them, replaced as a whole
//	files/      the files of these sets, by content hash
//
// Nothing that is not on the disk is told to be done. A Desk takes changes from
// people: it checks them, keeps them, and puts them in force.
package ledger

import (
	"path/filepath"
	"strings"
)

// DirOf gives the directory of a consumer group below that of all state.
func DirOf(state, group string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.' {
			return r
		}
		return '_'
	}, group)
	if strings.HasPrefix(name, ".") {
		name = "_" + name
	}
	return filepath.Join(state, name)
}
