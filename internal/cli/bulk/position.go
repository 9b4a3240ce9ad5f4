package bulk

import (
	"github.com/refmon/refmon/internal/objects"
	"github.com/refmon/refmon/winnt"
)

// Position is the progress of a run.
type Position struct {
	Objects    int   // rows read, unreadable ones included
	Unreadable int   // rows that could not be read
	Stale      int   // rows with objects.NoteStale
	Changed    int   // Diff: objects on which a principal gained or lost rights
	Changes    int   // Diff: pairs of principal and object that changed
	Unverified int   // rows with objects.NoteUnverified
	NoDACL     int   // rows with objects.NoteNoDACL
	Typed      int   // rows with entries for one object type that were not considered
	Unmapped   int   // rows that name an S-1-22 SID without an account
	Logons     int   // rows whose answer depends on the kind of logon
	Offset     int64 // byte of the input after the last row written; 0 where the source has no bytes
	Lines      int   // lines of the input before it
	// TypedEntries are the entries of Typed.
	TypedEntries int
	Passed       int   // What: objects without a row, since the principal has no right on them
	Allowed      int64 // pairs of principal and object that were allowed, summed over the rights
}

// Plus returns the position after a run that continued from p and reached q: the counts are sums, and Offset and Lines
// come from q. If q has read no bytes, they come from p.
func (p Position) Plus(q Position) Position {
	q.Objects += p.Objects
	q.Unreadable += p.Unreadable
	q.Stale += p.Stale
	q.Changed += p.Changed
	q.Changes += p.Changes
	q.Unverified += p.Unverified
	q.NoDACL += p.NoDACL
	q.Typed += p.Typed
	q.TypedEntries += p.TypedEntries
	q.Unmapped += p.Unmapped
	q.Logons += p.Logons
	q.Passed += p.Passed
	q.Allowed += p.Allowed
	if q.Offset == 0 { // the last run had no objects left
		q.Offset, q.Lines = p.Offset, p.Lines
	}
	return q
}

// Summary holds the counts of a finished run.
type Summary struct {
	Position
	FirstError error  // the first unreadable row
	FirstStale string // path of the first row with objects.NoteStale
	// FirstUnmapped is the first S-1-22 SID without an account.
	FirstUnmapped string
	FirstLogons   string // path of the first row of Logons, and how its answer differs
	// Classless counts the objects of a directory whose class the input does not have (B-56), and FirstClassless is the
	// path of the first. A resumed run counts its own part only.
	Classless      int
	FirstClassless string
	// Repeated counts the rows of a Diff whose path an earlier row of the same state has, and FirstRepeated is the path
	// of the first. Of the second state only paths of the first count. A resumed run counts its own part only.
	Repeated      int
	FirstRepeated string
	// Unlisted has the names of accounts that are allowed a right and that no principal has (B-117), at most
	// maxUnlisted. A resumed run has those of its own part only.
	Unlisted map[string]struct{}
}

// maxUnlisted limits the accounts in Summary.Unlisted.
const maxUnlisted = 1 << 16

// unlist records an account that has rights but is no listed user, in Unlisted, unless that list is full.
func (s *Summary) unlist(name string) {
	if len(s.Unlisted) >= maxUnlisted {
		return
	}
	if s.Unlisted == nil {
		s.Unlisted = map[string]struct{}{}
	}
	s.Unlisted[name] = struct{}{}
}

// repeat counts a row whose path an earlier row has, and keeps the path of the first one.
func (s *Summary) repeat(path []byte) {
	if s.Repeated++; s.Repeated == 1 {
		s.FirstRepeated = string(path)
	}
}

// NoClass says what an unknown class means for an answer.
const NoClass = "the file has no objectClass of it: entries for its class are ignored, and whether it is a user, a " +
	"group or a computer is not known; export objectClass and groupType too"

// Observe counts an object of a directory whose class is unknown, and keeps the path of the first one. It ignores
// objects of other types and a nil entry.
func (s *Summary) Observe(typ *winnt.ObjectType, e *objects.Entry, path string) {
	if typ != winnt.DirectoryServiceObject || e == nil || len(e.Classes) > 0 {
		return
	}
	if s.Classless++; s.Classless == 1 {
		s.FirstClassless = path
	}
}

// add adds the counts of the following batch, takes its input position, and keeps the earlier first error and paths.
func (s *Summary) add(b *Summary) {
	offset, lines := b.Offset, b.Lines
	s.Position = s.Plus(b.Position)
	s.Offset, s.Lines = offset, lines
	if s.FirstStale == "" {
		s.FirstStale = b.FirstStale
	}
	if s.FirstUnmapped == "" {
		s.FirstUnmapped = b.FirstUnmapped
	}
	if s.FirstLogons == "" {
		s.FirstLogons = b.FirstLogons
	}
	if s.Classless += b.Classless; s.FirstClassless == "" {
		s.FirstClassless = b.FirstClassless
	}
	if s.Repeated += b.Repeated; s.FirstRepeated == "" {
		s.FirstRepeated = b.FirstRepeated
	}
	for name := range b.Unlisted {
		s.unlist(name)
	}
	if s.FirstError == nil {
		s.FirstError = b.FirstError
	}
}
