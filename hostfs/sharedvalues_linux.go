package hostfs

import (
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/filetime"
	"github.com/refmon/refmon/ntacl"
)

// sharedValues has the values of attributes that files were given last. A file with the same descriptor and
// permissions gets the same bytes, with the time of the first one (F-216). So ext4 stores the value in one block for
// up to 1,024 files, where each different value takes a block of 4 KiB, which costs more than the rest of a creation.
// The zero value is empty. It is safe for concurrent use.
type sharedValues struct {
	mu sync.Mutex
	// +checklocks:mu
	entries []*sharedValue // guarded by mu: the one that was used last first
	// +checklocks:mu
	closed bool // guarded by mu
}

// sharedValue is one value.
type sharedValue struct {
	untimed string    // immutable: the value with the time 0
	value   []byte    // immutable
	first   time.Time // immutable: the time in the value
	// holder is guarded by sharedValues.mu: a file without a name that has the value too, so that the block stays if all
	// other files with it are removed. It is noHolder until the value is used again.
	holder int
}

// noHolder says that a value has no holder, and noneWanted that it gets none.
const (
	noHolder   = -1
	noneWanted = -2
)

// Limits of the values that a tree shares.
const (
	maxShared     = 16
	maxSharedSize = 4096      // bytes; ext4 stores no larger value
	maxSharedAge  = time.Hour // how much older than its file the time of a value can be
)

// encode returns the bytes of an attribute: those of a file that got an equal attribute in the last hour, or new ones
// with the current time. It ignores a.Time. again reports whether an earlier file got them.
func (v *sharedValues) encode(a *ntacl.Attribute) (s *sharedValue, again bool, err error) {
	now := time.Now()
	a.Time = 0
	untimed, err := a.Append(nil)
	if err != nil {
		return nil, false, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	i := slices.IndexFunc(v.entries, func(s *sharedValue) bool { return s.untimed == string(untimed) })
	if i >= 0 {
		s, age := v.entries[i], now.Sub(v.entries[i].first)
		v.entries = slices.Delete(v.entries, i, i+1)
		if age >= 0 && age < maxSharedAge {
			v.entries = slices.Insert(v.entries, 0, s)
			return s, true, nil
		}
		shut(s.holder)
	}
	a.Time = filetime.Of(now)
	value, err := a.Append(nil)
	if err != nil {
		return nil, false, err
	}
	s = &sharedValue{untimed: string(untimed), value: value, first: now, holder: noHolder}
	if len(value) > maxSharedSize || v.closed {
		return s, false, nil
	}
	if len(v.entries) == maxShared {
		shut(v.entries[maxShared-1].holder)
		v.entries = v.entries[:maxShared-1]
	}
	v.entries = slices.Insert(v.entries, 0, s)
	return s, false, nil
}

// needsHolder reports whether the caller is to create the holder of a value and store it with setHolder. It returns
// true once.
func (v *sharedValues) needsHolder(s *sharedValue) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	needs := s.holder == noHolder
	if needs {
		s.holder = noneWanted
	}
	return needs
}

// setHolder stores the holder of a value, or closes it if the value is no longer shared.
func (v *sharedValues) setHolder(s *sharedValue, fd int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !slices.Contains(v.entries, s) {
		shut(fd)
		return
	}
	s.holder = fd
}

// close closes all holders. Later values are not shared.
func (v *sharedValues) close() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, s := range v.entries {
		shut(s.holder)
	}
	v.entries, v.closed = nil, true
}

// hold gives a value that several files share a holder, on file systems that profit from it. It ignores errors:
// without a holder, creating a file takes longer.
func (t *Tree) hold(s *sharedValue) {
	if !t.sharesBlocks || !t.shared.needsHolder(s) {
		return
	}
	fd, err := unix.Openat(t.root, ".", unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return
	}
	if err := t.setAttribute(fd, t.cfg.Attribute, s.value, 0); err != nil {
		shut(fd)
		return
	}
	t.shared.setHolder(s, fd)
}
