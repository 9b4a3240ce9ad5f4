package index

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/diskio"
	"github.com/refmon/refmon/internal/objects/tree"
	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/server/watch"
)

// File names in the folder of an index.
const (
	eventsName    = "events.jsonl"
	watermarkName = "fence.json"
)

// maxLine is the size limit of a line of events, in bytes.
const maxLine = 64 << 20

// Sink stores the worker's events. Write receives each event once, in order. SetWatermark follows the events that the
// watermark covers. After an error of either, the run calls only Close, which it always calls once. All calls come
// from one goroutine, and the run waits for them. A sink must not change its arguments. It may keep events, but not
// the watermark.
type Sink interface {
	Write(events []Event) error
	SetWatermark(f *Watermark) error
	Close() error
}

// Compactor is a sink that knows classes. A user of a tree can make classes without end, so the sink must forget those
// that the log forgets.
type Compactor interface {
	Sink
	// Compacted says that the log was compacted after the last event that was written. The run has dropped all classes
	// that no document and no folder has. If one of them is needed again, the run writes its definition again.
	Compacted() error
}

// Watermark has the time up to which the index is complete, for each source. The zero value covers nothing.
type Watermark struct {
	Index string `json:"index"`          // name of the index, from the start event
	Seq   uint64 `json:"seq"`            // number of the last covered event
	Boot  string `json:"boot,omitempty"` // boot ID of the machine that sent the heartbeats
	// Sources has the last heartbeat by the path of a tree, or "directory". A tree without one has the zero Moment.
	Sources map[string]Moment `json:"sources"`
	// Unnamed is the number of documents whose path is not UTF-8, or NotCounted. They have no row.
	Unnamed int `json:"unnamed,omitempty"`
	// Unnameable is the number of changes in folders whose path is too long for the kernel, or NotCounted.
	Unnameable int `json:"unnameable,omitempty"`
}

// NotCounted stands for a count that an index on several machines does not have (N-5).
const NotCounted = -1

// Moment is a heartbeat in its stored form.
type Moment struct {
	Time time.Time     `json:"time"`
	Up   time.Duration `json:"up,omitempty"`
}

// directorySource is the source name of the directory.
const directorySource = "directory"

// fresh reports whether a source's last heartbeat is at most limit old at the moment present. boot is this machine's
// boot ID. If a boot ID or the uptime is unknown, the clock alone decides.
//
// These are not fresh:
//   - a source without a heartbeat
//   - a heartbeat in the future, because a clock was set (N-9)
//   - a heartbeat from before this machine's last start, when its clock may have been different (N-82)
func (f *Watermark) fresh(source string, limit time.Duration, boot string, present watch.Heartbeat) bool {
	m := f.Sources[source]
	if m.Time.IsZero() {
		return false
	}
	if age := present.Time.Sub(m.Time); age > limit || age < -time.Second {
		return false
	}
	if boot == "" || f.Boot == "" || boot == f.Boot && m.Up == 0 { // only the clock can be compared
		return true
	}
	age := present.Up - m.Up
	return boot == f.Boot && age >= 0 && age <= limit
}

// sourceOf returns the source whose heartbeat shows that the data about a path is current. That is the tree that
// contains the path, or the directory if no tree does. A document that appeared while its tree had no heartbeat is
// unknown, not absent (N-78).
func (f *Watermark) sourceOf(path string) string {
	for source := range f.Sources {
		if tree.Contains(source, path) {
			return source
		}
	}
	return directorySource
}

// Log stores events in a file, one per line. It is a sink, the stream of changes, and the starting
// point of the next run. The writing goroutine owns it.
type Log struct {
	dir    string
	faults diskio.Faults // nil outside tests
	file   *diskio.File
	buf    []byte
	size   Size  // size of the file, for compaction
	bad    error // the first failure; it is permanent, because the file's state is unknown after it
}

// OpenLog opens the log in the folder dir for writing, and returns it with the state of its events. It creates the
// folder and the log if they are missing; the state is then empty. It removes an incomplete last line, which a crash
// can leave. It returns an error if another run has the log open, if a line is malformed, or if events that the
// watermark covers are missing. The caller closes the log.
func OpenLog(dir string) (*Log, *State, error) { return openLog(dir, nil) }

