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
)

// smallest is how large a log is at least before it is put together, in bytes, and growth how
// many times as large as it was after the last time.
const (
	smallest = 64 << 20
	growth   = 4
)

// ErrTooOld says that the changes after a number are not kept any more: begin anew, with 0.
var ErrTooOld = errors.New("the changes after this number are not kept any more: begin anew")

// snapshot returns events that amount to the state and end with its number: there were at least
// as many. Classes of no document are left out (N-22), unless all are asked for.
func (s *State) snapshot(all bool) []Event {
	out := []Event{{Start: s.start, Time: s.began}}
	for i := range s.people {
		out = append(out, Event{Person: &s.people[i], Time: s.began})
	}
	used := map[string]bool{}
	for _, k := range s.classes {
		if k.rows > 0 {
			used[k.ID] = true
			for _, id := range k.event.Through {
				used[id] = true
			}
		}
	}
	for _, r := range s.rows {
		used[r.Pass] = true
	}
	for _, k := range s.kinds() {
		if all || used[k.ID] {
			e := *k.event
			e.Passing, e.Holders, e.Through = k.Passing, k.Holders, ids(k.Through)
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
	start.Until = s.seq
	out[0].Start = &start
	for i := range out {
		out[i].Seq = s.seq - uint64(len(out)-1-i)
	}
	return out
}

// kinds returns the classes as they came: one stands behind those of the folders that it names.
func (s *State) kinds() []*kind {
	return slices.SortedFunc(maps.Values(s.classes), func(a, b *kind) int { return a.number - b.number })
}

// Compact returns the events in whose place all that the worker said before can stand, and goes on from
// them. all keeps classes of no document, which others may have told of. It is nil where nothing
// was decided yet. All events must have been taken.
func (w *Worker) Compact(all bool) ([]Event, error) {
	if w.state.version == "" && !w.defines {
		return nil, nil
	}
	events, s := w.state.snapshot(all), newState()
	for i := range events {
		if err := s.Apply(&events[i]); err != nil {
			return nil, fmt.Errorf("put the log together: %w", err)
		}
	}
	w.state, w.lastFolder = s, ""
	return events, nil
}

// Size says how large a log is, for [Size.Large]. The zero value is one that has nothing.
type Size struct {
	Bytes int64
	Least int64 // the bytes when it was put together the last time; 0: it never was
	Lines int
}

// Large reports whether a log should be put together: it is as large as most, much larger than it was
// after the last time, and half of its lines or more say what no longer holds. 0 stands for 64 MiB.
func (z Size) Large(most int64, w *Worker, all bool) bool {
	if most == 0 {
		most = smallest
	}
	return z.Bytes >= most && z.Bytes >= growth*z.Least && z.Lines >= 2*w.state.live(all)
}

// Compact puts the log together if it is large; see [Size.Large]. All sinks must have what it loses.
func (l *Log) Compact(m *Merge, most int64) error { return l.compact(m.whole, most, true) }

func (l *Log) compact(w *Worker, most int64, all bool) error {
	if l.bad != nil || !l.size.Large(most, w, all) {
		return nil
	}
	events, err := w.Compact(all)
	if err != nil || events == nil {
		return err
	}
	return l.replace(events)
}

// live returns about how many events amount to the state.
func (s *State) live(all bool) int {
	n := 1 + len(s.people) + len(s.rows)
	for _, k := range s.classes {
		if all || k.rows > 0 {
			n++
		}
	}
	return n
}

// replace puts events in the place of all that the log has. Who has the old file open reads to
// its end, and then opens this one.
func (l *Log) replace(events []Event) error {
	if l.bad != nil {
		return l.bad
	}
	name := filepath.Join(l.dir, eventsName)
	file, err := os.OpenFile(name+".new", os.O_RDWR|os.O_CREATE|os.O_TRUNC|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	size, err := written(file, events)
	if err == nil { // one writer, before the file has its name (N-10)
		err = unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	}
	if err == nil {
		err = os.Rename(name+".new", name)
	}
	if err != nil {
		return errors.Join(err, file.Close(), os.Remove(name+".new"))
	}
	if l.bad = synced(l.dir); l.bad != nil {
		return errors.Join(l.bad, file.Close())
	}
	old := l.file
	l.file, l.size = file, Size{size, size, len(events)}
	return old.Close()
}

// written writes events to a file, which are on disk when it returns.
func written(file *os.File, events []Event) (size int64, err error) {
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

// synced makes the names in a folder be on disk.
func synced(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// replaced reports whether another file has the log's name than the one that is open.
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
