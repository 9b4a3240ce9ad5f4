package index

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/refmon/refmon/internal/diskio"
)

// Bulk is a sink that writes requests for a search engine, in one of the forms of [BulkForm]. Send the lines in order;
// see [Bulk.Write]. The goroutine of the run owns it.
type Bulk struct {
	file   *diskio.File
	folder string        // of the file, without links
	faults diskio.Faults // nil outside tests
	index  string
	form   BulkForm
	state  *State
	buf    []byte

	cursor  bulkCursor
	shorter bool // at the start the file was shorter than the cursor's Size
	dirty   bool // lines were written after the cursor was saved
	failed  bool // lines are missing, so the cursor may not move
}

// NewBulk returns a sink that appends to the file name, and creates the file if it is missing. index is the name of
// the search index, or of the table in SQL, and state the folder of the log. The caller closes the sink; [Run] closes
// those of its configuration.
//
// NewBulk writes the documents that changed after the cursor of an earlier run (N-104). It writes all documents that
// the log names, with the version of the log's last event, if there is no cursor, or if the file is shorter than it
// was. Without a log it writes no line. It returns an error if the log no longer has the events after the cursor, if
// another run writes to the file, for a file that begins with other lines, for an unknown form, and for a damaged log
// or cursor.
func NewBulk(name, index, state string, form BulkForm) (*Bulk, error) {
	return newBulk(name, index, state, form, nil)
}

// newBulk is [NewBulk] with injected file errors for tests; nil injects none.
func newBulk(name, index, state string, form BulkForm, faults diskio.Faults) (*Bulk, error) {
	if !slices.Contains(BulkForms(), form) {
		return nil, fmt.Errorf("bulk form %q: want one of %q", form, BulkForms())
	}
	b := &Bulk{index: index, form: form, state: newState(), faults: faults}
	var err error
	if b.file, err = faults.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600); err != nil {
		return nil, err
	}
	if err := b.begin(name, state); err != nil {
		return nil, errors.Join(err, b.file.Close())
	}
	return b, nil
}

