// Package subids reads the subordinate ids of the host, which containers use.
package subids

import (
	"os"
	"os/user"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/objects/idmaps"
)

// The host's files of subordinate ids: those of uids, and those of uids and gids.
var (
	UIDs = []string{"/etc/subuid"}
	Both = []string{"/etc/subuid", "/etc/subgid"}
)

// Files has the ranges of files of subordinate ids. It reads them again if a file's size or modification time changes.
// It is safe for concurrent use. Without Names there are no subordinate ids.
type Files struct {
	Names []string // immutable after the first call

	mu sync.Mutex
	// +checklocks:mu
	read []stamp // guarded by mu: stamp of each file when it was read
	// +checklocks:mu
	spans []fileaccess.SubIDs // guarded by mu
	// +checklocks:mu
	owners map[string]lookup // guarded by mu: the owners that were looked up
}

// lookup is the result of a lookup of an owner's name.
type lookup struct {
	uid   uint32
	known bool
	until time.Time // when an unknown owner may be looked up again
}

// unknownFor is how long an owner counts as unknown after a lookup.
const unknownFor = 30 * time.Second

// stamp is the size and modification time of a file, by which a change is detected. A missing file has the zero stamp.
type stamp struct {
	size int64
	at   time.Time
}

// Ranges returns the current ranges of subordinate ids, as [idmaps.ReadSubIDs] reads them. Files are read again only
// after a change of size or time, and while they count as all ids.
func (s *Files) Ranges() []fileaccess.SubIDs {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := make([]stamp, len(s.Names))
	for i, name := range s.Names {
		if info, err := os.Stat(name); err == nil {
			now[i] = stamp{info.Size(), info.ModTime()}
		}
	}
	if s.read != nil && slices.EqualFunc(s.read, now, stamp.equal) {
		return s.spans
	}
	s.read, s.spans, s.owners = now, idmaps.ReadSubIDs(s.Names...), map[string]lookup{}
	if slices.Contains(s.spans, fileaccess.AllSubIDs) {
		s.read = nil // a file may become readable without a new size or time
	}
	return s.spans
}

// equal reports whether two stamps have the same size and time.
func (s stamp) equal(o stamp) bool { return s.size == o.size && s.at.Equal(o.at) }

// Has reports whether an id is a subordinate one, as the users of a container have.
func (s *Files) Has(id uint32) bool {
	_, ok := s.owner(id)
	return ok
}

// owner returns the range of a subordinate id and its owner; ok is false if the id is not
// subordinate.
func (s *Files) owner(id uint32) (fileaccess.SubIDs, bool) {
	for _, r := range s.Ranges() {
		if r.Overlaps(id, id) {
			return r, true
		}
	}
	return fileaccess.SubIDs{}, false
}

// Requester returns a text that is the same for all subordinate uids of one owner, and different for every other uid.
// It looks up no name. While a file cannot be read, each uid has a text of its own.
func (s *Files) Requester(uid uint32) string {
	if r, ok := s.owner(uid); ok && r != fileaccess.AllSubIDs {
		return "subordinates of " + r.Owner
	}
	return strconv.FormatUint(uint64(uid), 10)
}

// Charged returns the uid that is charged for a uid's resources. A subordinate uid is charged to the owner of its
// range. lookUp, which may take long, finds the uid of an owner who is named in the files. Charged remembers it until a
// file changes. If lookUp finds none, all ids of the range are charged to its first one, and lookUp is not called again
// for half a minute. So are the ids of calls while a lookup of the owner runs. While a file cannot be read, each uid is
// charged for itself (L-29).
func (s *Files) Charged(uid uint32, lookUp func(name string) (uint32, bool)) uint32 {
	r, ok := s.owner(uid)
	if !ok || r == fileaccess.AllSubIDs { // all ids count as subordinate if the files cannot be read
		return uid
	}
	if n, err := strconv.ParseUint(r.Owner, 10, 32); err == nil {
		return uint32(n) // the files may name the owner by number
	}
	s.mu.Lock()
	o, kept := s.owners[r.Owner]
	due := !kept || !o.known && !time.Now().Before(o.until)
	if due {
		// Only one caller waits for a lookup. Others get an unknown owner at once, so that they do not pile up (L-29).
		s.owners[r.Owner] = lookup{until: time.Now().Add(unknownFor)}
	}
	s.mu.Unlock()
	if due {
		o.uid, o.known = lookUp(r.Owner)
		o.until = time.Now().Add(unknownFor)
		s.mu.Lock()
		s.owners[r.Owner] = o
		s.mu.Unlock()
	}
	if !o.known {
		return r.First
	}
	return o.uid
}

// HostUID returns the uid of a user of the host, and false if the host does not know the name.
func HostUID(name string) (uint32, bool) {
	u, err := user.Lookup(name)
	if err != nil {
		return 0, false
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	return uint32(uid), err == nil
}
