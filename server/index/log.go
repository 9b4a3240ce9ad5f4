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
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/strict"
)

// Names in the folder of an index.
const (
	eventsName = "events.jsonl"
	fenceName  = "fence.json"
)

// maxLine is the longest line of events, in bytes.
const maxLine = 64 << 20

// Sink keeps what the worker says. Events come in order, each once; a fence comes behind
// the events that it vouches for. After an error nothing more is said to it.
type Sink interface {
	Write(events []Event) error
	Fence(f *Fence) error
	Close() error
}

// Fence says up to when the index is true, by source. The zero value vouches for nothing.
type Fence struct {
	Index   string            `json:"index"` // of the start event
	Seq     uint64            `json:"seq"`   // the events it stands behind
	Boot    string            `json:"boot,omitempty"`
	Sources map[string]Moment `json:"sources"` // the path of a tree, or "directory"
	// Unnamed is how many documents have a path that is not UTF-8: they have no row.
	Unnamed int `json:"unnamed,omitempty"`
}

// Moment is a beat as it is written.
type Moment struct {
	Time time.Time     `json:"time"`
	Up   time.Duration `json:"up,omitempty"`
}

// directorySource is the name of the directory among the sources of a fence.
const directorySource = "directory"

// fresh reports whether a source has vouched lately. A moment in the future counts as none:
// a clock was set (N-9). So does one of before this machine was started anew, when its clock may have been
// set to anything (N-82).
func (f *Fence) fresh(source string, limit time.Duration, boot string, present Beat) bool {
	m, known := f.Sources[source]
	if !known {
		return false
	}
	if age := present.Time.Sub(m.Time); age > limit || age < -time.Second {
		return false
	}
	if boot == "" || f.Boot == "" || boot == f.Boot && m.Up == 0 { // it is not known here
		return true
	}
	age := present.Up - m.Up
	return boot == f.Boot && age >= 0 && age <= limit
}

// over returns the tree that a path is below, as far as sources tell; the directory where none does.
// A document that came while nothing vouched for its tree is not known, and not missing (N-78).
func (f *Fence) over(path string) string {
	for source := range f.Sources {
		if path == source || strings.HasPrefix(path, source+"/") {
			return source
		}
	}
	return directorySource
}

// Log keeps events in a file, one a line: a sink, the stream of changes, and what the next
// run goes on from. Owned by the goroutine that writes.
type Log struct {
	dir  string
	file *os.File
	buf  []byte
	size Size  // of the file
	bad  error // the first failure, for ever: what is on disk is not known after it
}

// OpenLog opens the log in a folder, makes it if it is not there, and reads what it has.
// Half a line at its end, which a crash leaves, is cut off. The error is os.ErrExist's kind
// if another run has it.
func OpenLog(dir string) (*Log, *State, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, err
	}
	file, err := os.OpenFile(filepath.Join(dir, eventsName), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, nil, err
	}
	l := &Log{dir: dir, file: file}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil { // one writer (N-10)
		_ = file.Close()
		return nil, nil, fmt.Errorf("%s: another refmon-index writes here: %w", dir, err)
	}
	s := newState()
	var end int64
	other, err := replaced(dir, file)
	if err == nil && other { // the run that had the lock has put its log together (N-10)
		err = errors.New("another refmon-index wrote here a moment ago")
	}
	if err == nil {
		end, err = replay(file, s, func(*Event) { l.size.Lines++ })
	}
	if err == nil {
		err = file.Truncate(end)
		l.size.Bytes = end
	}
	if err != nil {
		_ = file.Close()
		return nil, nil, fmt.Errorf("%s: %w", file.Name(), err)
	}
	return l, s, nil
}

// replay applies the events of a file, calls each with them, and returns where the last
// whole line ends.
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
			return end, fmt.Errorf("at byte %d: a line of %d bytes", end, len(line))
		}
		e, err := lines.event(bytes.TrimSuffix(line, []byte("\n")))
		if err == nil {
			err = s.Apply(e)
		}
		if err != nil {
			return end, fmt.Errorf("at byte %d: %w", end, err)
		}
		each(e)
		end += int64(len(line))
	}
}

// Write appends events, which are on disk when it returns.
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

// Fence puts a fence in the place of the last one.
func (l *Log) Fence(f *Fence) error {
	if l.bad != nil {
		return l.bad
	}
	b, err := json.Marshal(f)
	if err != nil {
		return err
	}
	name := filepath.Join(l.dir, fenceName)
	if err := os.WriteFile(name+".new", append(b, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}

// Close closes the file.
func (l *Log) Close() error { return l.file.Close() }

// readFence reads the fence of a folder. It vouches for nothing before the first walk has ended.
func readFence(dir string) (*Fence, error) {
	b, err := os.ReadFile(filepath.Join(dir, fenceName))
	if errors.Is(err, os.ErrNotExist) {
		return &Fence{}, nil
	}
	if err != nil {
		return nil, err
	}
	f := &Fence{}
	return f, strict.Unmarshal(bytes.TrimSpace(b), f)
}
