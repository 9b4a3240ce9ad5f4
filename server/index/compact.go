package index

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/diskio"
)

// Thresholds of compaction: the least size of a log in bytes, and the factor by which it has grown since the last
// compaction.
const (
	smallest = 64 << 20
	growth   = 4
)

// ErrTooOld says that the changes after a number are no longer stored. Start over with 0.
var ErrTooOld = errors.New("the changes after this number are no longer stored: start over with 0")

// snapshot returns the events that rebuild the state; the last has the state's event number. Unless all is true,
// classes without documents are omitted (N-22). The events share memory with the state. The state must have a start
// event.
func (s *State) snapshot(all bool) []Event {
	out := []Event{{Start: s.start, Time: s.began}}
	for i := range s.people {
		out = append(out, Event{Person: &s.people[i], Time: s.began})
	}
	used := s.used()
	for _, k := range s.kinds() {
		if all || used[k.ID] {
			e := *k.event
			e.Passing, e.Holders, e.Through, e.Number = k.Passing, k.Holders, ids(k.Through), k.number
			out = append(out, Event{Class: &e, Time: s.began})
		}
	}
	for _, at := range slices.Sorted(maps.Keys(s.rows)) {
		out = append(out, Event{Row: s.rows[at], Time: s.rows[at].time})
	}
	if s.version != "" {
		out = append(out, Event{Directory: s.version, Time: s.began})
	}
	start := *s.start
	start.Until, start.Classes = s.seq, s.nextNumber()-1
	out[0].Start = &start
	for i := range out {
		out[i].Seq = s.seq - uint64(len(out)-1-i)
	}
	return out
}

// used returns the IDs of the classes of documents and folders, and of the folders above the documents.
func (s *State) used() map[string]bool {
	out := map[string]bool{}
	for _, k := range s.classes {
		if k.rows > 0 {
			out[k.ID] = true
			for _, id := range k.event.Through {
				out[id] = true
			}
		}
	}
	for _, r := range s.rows {
		out[r.Pass] = true
	}
	return out
}

// DropUnused drops the classes that no document and no folder has, as a compaction does. A reader that has read the
// older part of a compacted log calls it, so that it has the same classes as one that begins with the snapshot.
func (s *State) DropUnused() { s.prune() }

// prune removes the classes that a compaction without them omits, and returns their IDs. Numbers of classes are not
// used again.
func (s *State) prune() (gone []string) {
	used := s.used()
	for id := range s.classes {
		if !used[id] {
			gone = append(gone, id)
		}
	}
	s.remove(gone)
	return gone
}

// remove deletes classes that are not in use.
func (s *State) remove(classes []string) {
	for _, id := range classes {
		delete(s.classes, id)
		delete(s.documents, id)
	}
	s.ordered, s.added = nil, slices.Collect(maps.Values(s.classes))
}

// unneeded returns those of the classes, in their order, that no row has, and that no class names that stays: one with
// rows, or one that is not in the list.
func (s *State) unneeded(classes []string) (out []string) {
	var needed map[string]bool // folders' classes
	for _, id := range classes {
		k := s.classes[id]
		if k != nil && k.Passing && needed == nil {
			needed = s.passed(classes)
		}
		if k == nil || k.rows == 0 && !needed[id] {
			out = append(out, id)
		}
	}
	return out
}

// passed returns the folders' classes that a row has, or that a class names which has rows or is not one of except.
func (s *State) passed(except []string) map[string]bool {
	out, listed := map[string]bool{}, map[string]bool{}
	for _, r := range s.rows {
		out[r.Pass] = true
	}
	for _, id := range except {
		listed[id] = true
	}
	for id, k := range s.classes {
		for i := range k.Through {
			if k.rows > 0 || !listed[id] {
				out[k.Through[i].ID] = true
			}
		}
	}
	return out
}

// drop applies the event that drops classes. A class that a row has or another class names is an error, and then s is
// unchanged: its documents would have no readers.
func (s *State) drop(classes []string) error {
	if free := s.unneeded(classes); len(free) < len(classes) {
		return fmt.Errorf("%d of %d dropped classes are in use", len(classes)-len(free), len(classes))
	}
	s.remove(classes)
	return nil
}

// kinds returns all classes in the order in which a snapshot must define them: by number, so each follows the folder
// classes that it names.
func (s *State) kinds() []*kind {
	return slices.SortedFunc(maps.Values(s.classes), func(a, b *kind) int { return a.number - b.number })
}

// Compact returns events that replace all earlier ones of the worker, and makes the worker continue from them. If all
// is true, they include classes without documents. It returns nil if no directory version was applied yet, unless the
// worker is one of [Question.Rows]. The caller must have called Take, and must store the result instead of the old
// log.
func (w *Worker) Compact(all bool) ([]Event, error) {
	if w.state.version == "" && !w.defines {
		return nil, nil
	}
	events, s := w.state.snapshot(all), newState()
	for i := range events {
		if err := s.Apply(&events[i]); err != nil {
			return nil, fmt.Errorf("compact the log: %w", err)
		}
	}
	if w.state, w.lastFolder = s, ""; !all {
		w.compacted = len(s.classes)
	}
	return events, nil
}