// openLog is [OpenLog] with injected file errors for tests; nil injects none. It creates the folder and the log,
// takes the lock, replays the events and cuts an incomplete last line. It returns an error if another run writes the
// log (N-10).
func openLog(dir string, faults diskio.Faults) (*Log, *State, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, err
	}
	file, err := faults.OpenFile(filepath.Join(dir, eventsName), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, nil, err
	}
	l := &Log{dir: dir, faults: faults, file: file}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil { // a log has one writer (N-10)
		_ = file.Close()
		return nil, nil, fmt.Errorf("%s: another refmon-index writes here: %w", dir, err)
	}
	s := newState()
	var end int64
	other, err := replaced(dir, file.File)
	if err == nil && other { // another run compacted its log before this one got the lock (N-10)
		err = errors.New("another refmon-index wrote here a moment ago")
	}
	if err == nil {
		end, err = replay(file, s, func(*Event) { l.size.Lines++ })
	}
	if err == nil {
		err = wholeLog(dir, s)
	}
	if err == nil {
		err = file.Truncate(end)
		l.size.Bytes = end
	}
	if err == nil { // sync the file's name, or a power failure loses even synced events
		err = faults.SyncDir(dir)
	}
	if err != nil {
		_ = file.Close()
		return nil, nil, fmt.Errorf("%s: %w", file.Name(), err)
	}
	return l, s, nil
}

// replay rebuilds state s from the log r, and calls each with every event. replay returns the offset after the last
// complete line, and ignores an incomplete line after it. A malformed line, or an event that s rejects, is an error;
// the events before it stay applied.
func replay(r io.Reader, s *State, each func(*Event)) (end int64, err error) {
	in, lines := bufio.NewReaderSize(r, 1<<20), lineReader{}
	for {
		line, err := in.ReadBytes('\n')
		switch {
		case errors.Is(err, io.EOF):
			return end, nil
		case err != nil:
			return end, err
		case len(line) > maxLine:
			return end, damaged(end, fmt.Errorf("a line of %d bytes", len(line)))
		}
		e, err := lines.event(bytes.TrimSuffix(line, []byte("\n")))
		if err == nil {
			err = s.Apply(e)
		}
		if err != nil {
			return end, damaged(end, err)
		}
		each(e)
		end += int64(len(line))
	}
}

// wholeLog returns an error if the log, of state s, ends before the last event that the folder's watermark covers. The
// log was then cut, or restored from an older copy. A run would use event numbers again that readers know, and they
// would ignore its changes (N-138).
func wholeLog(dir string, s *State) error {
	w, err := readWatermark(dir)
	if err != nil || s.start == nil || w.Index != s.start.Index || w.Seq <= s.seq {
		return nil // a run replaces an unreadable watermark (N-134)
	}
	return fmt.Errorf("it ends at event %d, and %s covers event %d: the log was cut or is an older copy: restore both "+
		"files, or %s", s.seq, watermarkName, w.Seq, startOver)
}

// startOver says how to mend a log that cannot be used.
const startOver = "delete the folder and run refmon-index again, which rebuilds the index"

// damaged wraps err as the error of a log line that cannot be used. at is the offset of the line. The caller adds the
// file's name.
func damaged(at int64, err error) error {
	return fmt.Errorf("at byte %d: %w: %s", at, err, startOver)
}

// Write appends events and syncs the file before it returns. After an error the log may contain some of the events,
// and all later calls return the same error.
func (l *Log) Write(events []Event) error {
	if l.bad != nil {
		return l.bad
	}
	l.buf = l.buf[:0]
	for i := range events {
		if l.buf, l.bad = events[i].append(l.buf); l.bad != nil {
			return l.bad
		}
	}
	l.size.Bytes += int64(len(l.buf))
	l.size.Lines += len(events)
	if _, l.bad = l.file.Write(l.buf); l.bad == nil {
		l.bad = l.file.Sync()
	}
	return l.bad
}

// SetWatermark atomically replaces the stored watermark and its checksum. It does not sync it, so a crash of the
// machine can bring back an older one. After a failed Write it returns that error. An error leaves the old one, or both
// files.
func (l *Log) SetWatermark(f *Watermark) error {
	if l.bad != nil {
		return l.bad
	}
	b, err := json.Marshal(f)
	if err != nil {
		return err
	}
	name := filepath.Join(l.dir, watermarkName)
	if err := l.faults.WriteFile(name+".new", appendSealed(nil, b), 0o600); err != nil {
		return err
	}
	return l.faults.Rename(name+".new", name)
}

// Close closes the file and releases its lock, so that another run may write the index (N-10).
func (l *Log) Close() error { return l.file.Close() }

// readWatermark returns the watermark of a folder. It returns the zero value if the folder has none yet, and an error
// for a malformed one or a wrong checksum. A watermark of an older program has no checksum and is valid.
func readWatermark(dir string) (*Watermark, error) {
	name := filepath.Join(dir, watermarkName)
	b, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return &Watermark{}, nil
	}
	if err != nil {
		return nil, err
	}
	f := &Watermark{}
	// With a corrupt time or number, queries could return outdated answers as current (N-134).
	content, sealed, err := unseal(bytes.TrimSpace(b))
	if err == nil {
		if sealed {
			content = append(content, '}')
		}
		err = strict.Unmarshal(content, f)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w: the next heartbeat of a run replaces it", name, err)
	}
	return f, nil
}
