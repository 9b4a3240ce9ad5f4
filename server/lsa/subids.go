package lsa

import (
	"os"
	"sync"
	"time"

	"github.com/refmon/refmon/fileaccess"
)

// subids caches the subordinate ids of the host, which containers use: the ranges of /etc/subuid and /etc/subgid. It
// reads them again if a file's size or modification time changes.
type subids struct {
	files []string // immutable

	mu sync.Mutex
	// +checklocks:mu
	read []stamp // guarded by mu: of each file when it was read
	// +checklocks:mu
	spans []fileaccess.SubIDs // guarded by mu
}

// stamp is the size and modification time of a file, by which a change is detected. A missing file has the zero stamp.
type stamp struct {
	size int64
	at   time.Time
}

// maxSubids bounds a file of subordinate ids, in bytes.
const maxSubids = 16 << 20

// ranges returns the current ranges of subordinate ids. A missing file has none. A file that is too long or
// unreadable counts as all ids. Files are read again only after a change of size or time, or a failed read.
func (s *subids) ranges() []fileaccess.SubIDs {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := make([]stamp, len(s.files))
	for i, name := range s.files {
		if info, err := os.Stat(name); err == nil {
			now[i] = stamp{info.Size(), info.ModTime()}
		}
	}
	if s.read != nil && equal(s.read, now) {
		return s.spans
	}
	s.read, s.spans = now, nil
	for i, name := range s.files {
		if now[i].size > maxSubids {
			// If the file is too long, every id counts as subordinate, so that none becomes an
			// account by mistake (L-24).
			s.spans = []fileaccess.SubIDs{fileaccess.AllSubIDs}
			return s.spans
		}
		text, err := os.ReadFile(name) //nolint:gosec // a name of the configuration
		switch {
		case err == nil:
			s.spans = append(s.spans, fileaccess.ParseSubIDs(string(text))...)
		case !os.IsNotExist(err):
			s.spans = append(s.spans, fileaccess.AllSubIDs) // an unreadable file could list any id (L-24)
			s.read = nil                                    // it may become readable without a new size or time
		}
	}
	return s.spans
}

// equal reports whether two lists of the same length have equal stamps. Only size and time count.
func equal(a, b []stamp) bool {
	for i := range a {
		if a[i].size != b[i].size || !a[i].at.Equal(b[i].at) {
			return false
		}
	}
	return true
}

// has reports whether an id is a subordinate one, as the users of a container have.
func (s *subids) has(id uint32) bool {
	_, ok := s.owner(id)
	return ok
}

// owner returns the range of a subordinate id and its owner; ok is false if the id is not
// subordinate.
func (s *subids) owner(id uint32) (fileaccess.SubIDs, bool) {
	for _, r := range s.ranges() {
		if r.Overlaps(id, id) {
			return r, true
		}
	}
	return fileaccess.SubIDs{}, false
}
