package lsa

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// span is a range of ids, last included, with the user who has it.
type span struct {
	first, last uint32
	owner       string
}

func (s span) overlaps(first, last uint32) bool { return first <= s.last && s.first <= last }

// subids are the ranges of /etc/subuid and /etc/subgid. They are read again when
// a file changes.
type subids struct {
	files []string // immutable

	mu sync.Mutex
	// +checklocks:mu
	read []stamp // guarded by mu: of each file when it was read
	// +checklocks:mu
	spans []span // guarded by mu
}

type stamp struct {
	size int64
	at   time.Time
}

// maxSubids bounds a file of subordinate ids, in bytes.
const maxSubids = 16 << 20

// ranges returns the ranges as the files have them now.
func (s *subids) ranges() []span {
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
			s.spans = []span{{1, ^uint32(0), ""}}
			return s.spans
		}
		text, err := os.ReadFile(name) //nolint:gosec // a name of the configuration
		switch {
		case err == nil:
			s.spans = append(s.spans, parseSubids(string(text))...)
		case !os.IsNotExist(err):
			s.spans = append(s.spans, span{1, ^uint32(0), ""}) // L-24: what cannot be read rules nothing out
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

// parseSubids reads lines of name:first:count; other lines say nothing.
func parseSubids(text string) []span {
	var out []span
	for line := range strings.Lines(text) {
		parts := strings.Split(strings.TrimSpace(line), ":")
		if len(parts) != 3 {
			continue
		}
		first, err := strconv.ParseUint(parts[1], 10, 32)
		count, err2 := strconv.ParseUint(parts[2], 10, 64)
		if err != nil || err2 != nil || count == 0 {
			continue
		}
		last := uint64(^uint32(0))
		if count <= last-first {
			last = first + count - 1
		}
		out = append(out, span{uint32(first), uint32(last), parts[0]})
	}
	return out
}

// has reports whether an id is subordinate.
func (s *subids) has(id uint32) bool {
	_, ok := s.owner(id)
	return ok
}

// owner returns the range that a subordinate id is in, with the user who has it.
func (s *subids) owner(id uint32) (span, bool) {
	for _, r := range s.ranges() {
		if r.overlaps(id, id) {
			return r, true
		}
	}
	return span{}, false
}

func (s span) String() string { return fmt.Sprintf("%d-%d", s.first, s.last) }
