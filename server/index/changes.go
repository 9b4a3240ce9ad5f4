package index

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/refmon/refmon/effective"
)

// Change is a change of the users who have a right on a document. Seq is the number of the event, which can change
// many documents.
type Change struct {
	Seq      uint64   `json:"seq"`
	Time     int64    `json:"time"` // when the event happened, in nanoseconds since 1970
	Document string   `json:"document"`
	Right    string   `json:"right"`
	Gained   []string `json:"gained,omitempty"` // SIDs of users with the right only after the event
	Lost     []string `json:"lost,omitempty"`   // SIDs of users with the right only before the event
	// Descriptor is the hash of the document's descriptor, "" if the document was deleted or could
	// not be read. Directory is the version of the directory.
	Descriptor string `json:"descriptor,omitempty"`
	Directory  string `json:"directory"`
}

// Changes calls f with each change after event number after, in order, up to the last whole line of the log in the
// folder dir. 0 starts at the beginning. All changes of one event have the same number. A caller that handled only
// some of them must resume from the number before. An error of f ends the call and is returned. It returns [ErrTooOld]
// if the changes are no longer stored (N-22), and an error if there is no log or it ends before after.
func Changes(dir string, after uint64, f func(Change) error) error {
	t, err := tailOf(dir, after)
	if err != nil {
		return err
	}
	defer func() { _ = t.file.Close() }() // closing a file that was only read loses no data
	if err := t.read(f); err != nil {
		return err
	}
	return t.reached(after)
}

// Follow calls f with the changes after an event as [Changes] does, and then waits for new ones until ctx ends, which
// is not an error. It polls the log every 50 ms, and also continues after a compaction. It returns [ErrTooOld] if the
// changes are no longer stored, and if somebody deletes the log and a run begins another index.
func Follow(ctx context.Context, dir string, after uint64, f func(Change) error) error {
	t, err := tailOf(dir, after)
	if err != nil {
		return err
	}
	return t.follow(ctx, dir, f)
}

