package objects

import (
	"github.com/refmon/refmon/internal/accessquery"
)

// Note is a remark about an object that was answered. The zero value is none.
type Note uint8

// Notes.
const (
	_ Note = iota
	// NoteStale: the attribute's hash is not that of the POSIX permissions, which
	// the server, and the answer, use instead.
	NoteStale
	// NoteUnverified: the attribute's hash can be verified by the server only; the
	// answer is the attribute's.
	NoteUnverified
	// NoteNoDACL: the descriptor has no D: part, so that no DACL limits anybody.
	NoteNoDACL
	// NoteNoOwner: the form of the file has no owner.
	NoteNoOwner
	// NoteCollected: a collector kept some of the entries.
	NoteCollected
)

// String returns the note as text for people, "" for the zero value.
func (n Note) String() string {
	return [...]string{"",
		"hash mismatch: the POSIX permissions were changed behind the server and count instead of the attribute",
		"the attribute's hash can be verified by its server only", accessquery.NoDACL,
		"the file does not have the owner: rights that the owner has without an entry are not counted",
		"the collector kept entries that allow certain rights, and no denial"}[n%6]
}
