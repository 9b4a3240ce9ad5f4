package acltree

import (
	"bufio"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"

	"github.com/refmon/refmon/internal/diskio"
	"github.com/refmon/refmon/internal/strict"
	"github.com/refmon/refmon/sd"
)

// Entry is the descriptor change of one file, with the file's identity and its earlier stored value. Apply and undo
// need nothing else. A journal has one entry for each file that changes.
type Entry struct {
	Path          string // below the root; "" is the root
	Directory     bool
	Device, Inode uint64
	Raw           []byte // the stored value before the change; nil if there was none
	Before, After *sd.Descriptor
	Version       uint16 // of a new attribute
}

// record is one line of a journal. Header, Blob, Forget, Rest and End are each on a line of their own. The line of an
// entry has Path or Bytes.
type record struct {
	Refmon  string  `json:"refmon,omitempty"` // first line: "acl journal 1"
	Header  *Header `json:"header,omitempty"`
	Root    *string `json:"rootBytes,omitempty"` // base64 of a root that is not UTF-8
	Blob    *string `json:"blob,omitempty"`      // base64; its number is the count of blobs before it
	Forget  bool    `json:"forget,omitempty"`
	Path    *string `json:"path,omitempty"`
	Bytes   *string `json:"pathBytes,omitempty"` // base64 of a path that is not UTF-8
	Dir     bool    `json:"directory,omitempty"`
	Device  uint64  `json:"device,omitempty"`
	Inode   uint64  `json:"inode,omitempty"`
	Raw     *int    `json:"raw,omitempty"`
	Before  int     `json:"before,omitempty"`
	After   int     `json:"after,omitempty"`
	Version uint16  `json:"version,omitempty"`
	Rest    *Rest   `json:"rest,omitempty"` // of a plan that leaves files
	End     *int    `json:"end,omitempty"`  // last line: the number of entries
	Sum     string  `json:"sha256,omitempty"`
}

const magic = "acl journal 1"

// maxBlobs is how many blobs a journal refers to at once. Then both its writer and
// its reader forget them.
const maxBlobs = 4096

// Errors of journals.
var (
	// ErrNoJournal says that a file is not a journal of this version.
	ErrNoJournal = errors.New("it is not an undo file of refmon acl")
	// ErrUnfinished says that a journal was not committed. No file was changed.
	ErrUnfinished = errors.New("its last line is missing: it was interrupted before any file was changed")
	// ErrInUse says that another program writes a journal, or the changes in it.
	ErrInUse = errors.New("another refmon acl command uses it: wait for its end")
)

// Writer writes a journal. It is a [Sink].
type Writer struct {
	Rest Rest // of the whole plan; set it before Commit

	file  *os.File
	w     *bufio.Writer
	sum   hash.Hash
	blobs map[string]int
	count int
}

// NewWriter starts a journal in the empty file f with the header h. The caller closes f. Entries are buffered until
// Commit; a journal without Commit is invalid.
func NewWriter(f *os.File, h Header) (*Writer, error) {
	w := &Writer{file: f, w: bufio.NewWriterSize(f, 1<<18), sum: sha256.New(), blobs: map[string]int{}}
	r := &record{Refmon: magic, Header: &h}
	_, r.Root = inText(h.Root)
	return w, w.put(r)
}

// put writes a record as a line and adds the line to the checksum. A partly written line is already in the checksum.
func (w *Writer) put(r *record) error {
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	line = append(line, '\n')
	_, _ = w.sum.Write(line) // a hash does not fail
	_, err = w.w.Write(line)
	return err
}

// blob returns the number of a byte string in the journal. A new string is written to the journal at once; equal
// strings share a number. After an error the journal must not be continued, because the string may not be in it.
func (w *Writer) blob(b []byte) (int, error) {
	if n, ok := w.blobs[string(b)]; ok {
		return n, nil
	}
	text := base64.StdEncoding.EncodeToString(b)
	n := len(w.blobs)
	w.blobs[string(b)] = n
	return n, w.put(&record{Blob: &text})
}

// Put appends an entry to the buffer. Before and After are required. The entry may be reused afterwards. A full table
// of byte strings is forgotten and begun again. nil Raw is left out. A path that is not UTF-8 is stored in base64. An
// error leaves the journal unusable.
func (w *Writer) Put(e *Entry) error {
	if len(w.blobs) > maxBlobs-3 {
		clear(w.blobs)
		if err := w.put(&record{Forget: true}); err != nil {
			return err
		}
	}
	r := &record{Dir: e.Directory, Device: e.Device, Inode: e.Inode, Version: e.Version}
	if e.Raw != nil {
		n, err := w.blob(e.Raw)
		if err != nil {
			return err
		}
		r.Raw = &n
	}
	var err error
	if r.Before, err = w.blob(e.Before.Append(nil)); err != nil {
		return err
	}
	if r.After, err = w.blob(e.After.Append(nil)); err != nil {
		return err
	}
	r.Path, r.Bytes = inText(e.Path)
	w.count++
	return w.put(r)
}

// Commit writes Rest and the last line, with the number of entries and a checksum, and flushes the buffer. The journal
// is complete when it returns nil. With durable it also syncs the file and its directory, so the journal survives a
// crash. It does not close the file. After an error the journal is not complete.
func (w *Writer) Commit(durable bool) error {
	if w.Rest != (Rest{}) {
		if err := w.put(&record{Rest: &w.Rest}); err != nil {
			return err
		}
	}
	if err := w.put(&record{End: &w.count, Sum: fmt.Sprintf("%x", w.sum.Sum(nil))}); err != nil {
		return err
	}
	if err := w.w.Flush(); err != nil || !durable {
		return err
	}
	if err := w.file.Sync(); err != nil {
		return err
	}
	return diskio.Faults(nil).SyncDir(filepath.Dir(w.file.Name()))
}

