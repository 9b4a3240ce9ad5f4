package index

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/refmon/refmon/effective"
)

// Change says whose answer about a document is another one now. Its number is that of the
// event; one event can change many documents.
type Change struct {
	Seq      uint64   `json:"seq"`
	Time     int64    `json:"time"` // of the event, in nanoseconds since 1970
	Document string   `json:"document"`
	Right    string   `json:"right"`
	Gained   []string `json:"gained,omitempty"` // SIDs
	Lost     []string `json:"lost,omitempty"`
	// Descriptor is the hash of the document's, "" if it is gone or could not be read;
	// Directory the version by which it was decided.
	Descriptor string `json:"descriptor,omitempty"`
	Directory  string `json:"directory"`
}

// Changes calls f with the changes after an event, to the last whole line: 0 is from the
// beginning. Who goes on from the number of the last change that f took misses nothing: the
// changes of one number come together, and who took some of them goes on from the number before.
// What was put together has one number. The error is [ErrTooOld] where changes after the event are
// not kept any more (N-22).
func Changes(dir string, after uint64, f func(Change) error) error {
	file, err := os.Open(filepath.Join(dir, eventsName))
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // only read
	s := newState()
	in := bufio.NewReaderSize(file, 1<<20)
	for {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		e, err := ParseEvent(bytes.TrimSuffix(line, []byte("\n")))
		if err != nil {
			return err
		}
		if e.Start != nil && after != 0 && after < e.Start.Until {
			return ErrTooOld
		}
		list, err := s.changed(e, max(e.Seq, s.until(e)) > after)
		if err != nil {
			return err
		}
		for _, c := range list {
			c.Seq = max(c.Seq, s.start.Until)
			if err := f(c); err != nil {
				return err
			}
		}
	}
}

// until returns up to which number what has come was put together, an event of now included.
func (s *State) until(e *Event) uint64 {
	if e.Start != nil {
		return e.Start.Until
	}
	if s.start == nil {
		return 0
	}
	return s.start.Until
}

// changed applies an event and returns what it changed, if that is wanted.
func (s *State) changed(e *Event, wanted bool) (out []Change, err error) {
	var before []effective.Set
	var paths []string
	switch {
	case !wanted:
	case e.Row != nil:
		paths = []string{e.Row.Path}
	case e.Gone != "":
		paths = []string{e.Gone}
	case e.Class != nil && s.classes[e.Class.ID] != nil:
		for path, r := range s.rows {
			if slices.Contains(r.Classes, e.Class.ID) {
				paths = append(paths, path)
			}
		}
		slices.Sort(paths)
	}
	for _, p := range paths {
		before = append(before, s.sets(p)...)
	}
	if err := s.Apply(e); err != nil {
		return nil, err
	}
	for i, p := range paths {
		n := len(s.start.Rights)
		for r, now := range s.sets(p) {
			gained, lost := s.sids(now, before[i*n+r]), s.sids(before[i*n+r], now)
			if len(gained)+len(lost) > 0 {
				c := Change{Seq: e.Seq, Time: e.Time, Document: p, Right: s.start.Rights[r], Gained: gained, Lost: lost}
				c.Descriptor, c.Directory = s.evidence(p, r)
				out = append(out, c)
			}
		}
	}
	return out, nil
}

// evidence returns what the present answer about a document and a right was made of: the hash
// of its descriptor, and the version of the directory.
func (s *State) evidence(path string, right int) (descriptor, directory string) {
	r := s.rows[path]
	if r == nil || r.Error != "" {
		return "", s.version
	}
	return r.Descriptor, s.classes[r.Classes[right]].event.Version
}

// sets returns who has each right on a document, no one if it has no row.
func (s *State) sets(path string) []effective.Set {
	out := make([]effective.Set, len(s.start.Rights))
	if r := s.rows[path]; r != nil && r.Error == "" {
		for i, id := range r.Classes {
			out[i] = s.classes[id].members
		}
	}
	return out
}

// sids returns the people of a who are not in b.
func (s *State) sids(a, b effective.Set) (out []string) {
	for n := range a.All() {
		if !b.Has(n) {
			out = append(out, s.people[n].SID)
		}
	}
	return out
}
