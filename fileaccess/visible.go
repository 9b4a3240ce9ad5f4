package fileaccess

import (
	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/winnt"
)

// Visible reports whether access-based enumeration shows an entry to a subject.
// The subject must be able to read the entry by its own descriptor, and the
// share must allow reading. share is the result of [Connect], or all bits
// without a share. The caller must always show "." and ".." (F-71). An entry
// without a descriptor is hidden. A nil policy is the default one.
func Visible(s *access.Subject, entry *sd.Descriptor, share winnt.AccessMask, p *Policy) bool {
	if p == nil {
		p = &defaultPolicy
	}
	e := engineOf(s, p)
	return e.mayAsk() && e.visible(entry, share)
}

// visible reports whether the subject may see an entry when it lists the directory: the entry's descriptor d and the
// share's rights both allow FILE_GENERIC_READ (F-71). The directory's rights and intent are ignored.
func (e *engine) visible(d *sd.Descriptor, share winnt.AccessMask) bool {
	if winnt.FILE_GENERIC_READ&^share != 0 {
		return false
	}
	return e.check(d, winnt.FILE_GENERIC_READ).Allowed()
}

// Viewer is a subject that lists a directory. The zero value sees no entry.
type Viewer struct {
	Subject access.Subject
	Share   winnt.AccessMask // Tree.Maximal of [Connect]
}

// VisibleEntries returns [Visible] for each viewer v and each entry e as result[v][e]. It
// checks equal descriptors once for each viewer, however many entries have them (F-74).
// A nil descriptor is hidden. A nil policy is the default one.
func VisibleEntries(entries []*sd.Descriptor, viewers []Viewer, p *Policy) [][]bool {
	class, distinct := classes(entries)
	out := make([][]bool, len(viewers))
	seen := make([]bool, len(distinct))
	for v := range viewers {
		for i, d := range distinct {
			seen[i] = Visible(&viewers[v].Subject, d, viewers[v].Share, p)
		}
		out[v] = make([]bool, len(entries))
		for i, c := range class {
			out[v][i] = seen[c]
		}
	}
	return out
}

// classes numbers descriptors so that equal ones have one number. It returns the number of each, and the distinct
// descriptors in the order of their numbers. nil has a number of its own.
func classes(entries []*sd.Descriptor) (class []int, distinct []*sd.Descriptor) {
	class = make([]int, len(entries))
	byPointer := make(map[*sd.Descriptor]int)
	byBytes := make(map[string]int)
	for i, d := range entries {
		c, ok := byPointer[d]
		if !ok {
			key := "" // for a nil descriptor; every other one has a longer binary form
			if d != nil {
				key = string(d.Binary())
			}
			if c, ok = byBytes[key]; !ok {
				c = len(distinct)
				distinct = append(distinct, d)
				byBytes[key] = c
			}
			byPointer[d] = c
		}
		class[i] = c
	}
	return class, distinct
}