// Journal is a journal that was read and checked.
type Journal struct {
	Header
	Rest
	Entries int
	file    io.ReaderAt
}

// ReadJournal reads a journal from its first line to its last, and checks its checksum. The error wraps [ErrNoJournal]
// or [ErrUnfinished], names the damaged line, or is the read error. The Journal reads f again later, so f must stay
// open. An empty file is [ErrUnfinished]. Text after the last line, a line without a known field, and a wrong count of
// entries are errors.
func ReadJournal(f io.ReaderAt) (*Journal, error) {
	j := &Journal{file: f}
	sum, before := sha256.New(), ""
	ended, read := false, 0
	entries := 0
	err := j.lines(func(number int, line []byte, r *record) error {
		read, before = number, fmt.Sprintf("%x", sum.Sum(nil))
		_, _ = sum.Write(line) // a hash does not fail
		switch {
		case number == 1:
			if r.Refmon != magic || r.Header == nil {
				return ErrNoJournal
			}
			j.Header = *r.Header
			if r.Root != nil {
				b, err := base64.StdEncoding.DecodeString(*r.Root)
				j.Root = string(b)
				return err
			}
		case ended:
			return fmt.Errorf("line %d: there is text after the last line", number)
		case r.End != nil:
			if ended = true; *r.End != entries || r.Sum != before {
				return fmt.Errorf("line %d: the undo file is damaged: its checksum is wrong", number)
			}
		case r.Path != nil || r.Bytes != nil:
			entries++
		case r.Rest != nil:
			j.Rest = *r.Rest
		case r.Blob == nil && !r.Forget: // it could be the damaged last line of a complete journal
			return fmt.Errorf("line %d: the undo file is damaged: it has no known field", number)
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case read > 0 && j.Root == "":
		return nil, ErrNoJournal
	case !ended:
		return nil, ErrUnfinished
	}
	j.Entries = entries
	return j, nil
}

// maxLine is the longest line of a journal, in bytes: a blob of 64 KiB or a path.
const maxLine = 1 << 20

// lines calls f for each line of the journal until f returns an error. Numbers count from 1. The bytes include the
// newline and are valid during the call only. An empty file is no error.
//   - the first line is not a record: [ErrNoJournal]
//   - the last line is malformed and has no newline, so it was cut off: [ErrUnfinished]
//   - any other malformed line: an error with its number
func (j *Journal) lines(f func(number int, line []byte, r *record) error) error {
	in := bufio.NewScanner(io.NewSectionReader(j.file, 0, 1<<62))
	in.Buffer(make([]byte, 1<<16), maxLine)
	cut := false // the line of the last Scan has no newline
	in.Split(func(data []byte, atEOF bool) (n int, line []byte, err error) {
		n, line, err = bufio.ScanLines(data, atEOF)
		cut = n > 0 && data[n-1] != '\n'
		return n, line, err
	})
	number := 0
	for in.Scan() {
		number++
		var r record
		if err := json.Unmarshal(in.Bytes(), &r); err != nil {
			if number == 1 {
				return ErrNoJournal
			}
			if cut { // a whole line is damaged, and its file may be the only way to undo a change
				return ErrUnfinished
			}
			return fmt.Errorf("line %d: %w", number, err)
		}
		if err := f(number, append(in.Bytes(), '\n'), &r); err != nil {
			return err
		}
	}
	if errors.Is(in.Err(), bufio.ErrTooLong) && number == 0 {
		return ErrNoJournal
	}
	return strict.LineError(in.Err(), number+1, maxLine)
}

// Each reads the journal again and calls f for each entry, in the order of the plan. Each entry is a new value that f
// may keep. Each stops at the first error, of f or of a damaged line, and returns it. A record without a path is
// skipped. The error names the line, unless it is f's. Entries may share descriptors.
func (j *Journal) Each(f func(e *Entry) error) error {
	var blobs [][]byte
	parsed := map[int]*sd.Descriptor{}
	descriptor := func(n int) (*sd.Descriptor, error) {
		if d := parsed[n]; d != nil {
			return d, nil
		}
		if n < 0 || n >= len(blobs) {
			return nil, errors.New("it refers to a missing descriptor")
		}
		d, err := sd.Decode(blobs[n])
		parsed[n] = d
		return d, err
	}
	return j.lines(func(number int, _ []byte, r *record) error {
		switch {
		case r.Blob != nil:
			b, err := base64.StdEncoding.DecodeString(*r.Blob)
			if err != nil {
				return fmt.Errorf("line %d: the undo file is damaged: blob: %w", number, err)
			}
			blobs = append(blobs, b)
			return nil
		case r.Forget:
			blobs, parsed = nil, map[int]*sd.Descriptor{}
			return nil
		case r.Path == nil && r.Bytes == nil:
			return nil
		}
		e := &Entry{Directory: r.Dir, Device: r.Device, Inode: r.Inode, Version: r.Version}
		if r.Path != nil {
			e.Path = *r.Path
		} else {
			// An empty path would be the root, which the undo would then change.
			b, err := base64.StdEncoding.DecodeString(*r.Bytes)
			if err != nil {
				return fmt.Errorf("line %d: the undo file is damaged: pathBytes: %w", number, err)
			}
			e.Path = string(b)
		}
		if r.Raw != nil {
			// Without its stored value the undo would remove the attribute.
			if *r.Raw < 0 || *r.Raw >= len(blobs) {
				return fmt.Errorf("line %d: the undo file is damaged: raw: there is no blob %d", number, *r.Raw)
			}
			e.Raw = blobs[*r.Raw]
		}
		var err error
		if e.Before, err = descriptor(r.Before); err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
		if e.After, err = descriptor(r.After); err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
		return f(e)
	})
}
