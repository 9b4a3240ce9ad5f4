package index

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// Index answers from what a run has written, in any process of the machine. Many goroutines
// may ask. Make one with [Open].
type Index struct {
	dir   string
	limit time.Duration
	clock func() Beat // immutable
	boot  string      // immutable: of this machine

	mu sync.Mutex
	// +checklocks:mu
	file *os.File
	// +checklocks:mu
	state *State
	// +checklocks:mu
	in *bufio.Reader // of file
	// +checklocks:mu
	lines lineReader
	// +checklocks:mu
	rest []byte // the beginning of a line whose end is not written yet
	// +checklocks:mu
	fence *Fence // as it was last read
	// +checklocks:mu
	info os.FileInfo // of the file that it was read from
	// +checklocks:mu
	bad error // what was found wrong, for ever
}

// Answer says whether a person has a right on a document. The zero value says no.
type Answer struct {
	Allowed bool   `json:"allowed"`
	Because string `json:"because,omitempty"` // why nothing is known, "" if something is

	Class      string    `json:"class,omitempty"`      // of the document and the right
	Descriptor string    `json:"descriptor,omitempty"` // SHA-256 of the document's descriptor, shortened
	Directory  string    `json:"directory,omitempty"`  // version
	Seq        uint64    `json:"seq"`
	Time       time.Time `json:"time"` // up to which the tree is known
}

// Open opens the index in a folder. Nothing is given of a tree, or by a directory, that was
// last vouched for longer ago than limit.
func Open(dir string, limit time.Duration) (*Index, error) {
	file, err := os.Open(filepath.Join(dir, eventsName))
	if err != nil {
		return nil, err
	}
	return &Index{dir: dir, limit: limit, clock: now, boot: bootID(), file: file, in: bufio.NewReaderSize(file, 1<<18),
		state: newState()}, nil
}

// Close closes the file.
func (x *Index) Close() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.file.Close()
}

// CanRead reports whether a person, by name or SID, has a right on a document. The name is
// of the first right where it is "". What is unknown, unreadable or stale gives nothing
// (N-5, N-9).
func (x *Index) CanRead(path, who, right string) Answer {
	return x.answer(path, right, func(s *State, k *kind) (bool, string) {
		number, known := s.number(who)
		if !known {
			return false, "the directory has no such person"
		}
		return k.members.Has(number), ""
	})
}

// answer finds the class of a document and a right, and asks may about it.
func (x *Index) answer(path, right string, may func(s *State, k *kind) (bool, string)) Answer {
	x.mu.Lock()
	defer x.mu.Unlock()
	fence, err := x.follow()
	if err != nil {
		return Answer{Because: err.Error()}
	}
	a := Answer{Seq: x.state.seq, Directory: x.state.version}
	row := x.state.rows[path]
	if row == nil {
		if a.Because = x.stale(fence, fence.over(path)); a.Because == "" {
			a.Because = "there is no such document in the index"
		}
		return a
	}
	a.Descriptor, a.Time = row.Descriptor, fence.Sources[row.Tree].Time
	if a.Because = x.stale(fence, row.Tree); a.Because != "" {
		return a
	}
	if row.Error != "" {
		a.Because = "the document could not be read: " + row.Error
		return a
	}
	at := max(0, slices.Index(x.state.start.Rights, right))
	if right != "" && x.state.start.Rights[at] != right {
		a.Because = "the index is not about the right " + right
		return a
	}
	k := x.state.classes[row.Classes[at]]
	if k.event.Version == "" { // no one has it yet (N-40)
		a.Class, a.Because = row.Classes[at], "its class is not decided yet"
		return a
	}
	if a.Allowed, a.Because = may(x.state, k); a.Because == "" {
		a.Class = row.Classes[at]
	}
	return a
}

// stale says why nothing is given of a tree; "" if something is.
func (x *Index) stale(f *Fence, tree string) string {
	present := x.clock()
	for _, source := range []string{tree, directorySource} {
		if !f.fresh(source, x.limit, x.boot, present) {
			return fmt.Sprintf("there was no beat of %s within %s", source, x.limit)
		}
	}
	return ""
}

// number returns the number of a person by name or SID.
func (s *State) number(who string) (int, bool) {
	if n, known := s.bySID[who]; known {
		return n, true
	}
	n, known := s.byName[who]
	return n, known && n >= 0
}

// follow reads the fence, and then the events that it stands behind.
//
// +checklocks:x.mu
func (x *Index) follow() (*Fence, error) {
	if x.bad != nil {
		return nil, x.bad
	}
	fence, err := x.newest()
	if err != nil {
		return nil, fmt.Errorf("the fence: %w", err)
	}
	if x.bad = x.current(); x.bad == nil {
		x.bad = x.read()
	}
	if x.bad != nil {
		return nil, x.bad
	}
	switch start := x.state.start; {
	case start == nil || fence.Index == "":
		return nil, errors.New("there was no beat yet")
	case start.Index != fence.Index:
		return nil, errors.New("the index was made anew: open it again")
	case x.state.seq < fence.Seq:
		return nil, fmt.Errorf("the fence stands behind event %d, and there are %d", fence.Seq, x.state.seq)
	}
	return fence, nil
}

// current opens the log anew where it was put together: what the new one has includes all that the
// old one had.
//
// +checklocks:x.mu
func (x *Index) current() error {
	other, err := replaced(x.dir, x.file)
	if err != nil || !other {
		return err
	}
	file, err := os.Open(filepath.Join(x.dir, eventsName))
	if err != nil {
		return err
	}
	_ = x.file.Close() // only read
	x.file, x.state, x.rest = file, newState(), nil
	x.in.Reset(file)
	return nil
}

// newest returns the fence. Each is a file of its own, so that one that is the same need not
// be read again; one that looks the same and is newer is taken for the older one.
//
// +checklocks:x.mu
func (x *Index) newest() (*Fence, error) {
	info, err := os.Stat(filepath.Join(x.dir, fenceName))
	if err == nil && x.info != nil && os.SameFile(info, x.info) && info.ModTime().Equal(x.info.ModTime()) {
		return x.fence, nil
	}
	fence, err := readFence(x.dir)
	if err == nil {
		x.fence, x.info = fence, info
	}
	return fence, err
}

// read applies the events that have come.
//
// +checklocks:x.mu
func (x *Index) read() error {
	for {
		line, err := x.in.ReadBytes('\n')
		line, x.rest = append(x.rest, line...), nil
		switch {
		case errors.Is(err, io.EOF):
			x.rest = line
			return nil
		case err != nil:
			return err
		}
		e, err := x.lines.event(bytes.TrimSuffix(line, []byte("\n")))
		if err == nil {
			err = x.state.Apply(e)
		}
		if err != nil {
			return err
		}
	}
}

// Why returns what the class of an answer was decided by: the event that has its
// descriptor, people and expression. It is nil for an answer without a class.
func (x *Index) Why(a Answer) (*ClassEvent, *Class) {
	x.mu.Lock()
	defer x.mu.Unlock()
	k := x.state.classes[a.Class]
	if k == nil {
		return nil, nil
	}
	return k.event, &k.Class
}
