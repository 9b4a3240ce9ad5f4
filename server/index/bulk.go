package index

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Bulk is a sink that writes _bulk requests for Elasticsearch and OpenSearch. Each document has the access array
// that their connectors query. Its external version is the event number, so lines may be sent twice. Send them in
// order; see [Bulk.Write]. The goroutine of the run owns it.
type Bulk struct {
	file  *os.File
	index string
	state *State
	buf   []byte
}

// NewBulk opens name for appending and creates it if it is missing. index is the name of the search index, state the
// folder of the log. It writes all documents that the log names again, with the number of the log's last event as
// version, because the last run may have stopped between the log and these lines. Without a log it writes nothing.
func NewBulk(name, index, state string) (*Bulk, error) {
	b := &Bulk{index: index, state: newState()}
	known := map[string]uint64{}
	events, err := os.Open(filepath.Join(state, eventsName))
	if err == nil {
		_, err = replay(events, b.state, func(e *Event) {
			if e.Row != nil {
				known[e.Row.Path] = 0
			}
		})
		_ = events.Close() // only read
		if err != nil {
			return nil, fmt.Errorf("%s: %w", events.Name(), err)
		}
	}
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	for path := range known {
		known[path] = b.state.seq
	}
	if err := cutTorn(name); err != nil {
		return nil, err
	}
	if b.file, err = os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600); err != nil {
		return nil, err
	}
	if err := b.documents(known); err != nil {
		return nil, errors.Join(err, b.file.Close())
	}
	return b, nil
}

// cutTorn removes an incomplete request at the end of a file: half a line, or an action without its document. A run
// that ended during a write leaves one, and a search engine would read the next line as its rest. cutTorn ignores a
// missing file and one that is not regular, such as a pipe.
func cutTorn(name string) error {
	info, err := os.Stat(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil || !info.Mode().IsRegular() {
		return err
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // only read
	in, end, whole := bufio.NewReaderSize(f, 1<<20), int64(0), int64(0)
	for document := false; ; { // the next line is a document
		line, err := in.ReadSlice('\n')
		end += int64(len(line))
		first := !document && bytes.HasPrefix(line, []byte(`{"index":`))
		for errors.Is(err, bufio.ErrBufferFull) {
			line, err = in.ReadSlice('\n')
			end += int64(len(line))
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if document = first; !document {
			whole = end
		}
	}
	if whole == end {
		return nil
	}
	return os.Truncate(name, whole)
}

// never is a term that no user has. An empty list would match every user (B-6).
const never = "sid:S-1-0-0"

// Write writes the documents that events changed: one for a row, and each document of a class whose members changed.
// It deletes removed documents with the number of the event as version (N-94). Search engines forget such a version
// after a while, so send lines in order. It does not sync the file.
func (b *Bulk) Write(events []Event) error {
	changed := map[string]uint64{}
	for i := range events {
		e := &events[i]
		if e.Class != nil && b.state.classes[e.Class.ID] != nil {
			for path, r := range b.state.rows {
				if slices.Contains(r.Classes, e.Class.ID) {
					changed[path] = e.Seq
				}
			}
		}
		if err := b.state.Apply(e); err != nil {
			return err
		}
		if e.Row != nil {
			changed[e.Row.Path] = e.Seq
		}
		if e.Gone != "" {
			changed[e.Gone] = e.Seq
		}
	}
	return b.documents(changed)
}

// documents writes the lines of documents, each with the number of its event.
func (b *Bulk) documents(changed map[string]uint64) error {
	paths := make([]string, 0, len(changed))
	for p := range changed {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	b.buf = b.buf[:0]
	for _, p := range paths {
		if err := b.document(p, changed[p]); err != nil {
			return err
		}
	}
	_, err := b.file.Write(b.buf)
	return err
}

// maxID is the longest document ID, in bytes. Longer paths are hashed.
const maxID = 512

// accessField is the field of the first right. The field of each further right has "_" and the
// right's word appended.
const accessField = "_allow_access_control"

// field returns the field name of a right.
func field(rights []string, i int) string {
	if i == 0 {
		return accessField
	}
	return accessField + "_" + rights[i]
}

// terms returns the terms of the users with a right on a document, or never if it has none.
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

// document appends the lines of a document: a deletion if it has no row, else its terms and evidence.
func (b *Bulk) document(path string, version uint64) error {
	id := path
	if len(id) > maxID {
		sum := sha256.Sum256([]byte(path))
		id = hex.EncodeToString(sum[:])
	}
	target := map[string]any{"_index": b.index, "_id": id, "version": version, "version_type": "external"}
	r := b.state.rows[path]
	if r == nil {
		return b.lines(map[string]any{"delete": target})
	}
	evidence := map[string]any{"seq": version, "directory": b.state.version}
	source := map[string]any{"path": path, "refmon": evidence}
	for i := range b.state.start.Rights {
		source[field(b.state.start.Rights, i)] = b.terms(r, i)
	}
	evidence["descriptor"], evidence["directory"] = b.state.evidence(path, 0)
	evidence["time"] = time.Unix(0, r.time).UTC()
	return b.lines(map[string]any{"index": target}, source)
}

// lines appends values as lines of JSON.
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

// SetWatermark does nothing. A search engine has no place for a watermark.
func (b *Bulk) SetWatermark(*Watermark) error { return nil }

// Close closes the file.
func (b *Bulk) Close() error { return b.file.Close() }
