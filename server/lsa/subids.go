package lsa

import (
	"os"
	"sync"
	"time"

	"github.com/refmon/refmon/fileaccess"
)

// subids are the ranges of /etc/subuid and /etc/subgid. They are read again when
// a file changes.
type subids struct {
	files []string // immutable

	mu sync.Mutex
	// +checklocks:mu
	read []stamp // guarded by mu: of each file when it was read
	// +checklocks:mu
	spans []fileaccess.SubIDs // guarded by mu
}

type stamp struct {
	size int64
	at   time.Time
}

// maxSubids bounds a file of subordinate ids, in bytes.
const maxSubids = 16 << 20

// ranges returns the ranges as the files have them now.
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
			// A file too long to read makes every id a subordinate one: no account is one by mistake. L-24
			s.spans = []fileaccess.SubIDs{fileaccess.AllSubIDs}
			return s.spans
		}
		text, err := os.ReadFile(name) //nolint:gosec // a name of the configuration
		switch {
		case err == nil:
			s.spans = append(s.spans, fileaccess.ParseSubIDs(string(text))...)
		case !os.IsNotExist(err):
			s.spans = append(s.spans, fileaccess.AllSubIDs) // L-24: what cannot be read rules nothing out
		}
	}
	return s.spans
}

func equal(a, b []stamp) bool {
	for i := range a {
		if a[i].size != b[i].size || !a[i].at.Equal(b[i].at) {
			return false
		}
	}
	return true
}

// has reports whether an id is subordinate.
func (s *subids) has(id uint32) bool {
	_, ok := s.owner(id)
	return ok
}

// owner returns the range that a subordinate id is in, with the user who has it.
func (s *subids) owner(id uint32) (fileaccess.SubIDs, bool) {
	for _, r := range s.ranges() {
		if r.Overlaps(id, id) {
			return r, true
		}
	}
	return fileaccess.SubIDs{}, false
}