// crowded reports whether the members of the classes since unused ones were last dropped take at least most bytes of
// memory: a bit for each person. The log can be much smaller.
func (w *Worker) crowded(most int64) bool {
	added := len(w.state.classes) - w.compacted
	return int64(added)*int64(len(w.state.people)/8) >= most
}

// Size is the size of a log, for [Size.Large]. The zero value is an empty log.
type Size struct {
	Bytes int64
	Least int64 // bytes after the last compaction; 0: never compacted
	Lines int
}

// Large reports whether a log of w should be compacted. It must have at least most bytes and four times the bytes
// after the last compaction, and about half of its lines must be obsolete. A most of 0 means 64 MiB. all says whether
// the compaction would keep classes without documents.
func (z Size) Large(most int64, w *Worker, all bool) bool {
	if most == 0 {
		most = smallest
	}
	return z.Bytes >= most && z.Bytes >= growth*z.Least && z.Lines >= 2*w.state.live(all)
}

// Grown reports whether the log of w may have many unused classes. It must have at least most bytes and four times as
// many as kept, or the members of new classes take as much memory as the greater of the two. A most of 0 means 64 MiB.
func (z Size) Grown(most, kept int64, w *Worker) bool {
	if most == 0 {
		most = smallest
	}
	return z.Bytes >= max(most, growth*kept) || w.crowded(max(most, kept))
}

// Compact replaces the log by a snapshot of the merged index if the log is large; see [Size.Large], also for most. The
// snapshot omits classes without documents. sinks must have read the old events, and those that know classes drop the
// same ones. It does nothing after a failure of the log. If the new log cannot be written, it returns an error and the
// old one stays in use.
func (l *Log) Compact(m *Merge, most int64, sinks []Sink) error {
	return l.compact(m.whole, most, sinks)
}

// compact replaces a large log by a snapshot of w, which must have no events that the log does not have. A small log
// stays, unless a compaction can drop classes whose members take as much memory (N-22). compact then calls each sink
// that is a [Compactor]. It does nothing after a failure of the log. most is that of [Size.Large].
func (l *Log) compact(w *Worker, most int64, sinks []Sink) error {
	if most == 0 {
		most = smallest
	}
	if l.bad != nil || !l.size.Large(most, w, false) && !w.crowded(max(most, l.size.Least)) {
		return nil
	}
	events, err := w.Compact(false)
	if err != nil || events == nil {
		return err
	}
	if err := l.replace(events); err != nil {
		return err
	}
	for _, s := range sinks {
		if c, knows := s.(Compactor); knows {
			if err := c.Compacted(); err != nil {
				return fmt.Errorf("drop classes without documents: %w", err)
			}
		}
	}
	return nil
}

// live estimates the lines of the log after a compaction: the number of events that a snapshot of s needs. With all it
// counts every class, otherwise only those that have documents.
func (s *State) live(all bool) int {
	n := 1 + len(s.people) + len(s.rows)
	for _, k := range s.classes {
		if all || k.rows > 0 {
			n++
		}
	}
	return n
}

// replace atomically replaces the log by a new, locked file with events. Readers of the old file can read it to its
// end. If another run holds the lock, replace returns an error. After an error the old log stays in use. A folder that
// cannot be synced makes the log fail permanently.
func (l *Log) replace(events []Event) error {
	if l.bad != nil {
		return l.bad
	}
	name := filepath.Join(l.dir, eventsName)
	file, err := l.faults.OpenFile(name+".new", os.O_RDWR|os.O_CREATE|os.O_TRUNC|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	size, err := written(file, events)
	if err == nil { // lock the file before it gets its name, so that there is one writer (N-10)
		err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	}
	if err == nil {
		err = l.faults.Rename(name+".new", name)
	}
	if err != nil {
		return errors.Join(err, file.Close(), os.Remove(name+".new"))
	}
	if l.bad = l.faults.SyncDir(l.dir); l.bad != nil {
		return errors.Join(l.bad, file.Close())
	}
	old := l.file
	l.file, l.size = file, Size{size, size, len(events)}
	return old.Close()
}

// written writes events to a file and syncs it. It returns the number of bytes written, also with an error. Without
// events it only syncs.
func written(file *diskio.File, events []Event) (size int64, err error) {
	var buf []byte
	for i := range events {
		if buf, err = events[i].append(buf); err != nil {
			return size, err
		}
		if len(buf) >= 1<<20 || i == len(events)-1 {
			n, err := file.Write(buf)
			if size += int64(n); err != nil {
				return size, err
			}
			buf = buf[:0]
		}
	}
	return size, file.Sync()
}

// replaced reports whether a compaction has put another log in place of the open file: whether the log in the folder
// dir is another file than open. A missing log is not a replacement. An error returns false.
func replaced(dir string, open *os.File) (bool, error) {
	now, err := os.Stat(filepath.Join(dir, eventsName))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	is, err := open.Stat()
	return err == nil && !os.SameFile(now, is), err
}
