package index

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"

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
	t, err := tailOf(dir, after)
	if err != nil {
		return err
	}
	defer func() { _ = t.file.Close() }() // only read
	return t.read(f)
}

// Follow calls f with the changes after an event as [Changes] does, and then with those that come,
// until the context ends.
func Follow(ctx context.Context, dir string, after uint64, f func(Change) error) error {
	t, err := tailOf(dir, after)
	if err != nil {
		return err
	}
	defer func() { _ = t.file.Close() }() // only read
	for {
		other, err := replaced(dir, t.file) // before the last of this one is read
		if err == nil {
			err = t.read(f)
		}
		if err == nil && other {
			err = t.anew(dir)
		} else if err == nil && (silent{}).wait(ctx, pause) != nil {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// pause is how long who follows a log waits at its end.
const pause = 50 * time.Millisecond

// tail is a log that is followed. Owned by one goroutine.
type tail struct {
	file  *os.File
	in    *bufio.Reader
	lines lineReader
	state *State
	after uint64 // the number of the last event that was told of
	rest  []byte // the beginning of a line whose end is not written yet
}

func tailOf(dir string, after uint64) (*tail, error) {
	t := &tail{after: after}
	return t, t.open(dir)
}

func (t *tail) open(dir string) (err error) {
	if t.file, err = os.Open(filepath.Join(dir, eventsName)); err != nil {
		return err
	}
	t.in, t.state, t.rest = bufio.NewReaderSize(t.file, 1<<20), newState(), nil
	return nil
}

// anew goes on with the log that was put in the place of this one, which was read to its end.
func (t *tail) anew(dir string) error {
	_ = t.file.Close() // only read
	return t.open(dir)
}

// read calls f with the changes up to the last whole line.
func (t *tail) read(f func(Change) error) error {
	for {
		line, err := t.in.ReadBytes('\n')
		line, t.rest = append(t.rest, line...), nil
		if errors.Is(err, io.EOF) {
			t.rest = line
			return nil
		}
		if err != nil {
			return err
		}
		e, err := t.lines.event(bytes.TrimSuffix(line, []byte("\n")))
		if err != nil {
			return err
		}
		if err := t.tell(e, f); err != nil {
			return err
		}
	}
}

// tell calls f with what an event changed.
func (t *tail) tell(e *Event, f func(Change) error) error {
	if e.Start != nil && t.after != 0 && t.after < e.Start.Until {
		return ErrTooOld
	}
	list, err := t.state.changed(e, max(e.Seq, t.state.until(e)) > t.after)
	if err != nil {
		return err
	}
	for _, c := range list {
		c.Seq = max(c.Seq, t.state.start.Until)
		if err := f(c); err != nil {
			return err
		}
	}
	if e.Seq >= t.state.until(e) {
		t.after = max(t.after, e.Seq)
	}
	return nil
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
		paths = s.documentsOf(e.Class.ID)
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