// follow is [Follow] from a log that is open, and closes it. The log in dir may be another one already.
func (t *tail) follow(ctx context.Context, dir string, f func(Change) error) error {
	defer func() { _ = t.file.Close() }() // closing a file that was only read loses no data
	after := t.after
	for {
		other, err := replaced(dir, t.file) // check before the read, which then gets all events of a replaced log
		if err == nil {
			err = t.read(f)
		}
		if err == nil && !other { // only the current log must have the number
			err = t.reached(after)
		}
		if err == nil && other {
			err = t.reopen(dir)
		} else if err == nil && wait(ctx, pause) != nil {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// pause is the poll interval at the end of a log.
const pause = 50 * time.Millisecond

// tail reads a growing log. One goroutine owns it.
type tail struct {
	file  *os.File
	in    *bufio.Reader
	lines lineReader
	state *State
	after uint64 // changes of events up to this number are skipped
	last  uint64 // number of the last event that was read
	index string // name of the log's index; "": the start event was not read yet
	at    int64  // offset of the next line
	again bool   // the next line is read for the second time
}

// tailOf starts to follow a log: it opens the events in dir for reading the changes after event number after. The tail
// is not nil even with an error.
func tailOf(dir string, after uint64) (*tail, error) {
	t := &tail{after: after}
	return t, t.open(dir)
}

// open opens the events file and starts over from its first byte, with an empty state. It does not close the
// file that was open.
func (t *tail) open(dir string) (err error) {
	if t.file, err = os.Open(filepath.Join(dir, eventsName)); err != nil {
		return err
	}
	t.in, t.state, t.at, t.again = bufio.NewReaderSize(t.file, 1<<20), newState(), 0, false
	return nil
}

// reopen continues with the log that replaced this one after a compaction. Read this one to its end first.
func (t *tail) reopen(dir string) error {
	_ = t.file.Close() // closing a file that was only read loses no data
	return t.open(dir)
}

// read calls f with the changes that were appended to the log since the last call. The next call reads an incomplete
// last line again. At the end of the file it returns nil. A damaged line and an error of f are returned.
func (t *tail) read(f func(Change) error) error {
	for {
		line, err := t.in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return readFrom(t.in, t.file, t.at, len(line))
		}
		if err != nil {
			return err
		}
		e, err := t.lines.event(bytes.TrimSuffix(line, []byte("\n")))
		if err != nil && !t.again {
			t.again = true
			if err := readFrom(t.in, t.file, t.at, len(line)); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", t.file.Name(), damaged(t.at, err))
		}
		if err := t.emit(e, f); err != nil {
			return err
		}
		t.at, t.again = t.at+int64(len(line)), false
	}
}

// readFrom makes in read the line at the offset at of a log again. n is the number of bytes of the line that were read;
// for 0 readFrom does nothing. A starting run cuts an incomplete last line off, so the line may have been rewritten.
func readFrom(in *bufio.Reader, log *os.File, at int64, n int) error {
	if n == 0 {
		return nil
	}
	_, err := log.Seek(at, io.SeekStart)
	in.Reset(log)
	return err
}

// reached returns an error if the log, read to its end, has no event with the number after or a greater one. Then after
// must come from another log, and tail would skip new events until their numbers exceed it.
func (t *tail) reached(after uint64) error {
	if after > t.last {
		return fmt.Errorf("%s ends at number %d, so number %d is from another log: start over with 0", t.file.Name(), t.last,
			after)
	}
	return nil
}

// emit applies an event and calls f with its changes. It returns ErrTooOld if a compacted log no longer has the changes
// after t.after, and if the log was replaced by that of another index. An error of f is returned unchanged, and ends
// the call. A damaged event is an error with its file.
func (t *tail) emit(e *Event, f func(Change) error) error {
	if e.Start != nil {
		// Another index starts its event numbers again at 1, so tail would skip its first events (N-22).
		if t.index != "" && t.index != e.Start.Index || t.after != 0 && t.after < e.Start.Until {
			return ErrTooOld
		}
		t.index = e.Start.Index
	}
	list, err := t.state.changed(e, max(e.Seq, t.state.until()) > t.after)
	if err != nil {
		return fmt.Errorf("%s: %w", t.file.Name(), damaged(t.at, err))
	}
	t.last = max(t.last, e.Seq, t.state.until())
	for _, c := range list {
		c.Seq = max(c.Seq, t.state.start.Until)
		if err := f(c); err != nil {
			return err
		}
	}
	if e.Seq >= t.state.until() {
		t.after = max(t.after, e.Seq)
	}
	return nil
}

// until returns the number of the last event that the log's compaction replaced: 0 for a log that was never compacted,
// and before its start event.
func (s *State) until() uint64 {
	if s.start == nil {
		return 0
	}
	return s.start.Until
}

// changed applies an event, and returns which users gained or lost access. If wanted is true, the result has one change
// for each affected document and right, and may be nil. If wanted is false, the result is nil. The errors are those of
// [State.Apply]; after an error nothing changed.
func (s *State) changed(e *Event, wanted bool) (out []Change, err error) {
	var before []effective.Set
	var paths []string
	switch {
	case !wanted, s.start == nil: // Apply refuses an event before the start
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

// evidence returns the descriptor hash and directory version behind the current result for a document and a right.
// The hash is "" for a missing or unreadable document.
func (s *State) evidence(path string, right int) (descriptor, directory string) {
	r := s.rows[path]
	if r == nil || r.Error != "" {
		return "", s.version
	}
	return r.Descriptor, s.classes[r.Classes[right]].event.Version
}

// sets returns who has access to a document: one set of person numbers for each right, in the order of the index's
// rights. The sets are empty for a document that is missing or unreadable.
func (s *State) sets(path string) []effective.Set {
	out := make([]effective.Set, len(s.start.Rights))
	if r := s.rows[path]; r != nil && r.Error == "" {
		for i, id := range r.Classes {
			out[i] = s.classes[id].members
		}
	}
	return out
}

// sids returns the SIDs of the people in set a who are not in set b, such as those who gained access. It returns nil
// for none.
func (s *State) sids(a, b effective.Set) (out []string) {
	for n := range a.All() {
		if !b.Has(n) {
			out = append(out, s.people[n].SID)
		}
	}
	return out
}

// wait blocks for d and returns nil, or returns the context's error as soon as the context ends.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