// begin locks the file, checks its first line, removes an incomplete request at its end, and appends the lines that an
// earlier run has not written. Its errors are those of [NewBulk].
func (b *Bulk) begin(name, state string) error {
	info, err := b.file.Stat()
	if err == nil && info.Mode().IsRegular() { // lock the file, because another run may be writing a line (N-10)
		if err := unix.Flock(int(b.file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
			return fmt.Errorf("%s: another refmon-index writes here: %w", name, err)
		}
		// A link, such as one in /dev/fd, may lead to another file in the next run.
		if name, err = filepath.EvalSymlinks(name); err != nil {
			return err
		}
		if b.folder, err = filepath.Dir(name), checkStart(name, b.form); err == nil {
			err = cutTorn(name)
		}
	}
	if err != nil {
		return err
	}
	if err := b.readCursor(name, state); err != nil {
		return err
	}
	changed, err := b.replay(state)
	if err != nil {
		return err
	}
	return b.documents(changed)
}

// replay finds the documents that a new run must write to the bulk file. replay reads the log in the folder state into
// b.state. The result maps each document that changed after the saved cursor to the number of the changing event.
//
//   - Without a log the result is nil.
//   - Without a cursor of this log, with a cursor beyond the log, and for a shorter file, the result has all documents,
//     with the log's last number.
//   - A damaged log is an error, and so is a cursor before the log's last compaction.
func (b *Bulk) replay(state string) (map[string]uint64, error) {
	events, err := os.Open(filepath.Join(state, eventsName))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = events.Close() }() // closing a file that was only read loses no data
	known, changed, classes := map[string]uint64{}, map[string]uint64{}, map[string]uint64{}
	_, err = replay(events, b.state, func(e *Event) {
		later := e.Seq > b.cursor.Seq
		switch {
		case e.Row != nil:
			known[e.Row.Path] = 0
			if later {
				changed[e.Row.Path] = e.Seq
			}
		case e.Gone != "" && later:
			changed[e.Gone] = e.Seq
		case e.Class != nil && later && b.form == BulkSIDs:
			classes[e.Class.ID] = e.Seq
		}
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", events.Name(), err)
	}
	s, c := b.state, &b.cursor
	if s.start != nil && c.Index == s.start.Index && c.Seq < s.start.Until {
		// A run without this file compacted the log, so nobody knows which documents to delete.
		return nil, fmt.Errorf("%s: the log no longer has the changes after event %d, which may be deletions: empty the "+
			"search index and delete this cursor, and all documents are written again", c.path, c.Seq)
	}
	if s.start == nil || c.Index != s.start.Index || c.Seq > s.seq || b.shorter {
		for path := range known {
			known[path] = s.seq
		}
		return known, nil
	}
	b.addDocuments(classes, changed)
	return changed, nil
}

// addDocuments adds to changed the documents whose classes have new members. classes maps each such class to its event
// number. A document's value in changed becomes the greatest event number of these classes and of the document itself.
func (b *Bulk) addDocuments(classes, changed map[string]uint64) {
	if len(classes) == 0 {
		return
	}
	for path, r := range b.state.rows {
		for _, id := range r.Classes {
			if seq, ok := classes[id]; ok {
				changed[path] = max(changed[path], seq)
			}
		}
	}
}

// never is a term that no user has. An empty list would match every user (B-6).
const never = "sid:S-1-0-0"

// Write appends the lines of the documents that events changed: of each changed row and, for BulkSIDs, of each
// document of a class whose members changed. For a removed document it writes a deletion, with the version of the event
// (N-94); BulkQdrant has no versions. Search engines forget such a version after a while, so send lines in
// order. It does not sync the file. After an error the cursor no longer moves, so the next run writes the lines again.
func (b *Bulk) Write(events []Event) error {
	changed, classes := map[string]uint64{}, map[string]uint64{}
	for i := range events {
		e := &events[i]
		if e.Class != nil && b.form == BulkSIDs && b.state.classes[e.Class.ID] != nil {
			classes[e.Class.ID] = e.Seq
		}
		if err := b.state.Apply(e); err != nil {
			b.failed = true
			return err
		}
		if e.Row != nil {
			changed[e.Row.Path] = e.Seq
		}
		if e.Gone != "" {
			changed[e.Gone] = e.Seq
		}
	}
	b.addDocuments(classes, changed)
	return b.documents(changed)
}

// flushBytes is the size of the unwritten lines above which a bulk file is written. All lines of an index need much
// more memory than the index itself.
const flushBytes = 1 << 20

// documents writes the lines of documents, sorted by path. changed has the number of the event for each path. It writes
// nothing for an empty map. After a failed write it saves no cursor.
func (b *Bulk) documents(changed map[string]uint64) error {
	paths := make([]string, 0, len(changed))
	for p := range changed {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	b.buf = b.buf[:0]
	for _, p := range paths {
		err := b.document(p, changed[p])
		if err == nil && len(b.buf) >= flushBytes {
			err = b.flush()
		}
		if err != nil {
			return err
		}
	}
	return b.flush()
}

// flush writes the unwritten lines and empties the buffer. Without lines it does nothing. After a failed write no
// cursor is saved any more.
func (b *Bulk) flush() error {
	if len(b.buf) == 0 {
		return nil
	}
	b.dirty = true
	_, err := b.file.Write(b.buf)
	b.failed = b.failed || err != nil
	b.buf = b.buf[:0]
	return err
}

// maxID is the longest document ID, in bytes. Longer paths are hashed.
const maxID = 512

// accessField is the field of the first right. The field of each further right has "_" and the
// right's word appended.
const accessField = "_allow_access_control"

// field returns the name of the search engine's field that lists the users with a right: the common name for the
// index's first right, i = 0, and that name with "_" and the right for the others.
func field(rights []string, i int) string {
	if i == 0 {
		return accessField
	}
	return accessField + "_" + rights[i]
}

// terms returns the terms of the users with a right on a document, as "sid:" and a SID. If nobody has the right,
// the document is unreadable or its class is not decided, it returns the term never, which no user has.
func (b *Bulk) terms(r *RowEvent, right int) []string {
	if right >= len(r.Classes) {
		return []string{never}
	}
	out := []string{}
	e := b.state.classes[r.Classes[right]].event
	for _, s := range slices.Concat(e.Allow, e.Expand) {
		out = append(out, "sid:"+s)
	}
	if len(out) == 0 {
		return []string{never}
	}
	return out
}

// document appends the lines of one document to the buffer, in the output form of b. A document without a row becomes a
// deletion. An id longer than maxID is replaced by its hash, except in the form BulkQdrant.
func (b *Bulk) document(path string, version uint64) error {
	id, r := path, b.state.rows[path]
	if len(id) > maxID {
		sum := sha256.Sum256([]byte(path))
		id = hex.EncodeToString(sum[:])
	}
	switch b.form {
	case BulkQdrant:
		return b.point(path, version, r)
	case BulkSQL:
		b.statement(id, version, r)
		return nil
	}
	// The lines of a new index replace those of a former one, whose event numbers may be higher (N-140).
	external := uint64(max(0, b.state.began))/uint64(time.Microsecond) + version
	target := map[string]any{"_index": b.index, "_id": id, "version": external, "version_type": "external"}
	if r == nil {
		return b.lines(map[string]any{"delete": target})
	}
	if b.form == BulkClasses {
		return b.lines(map[string]any{"index": target}, map[string]any{"path": path, "refmon": b.numbers(r, version)})
	}
	evidence := map[string]any{"index": b.state.start.Index, "seq": version}
	source := map[string]any{"path": path, "refmon": evidence}
	for i := range b.state.start.Rights {
		source[field(b.state.start.Rights, i)] = b.terms(r, i)
	}
	evidence["descriptor"], evidence["directory"] = b.state.evidence(path, 0)
	evidence["time"] = time.Unix(0, r.time).UTC()
	return b.lines(map[string]any{"index": target}, source)
}

// lines appends values to the buffer of unwritten lines, each as one line of JSON. It writes nothing to the file. At a
// value that JSON cannot encode it stops with an error, and the lines before it stay in the buffer.
func (b *Bulk) lines(list ...map[string]any) error {
	for _, line := range list {
		text, err := json.Marshal(line)
		if err != nil {
			return err
		}
		b.buf = append(append(b.buf, text...), '\n')
	}
	return nil
}

// SetWatermark syncs the file and saves the cursor if there were events since the last call. It ignores the watermark
// itself, which a search engine cannot store.
func (b *Bulk) SetWatermark(*Watermark) error { return b.saveCursor() }

// Compacted drops the classes that no document has. It writes no line and returns nil.
func (b *Bulk) Compacted() error {
	b.state.prune()
	return nil
}

// Close syncs the lines, saves the cursor and closes the file. It closes the file also if saving fails.
func (b *Bulk) Close() error {
	return errors.Join(b.saveCursor(), b.file.Close())
}
